/** Clients that only listen: `curl`, a bare EventSource, a WebSocket without an SDK. */
import { describe, expect, it } from '@jest/globals'
import { SignJWT } from 'jose'
import { spawn } from 'node:child_process'
import { WebSocket } from 'ws'
import { memoryBench } from './bench.js'
import type { Incoming, NodeOverrides, TestNode } from './harness.js'
import { HttpClient, httpOf } from './http-client.js'

const secret = 'a secret of this test'

const token = (claims: Record<string, unknown>, expiresIn = '1h'): Promise<string> =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime(expiresIn)
    .sign(new TextEncoder().encode(secret))

/** What all three kinds of listener have in common. */
interface Listener {
  readonly received: Incoming[]
  until: HttpClient['until']
  disconnect(): Promise<{ code: number; reason: string }>
  say(text: string): void
  abort(): void
}

function listenByWebSocket(url: string, query: string, first: string | undefined): Listener {
  const socket = new WebSocket(`${url.replace('/websocket', '/uni_websocket')}${query}`)
  const received: Incoming[] = []
  let closed: { code: number; reason: string } | undefined
  const looking = new Set<() => void>()
  const look = (): void => {
    for (const one of looking) one()
  }
  socket.on('open', () => first === undefined || socket.send(first))
  socket.on('error', () => {})
  socket.on('message', (data: Buffer) => {
    for (const line of data.toString().split('\n')) received.push(JSON.parse(line) as Incoming)
    look()
  })
  socket.on('close', (code, reason) => {
    closed = { code, reason: reason.toString() }
    look()
  })
  const until = <T>(check: () => T | undefined | false, what: string): Promise<T> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${what} did not come: ${JSON.stringify(received)}`)),
        6_000,
      )
      const one = (): void => {
        const found = check()
        if (found === undefined || found === false) return
        clearTimeout(timer)
        looking.delete(one)
        resolve(found)
      }
      looking.add(one)
      one()
    })
  return {
    received,
    until,
    disconnect: () => until(() => closed, 'the close'),
    say: (text) => socket.send(text),
    abort: () => socket.terminate(),
  }
}

function listenByHttp(url: string, options: ConstructorParameters<typeof HttpClient>[1]): Listener {
  const client = new HttpClient(url, options)
  return Object.assign(client, { say: () => {} })
}

const inQuery = (request: string): string => `?cf_connect=${encodeURIComponent(request)}`

const kinds: readonly { name: string; listen(node: TestNode, request: string): Listener }[] = [
  {
    name: 'uni_websocket, first message',
    listen: ({ url }, request) => listenByWebSocket(url, '', request),
  },
  {
    name: 'uni_websocket, cf_connect',
    listen: ({ url }, request) => listenByWebSocket(url, inQuery(request), undefined),
  },
  {
    name: 'uni_sse, cf_connect',
    listen: ({ url }, request) =>
      listenByHttp(`${httpOf(url, '/connection/uni_sse')}${inQuery(request)}`, { method: 'GET' }),
  },
  {
    name: 'uni_sse, body',
    listen: ({ url }, request) => listenByHttp(httpOf(url, '/connection/uni_sse'), { body: request }),
  },
  {
    name: 'uni_http_stream',
    listen: ({ url }, request) => listenByHttp(httpOf(url, '/connection/uni_http_stream'), { body: request }),
  },
]

describe('[16] clients that only listen', () => {
  const bench = memoryBench()

  describe.each(kinds)('$name', ({ listen }) => {
    const start = async (
      request: object | string = {},
      overrides?: NodeOverrides,
    ): Promise<[Listener, TestNode]> => {
      const node = await bench.start(overrides)
      const listener = listen(node, typeof request === 'string' ? request : JSON.stringify(request))
      bench.atEnd(() => listener.abort())
      return [listener, node]
    }

    it('[16.2] get a connect push first, then publications as bare pushes', async () => {
      const [listener, node] = await start({ subs: { 'room:a': {} } })
      const connect = await listener.until(() => listener.received[0], 'the connect')
      expect(connect).toEqual({
        connect: {
          client: expect.any(String),
          version: 'test',
          subs: { 'room:a': expect.objectContaining({ positioned: true }) },
          ping: 25,
        },
      })
      const publisher = await bench.connect(node)
      await publisher.call('publish', { channel: 'room:a', data: { is: 'said' } })
      const pub = await listener.until(() => listener.received.find((one) => one['pub'] !== undefined), 'it')
      expect(pub).toMatchObject({ channel: 'room:a', pub: { data: { is: 'said' } } })
    })

    it('[16.3] begin with channels that they could subscribe to by themselves; the others are left out', async () => {
      const [listener] = await start({ subs: { 'room:a': {}, 'closed:a': {}, $secret: {} } })
      const connect = await listener.until(() => listener.received[0], 'the connect')
      expect(Object.keys(connect['connect'].subs as object)).toEqual(['room:a'])
    })

    it('[16.3] a namespace that is not there ends it with 3501, as with every client', async () => {
      const [listener] = await start({ subs: { 'nowhere:a': {} } })
      expect(await listener.disconnect()).toEqual({ code: 3501, reason: 'bad request' })
    })

    it('[16.3] recover what they missed by position', async () => {
      const node = await bench.start()
      const publisher = await bench.connect(node)
      const { epoch } = (await publisher.call('subscribe', { channel: 'room:a' }))['subscribe'] as {
        epoch: string
      }
      for (let n = 0; n < 3; n += 1) await publisher.call('publish', { channel: 'room:a', data: n })
      const subs = { 'room:a': { recover: true, epoch, offset: 0 } }
      const listener = listen(node, JSON.stringify({ subs }))
      bench.atEnd(() => listener.abort())
      const connect = await listener.until(() => listener.received[0], 'the connect')
      const { recovered, publications } = connect['connect'].subs['room:a']
      expect(recovered).toBe(true)
      expect((publications as { data: number }[]).map(({ data }) => data)).toEqual([0, 1, 2])
    })

    it('[16.4] are told by a disconnect what others are told by an error: an expired token 3005, a bad one 3500', async () => {
      const overrides = { secret, client: { allowAnonymous: false } }
      const [expired] = await start({ token: await token({ sub: 'ana' }, '-1h') }, overrides)
      const [forged] = await start({ token: 'e30.e30.e30' }, overrides)
      const [nobody] = await start({}, overrides)
      expect((await expired.disconnect()).code).toBe(3005)
      expect((await forged.disconnect()).code).toBe(3500)
      expect((await nobody.disconnect()).code).toBe(3501)
      for (const { received } of [expired, forged, nobody])
        expect(received.filter((one) => one['disconnect'] === undefined)).toEqual([])
    })

    it('[16.4] what is no connect request is 3501', async () => {
      const [listener] = await start('"garbage"')
      expect((await listener.disconnect()).code).toBe(3501)
    })

    it('[16.5] are pinged, and nothing is expected of them', async () => {
      const [listener] = await start({}, { client: { pingIntervalMs: 1_000, pongTimeoutMs: 100 } })
      const pings = (): number => listener.received.filter((one) => Object.keys(one).length === 0).length
      await listener.until(() => pings() >= 3, 'three pings')
      expect(listener.received.some((one) => one['disconnect'] !== undefined)).toBe(false)
    })

    it('[16.6] are told to go like all others', async () => {
      const [listener, node] = await start()
      await listener.until(() => listener.received[0], 'the connect')
      await node.gateway.stop()
      expect(await listener.disconnect()).toEqual({ code: 3001, reason: 'shutdown' })
    })
  })

  it('[16.1] uni_websocket: what it says after its connect request is not heard', async () => {
    const node = await bench.start()
    const listener = listenByWebSocket(node.url, '', '{"subs":{"room:a":{}}}')
    bench.atEnd(() => listener.abort())
    await listener.until(() => listener.received[0], 'the connect')
    for (const text of ['{}', 'garbage', '{"id":2,"publish":{"channel":"room:a","data":1}}'])
      listener.say(text)
    const publisher = await bench.connect(node)
    await publisher.call('publish', { channel: 'room:a', data: 'heard' })
    const pub = await listener.until(() => listener.received.find((one) => one['pub'] !== undefined), 'it')
    expect(pub['pub'].data).toBe('heard')
  })

  it('[16.1] curl listens to a channel with one line', async () => {
    const node = await bench.start()
    const url = httpOf(node.url, '/connection/uni_http_stream')
    const curl = spawn('curl', ['-sN', '-d', '{"subs":{"room:a":{}}}', url])
    bench.atEnd(() => curl.kill())
    const lines: string[] = []
    const two = new Promise<void>((resolve) => {
      curl.stdout.on('data', (chunk: Buffer) => {
        lines.push(...chunk.toString().trim().split('\n'))
        if (lines.length === 1) void publish()
        if (lines.length === 2) resolve()
      })
    })
    const publish = async (): Promise<void> => {
      const publisher = await bench.connect(node)
      await publisher.call('publish', { channel: 'room:a', data: 'to curl' })
    }
    await two
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({ channel: 'room:a', pub: { data: 'to curl' } })
  })

  it('[16.1] without a request they are let in as who has nothing to say, where anonymous clients are', async () => {
    const node = await bench.start()
    const listener = listenByHttp(httpOf(node.url, '/connection/uni_sse'), { method: 'GET' })
    bench.atEnd(() => listener.abort())
    expect(await listener.until(() => listener.received[0], 'the connect')).toHaveProperty('connect')
  })
})
