import { Certificates, freePort, MisbehavingPeer } from '@natter/testing'
import { afterEach, describe, expect, it } from '@jest/globals'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { WebSocket } from 'ws'
import { createUwsServer, type SocketHandlers, type SocketServer } from '../src/index.js'
import { HttpStreamClient } from './http-stream-client.js'
import { transportContract } from './transport.contract.js'

transportContract('uws', async (options, handlers) => {
  const server = createUwsServer<string>({ host: '127.0.0.1', port: 0, ...options }, handlers)
  const port = await server.listen()
  const peers: MisbehavingPeer[] = []
  return {
    server,
    async connect({ path = '/', subprotocols = [] } = {}) {
      const peer = await MisbehavingPeer.connect({ port, path, subprotocols })
      peers.push(peer)
      return peer
    },
    dispose() {
      server.close()
      for (const peer of peers) peer.destroy()
    },
  }
})

for (const { name, framing, isTls } of [
  { name: 'uws, a stream of lines', framing: 'lines', isTls: false },
  { name: 'uws, a stream of events', framing: 'events', isTls: false },
  { name: 'uws, a stream of lines over TLS', framing: 'lines', isTls: true },
] as const) {
  transportContract(
    name,
    async (options, handlers) => {
      const certificates = new Certificates()
      const tls = isTls ? { tls: certificates.make('contract') } : {}
      const server = createUwsServer<string>({ host: '127.0.0.1', port: 0, ...tls, ...options }, handlers)
      const port = await server.listen()
      const clients: HttpStreamClient[] = []
      return {
        server,
        async connect({ path = '/' } = {}) {
          const client = new HttpStreamClient(framing, { port, path, body: 'the request', isTls })
          clients.push(client)
          await client.opened
          return client
        },
        dispose() {
          server.close()
          for (const client of clients) client.close()
          certificates.remove()
        },
      }
    },
    'stream',
  )
}

