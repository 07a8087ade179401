import { Certificates, leakCheck } from '@natter/testing'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { copyFileSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import type { AppOptions } from 'uWebSockets.js'
import { WebSocket } from 'ws'
import type { Certificate, Socket, SocketServer } from '../src/index.js'
import { loadUws, type Uws } from '../src/uws/load-uws.js'
import { UwsSocketServer } from '../src/uws/uws-socket-server.js'

const lookEveryMs = 100

describe('uws: TLS from files', () => {
  let certificates: Certificates
  let expectNoLeaks: ReturnType<typeof leakCheck>
  const servers: SocketServer<undefined>[] = []
  const clients: { destroy?: () => void; terminate?: () => void }[] = []

  beforeEach(() => {
    expectNoLeaks = leakCheck()
    certificates = new Certificates()
  })

  afterEach(async () => {
    for (const client of clients.splice(0)) (client.destroy ?? client.terminate)?.call(client)
    for (const server of servers.splice(0)) server.close()
    certificates.remove()
    await expectNoLeaks()
  })

  /** Tells of the certificates that came into use, and of files that could not. */
  const listen = async (
    files: { certFile: string; keyFile: string },
    onUsed: () => void = () => {},
    load = loadUws,
  ) => {
    const used: Certificate[] = []
    const broken: unknown[] = []
    const sockets: Socket<undefined>[] = []
    let changed = (): void => {}
    const server = new UwsSocketServer<undefined>(
      { host: '127.0.0.1', port: 0, tls: { ...files, lookEveryMs } },
      {
        onUpgrade: () => ({ accept: true }),
        onOpen: (socket) => void sockets.push(socket),
        onMessage: (socket, message) => void socket.send(Buffer.from(message).toString()),
        onDrain: () => {},
        onClose: () => {},
        onCertificate(certificate) {
          used.push(certificate)
          onUsed()
          changed()
        },
        onBrokenCertificate(error) {
          broken.push(error)
          changed()
        },
      },
      load,
    )
    servers.push(server)
    const port = await server.listen()
    const until = (isTrue: () => boolean): Promise<void> =>
      new Promise((resolve) => {
        changed = () => {
          if (isTrue()) resolve()
        }
        changed()
      })
    return { server, port, used, broken, sockets, until }
  }

  /** What a client sees: `servername` '' names nobody, as clients of an address do. */
  const seen = (port: number, servername = ''): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket: TLSSocket = connect(
        { port, host: '127.0.0.1', rejectUnauthorized: false, ...(servername === '' ? {} : { servername }) },
        () => {
          resolve(socket.getPeerCertificate().fingerprint256)
          socket.destroy()
        },
      )
      socket.on('error', reject)
    })

  const openWebSocket = async (port: number): Promise<WebSocket> => {
    const client = new WebSocket(`wss://127.0.0.1:${port}/`, { rejectUnauthorized: false })
    clients.push(client)
    await new Promise((resolve, reject) => client.once('open', resolve).once('error', reject))
    return client
  }

  const echoed = (client: WebSocket, text: string): Promise<string> =>
    new Promise((resolve) => {
      client.once('message', (data: Buffer) => resolve(data.toString()))
      client.send(text)
    })

  const replace = (from: { certFile: string; keyFile: string }, to: typeof from): void => {
    copyFileSync(from.keyFile, to.keyFile)
    copyFileSync(from.certFile, to.certFile)
  }

  it('new connections get the new certificate, with a server name and without; open ones stay and hear what is published', async () => {
    const files = certificates.make('live')
    const { server, port, used, sockets, until } = await listen(files)
    const before = used[0]?.fingerprint
    expect(await seen(port)).toBe(before)
    const early = await openWebSocket(port)

    replace(certificates.make('next'), files)
    await until(() => used.length === 2)
    const after = used[1]?.fingerprint
    expect(after).not.toBe(before)
    expect([await seen(port), await seen(port, 'localhost')]).toEqual([after, after])

    const late = await openWebSocket(port)
    expect(await Promise.all([echoed(early, 'still here'), echoed(late, 'here')])).toEqual([
      'still here',
      'here',
    ])
    for (const socket of sockets) socket.join('room')
    const both = [early, late].map(
      (client) =>
        new Promise((resolve) => client.once('message', (data: Buffer) => resolve(data.toString()))),
    )
    server.publish('room', 'to all')
    expect(await Promise.all(both)).toEqual(['to all', 'to all'])
  })

  it('files that change while it starts to listen are looked at again: else what it told of would never be true', async () => {
    const [files, next] = [certificates.make('live'), certificates.make('next')]
    let isFirst = true
    const { port, used, until } = await listen(files, () => {
      if (isFirst) replace(next, files)
      isFirst = false
    })
    await until(() => used.length === 2)
    expect(await seen(port)).toBe(used[1]?.fingerprint)
  })

  it('sees what Kubernetes does: a link above the files points elsewhere, at once for both', async () => {
    const [one, two] = [certificates.make('one'), certificates.make('two')]
    const inFolder = (name: string, pair: typeof one): void => {
      mkdirSync(join(certificates.folder, name))
      copyFileSync(pair.certFile, join(certificates.folder, name, 'tls.crt'))
      copyFileSync(pair.keyFile, join(certificates.folder, name, 'tls.key'))
    }
    inFolder('..2026_1', one)
    inFolder('..2026_2', two)
    const link = join(certificates.folder, '..data')
    symlinkSync('..2026_1', link)
    for (const file of ['tls.crt', 'tls.key']) symlinkSync(`..data/${file}`, join(certificates.folder, file))
    const files = {
      certFile: join(certificates.folder, 'tls.crt'),
      keyFile: join(certificates.folder, 'tls.key'),
    }
    const { port, used, until } = await listen(files)
    symlinkSync('..2026_2', `${link}_tmp`)
    renameSync(`${link}_tmp`, link)
    await until(() => used.length === 2)
    expect(await seen(port)).toBe(used[1]?.fingerprint)
  })

  it('a pair that can not be used changes nothing and is told once, with the reason; the next good one is taken', async () => {
    const files = certificates.make('live')
    const { port, used, broken, until } = await listen(files)
    const next = certificates.make('next')
    copyFileSync(next.certFile, files.certFile) // without its key
    await until(() => broken.length === 1)
    expect(broken[0]).toMatchObject({
      code: 'tls-files-broken',
      message: expect.stringContaining('the key is of another certificate'),
    })
    expect(await seen(port)).toBe(used[0]?.fingerprint)
    writeFileSync(files.keyFile, 'garbage')
    await until(() => broken.length === 2)
    expect(await seen(port)).toBe(used[0]?.fingerprint)
    replace(next, files)
    await until(() => used.length === 2)
    expect(await seen(port)).toBe(used[1]?.fingerprint)
    expect(broken).toHaveLength(2)
  })

  it('a certificate may change many times under load: who is connected stays connected', async () => {
    const files = certificates.make('live')
    const pairs = [1, 2, 3].map((n) => certificates.make(`next-${n}`))
    const { port, used, until } = await listen(files)
    const open: WebSocket[] = []
    for (const [index, pair] of pairs.entries()) {
      open.push(await openWebSocket(port))
      replace(pair, files)
      await until(() => used.length === index + 2)
    }
    const answers = await Promise.all(open.map((client, n) => echoed(client, `client ${n}`)))
    expect(answers).toEqual(['client 0', 'client 1', 'client 2'])
  })

  it('a port that could not be taken over is told of and tried for again: nobody could come in until the next renewal', async () => {
    let isTaken = false
    const load = async (): Promise<Uws> => {
      const uws = await loadUws()
      const createApp = (options: AppOptions) => {
        const app = uws.SSLApp(options)
        const take = app.listen as (...args: unknown[]) => unknown
        app.listen = ((...args: unknown[]) =>
          isTaken ? (args.at(-1) as (socket: false) => void)(false) : take.apply(app, args)) as never
        return app
      }
      return { ...uws, SSLApp: createApp }
    }
    const files = certificates.make('live')
    const { port, used, broken, until } = await listen(files, undefined, load)
    isTaken = true
    replace(certificates.make('next'), files)
    await until(() => broken.length === 1)
    expect(broken[0]).toMatchObject({ code: 'port-in-use' })
    await expect(seen(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    isTaken = false
    await until(() => used.length === 2)
    expect(await seen(port)).toBe(used[1]?.fingerprint)
  })

  it('does not start with files that do not fit, and says which', async () => {
    const [one, two] = [certificates.make('one'), certificates.make('two')]
    await expect(listen({ certFile: one.certFile, keyFile: two.keyFile })).rejects.toMatchObject({
      name: 'InvalidError',
      code: 'tls-files-broken',
      message: expect.stringContaining(two.keyFile),
    })
    const missing = join(certificates.folder, 'nothing.crt')
    await expect(listen({ ...one, certFile: missing })).rejects.toMatchObject({ code: 'tls-files-broken' })
  })

  it('speaks TLS 1.2 and 1.3, and nothing older', async () => {
    const { port } = await listen(certificates.make('live'))
    const spoken = (version: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'): Promise<string | null> =>
      new Promise((resolve) => {
        const socket = connect(
          {
            port,
            host: '127.0.0.1',
            rejectUnauthorized: false,
            minVersion: version,
            maxVersion: version,
            ciphers: 'DEFAULT@SECLEVEL=0',
          },
          () => {
            resolve(socket.getProtocol())
            socket.destroy()
          },
        )
        socket.on('error', () => resolve('refused'))
      })
    expect([await spoken('TLSv1.1'), await spoken('TLSv1.2'), await spoken('TLSv1.3')]).toEqual([
      'refused',
      'TLSv1.2',
      'TLSv1.3',
    ])
  })
})