describe('uws: on a real port', () => {
  const servers: SocketServer<undefined>[] = []
  const quiet: SocketHandlers<undefined> = {
    onUpgrade: () => ({ accept: true, subprotocol: 'centrifuge-json' }),
    onOpen: () => {},
    onMessage: (socket, message) => void socket.send(Buffer.from(message).toString()),
    onDrain: () => {},
    onClose: () => {},
  }

  const listen = async (
    handlers = quiet,
    options: { port?: number; sharePort?: boolean } = {},
  ): Promise<number> => {
    const server = createUwsServer<undefined>({ host: '127.0.0.1', port: 0, ...options }, handlers)
    servers.push(server)
    return await server.listen()
  }

  afterEach(() => {
    for (const server of servers.splice(0)) server.close()
  })

  it('refuses a port that is taken, naming it, instead of sharing the traffic in silence', async () => {
    const port = await listen()
    await expect(listen(quiet, { port })).rejects.toMatchObject({
      name: 'UnavailableError',
      code: 'port-in-use',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    })
  })

  it('shares the port when told to', async () => {
    const port = await freePort() // the system's own choice (0) can't be shared
    await listen(quiet, { port, sharePort: true })
    expect(await listen(quiet, { port, sharePort: true })).toBe(port)
  })

  it('speaks with an ordinary WebSocket client', async () => {
    const port = await listen()
    const client = new WebSocket(`ws://127.0.0.1:${port}/connection/websocket`, ['centrifuge-json'])
    await new Promise((resolve) => client.once('open', resolve))
    expect(client.protocol).toBe('centrifuge-json')
    const echoed = new Promise((resolve) =>
      client.once('message', (data: Buffer) => resolve(data.toString())),
    )
    client.send('{"id":1}')
    expect(await echoed).toBe('{"id":1}')
    client.terminate()
  })

  it('a refused upgrade answers status, headers and body', async () => {
    const port = await listen({
      ...quiet,
      onUpgrade: () => ({ accept: false, status: 429, body: 'too many', headers: { 'retry-after': '3' } }),
    })
    const client = new WebSocket(`ws://127.0.0.1:${port}/`)
    client.on('error', () => {})
    const response = await new Promise<IncomingMessage>((resolve) =>
      client.once('unexpected-response', (_request, answer) => resolve(answer)),
    )
    const body: Buffer[] = []
    for await (const chunk of response) body.push(chunk as Buffer)
    expect([response.statusCode, response.headers['retry-after'], Buffer.concat(body).toString()]).toEqual([
      429,
      '3',
      'too many',
    ])
  })

  it('closes the socket of a request that it answers with 503: who can’t be served shall not keep a descriptor', async () => {
    const port = await listen({
      ...quiet,
      onRequest: ({ path }) => ({
        is: 'answer',
        answer: { status: path === '/full' ? 503 : 200, body: 'x' },
      }),
    })
    const isKept = async (path: string): Promise<boolean> => {
      const socket = connect(port, '127.0.0.1')
      const answered = new Promise<string>((resolve) =>
        socket.once('data', (data) => resolve(data.toString())),
      )
      const ended = new Promise<false>((resolve) => socket.once('end', () => resolve(false)))
      socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`)
      await answered
      const again = new Promise<true>((resolve) => socket.once('data', () => resolve(true)))
      socket.write('GET /room HTTP/1.1\r\nhost: x\r\n\r\n')
      const isThere = await Promise.race([again, ended])
      socket.destroy()
      return isThere
    }
    expect(await isKept('/room')).toBe(true)
    expect(await isKept('/full')).toBe(false)
  })

  it('lets its port go for a while and takes it again: who is there stays, who comes is refused by the kernel', async () => {
    const server = createUwsServer<undefined>(
      { host: '127.0.0.1', port: await freePort() },
      { ...quiet, onUpgrade: () => ({ accept: true }), onMessage: (socket) => void socket.send('heard') },
    )
    servers.push(server)
    const port = await server.listen()
    const opened = (client: WebSocket) =>
      new Promise<string>((resolve) => {
        client.once('open', () => resolve('open'))
        client.once('error', ({ message }) => resolve(message))
      })
    const early = new WebSocket(`ws://127.0.0.1:${port}/`)
    expect(await opened(early)).toBe('open')
    server.pauseListening()
    server.pauseListening()
    expect(await opened(new WebSocket(`ws://127.0.0.1:${port}/`))).toContain('ECONNREFUSED')
    const heard = new Promise((resolve) => early.once('message', (data: Buffer) => resolve(data.toString())))
    early.send('hello')
    expect(await heard).toBe('heard')
    expect([server.resumeListening(), server.resumeListening()]).toEqual([true, true])
    const late = new WebSocket(`ws://127.0.0.1:${port}/`)
    expect(await opened(late)).toBe('open')
    server.stopListening()
    expect(server.resumeListening()).toBe(true) // it has nothing to take
    expect(await opened(new WebSocket(`ws://127.0.0.1:${port}/`))).toContain('ECONNREFUSED')
    for (const client of [early, late]) client.terminate()
  })

  it('tells a plain HTTP request on the socket path that it needs a WebSocket, and others 404', async () => {
    const port = await listen()
    const plain = await fetch(`http://127.0.0.1:${port}/connection/websocket`)
    expect([plain.status, await plain.text()]).toEqual([400, expect.stringContaining('speaks WebSocket')])
    expect((await fetch(`http://127.0.0.1:${port}/elsewhere`)).status).toBe(404)
  })

  it('a peer that vanishes without a close frame is closed with 1006', async () => {
    const closed = new Promise<number>((resolve) => {
      void listen({ ...quiet, onClose: (_socket, code) => resolve(code) }).then(async (port) =>
        (await MisbehavingPeer.connect({ port })).destroy(),
      )
    })
    expect(await closed).toBe(1006)
  })

  it('ends many stuck readers dropped by one publication without hurting the process', async () => {
    const slow: number[] = []
    let allClosed = (): void => {}
    const done = new Promise<void>((resolve) => {
      allClosed = resolve
    })
    const server = createUwsServer<undefined>(
      { host: '127.0.0.1', port: 0, maxQueueBytes: 65_536 },
      {
        ...quiet,
        onOpen: (socket) => socket.join('room'),
        onClose: (_socket, code) => {
          if (slow.push(code) === 20) allClosed()
        },
      },
    )
    servers.push(server)
    const port = await server.listen()
    const peers = await Promise.all(Array.from({ length: 20 }, () => MisbehavingPeer.connect({ port })))
    for (const peer of peers) peer.pause()
    while (slow.length < 20) {
      for (let i = 0; i < 10; i += 1) server.publish('room', '.'.repeat(60_000))
      await new Promise(setImmediate)
    }
    await done
    for (const peer of peers) peer.destroy()
    expect(new Set(slow)).toEqual(new Set([3008]))
  })
})
