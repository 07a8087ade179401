/** Responses that stay open: http_stream and SSE. What their clients say beside: emulation.e2e-spec.ts */
import { describe, expect, it } from '@jest/globals'
import { memoryBench } from './bench.js'
import { dialects, jsonDialect } from './dialect.js'
import { ask, HttpClient, httpOf, type OpenOptions } from './http-client.js'

const connectText = '{"id":1,"connect":{}}'

const kinds = [
  ...dialects.map((dialect) => ({
    name: `http_stream, ${dialect.name}`,
    path: '/connection/http_stream' as const,
    dialect,
  })),
  { name: 'sse', path: '/connection/sse' as const, dialect: jsonDialect },
]

describe('[15] responses that stay open', () => {
  const bench = memoryBench()
  const { start } = bench

  const keep = (client: HttpClient): HttpClient => {
    bench.atEnd(() => client.abort())
    return client
  }

  describe.each(kinds)('$name', ({ path, dialect }) => {
    const connect = async (url: string, options: OpenOptions = {}): Promise<HttpClient> =>
      keep(await HttpClient.connect(url, path, { ...options, dialect }))

    it('[15.3] the connect reply names the session and the gateway that has it', async () => {
      const node = await start()
      const clients = [await connect(node.url), await connect(node.url)]
      const [one, two] = clients.map(({ session }) => session)
      expect(one).toEqual({ node: node.name, session: expect.stringMatching(/^[\w-]{32}$/) })
      expect(one?.session).not.toBe(two?.session)
      expect(clients[0]?.received[0]?.['connect']).toMatchObject({ ping: 25, pong: true })
    })

    it('[15.4] subscribes, publishes and hears as over a WebSocket', async () => {
      const node = await start()
      const [streamed, socket] = [await connect(node.url), await bench.connect(node)]
      expect(await streamed.call('subscribe', { channel: 'room:a' })).toMatchObject({ subscribe: {} })
      await socket.call('subscribe', { channel: 'room:a' })
      await socket.call('publish', { channel: 'room:a', data: 'from the socket' })
      await streamed.call('publish', { channel: 'room:a', data: 'from the stream' })
      const said = ['from the socket', 'from the stream']
      await streamed.until(() => streamed.publications('room:a').length === 2, 'both')
      await socket.until(() => socket.publications('room:a').length === 2, 'both')
      expect(streamed.publications('room:a').map(({ data }) => data as unknown)).toEqual(said)
      expect(socket.publications('room:a').map(({ data }) => data as unknown)).toEqual(said)
    })

    it('[15.7] ends with a disconnect push, and then with the response: there is no close code', async () => {
      const node = await start()
      const client = await connect(node.url)
      await node.gateway.stop()
      expect(await client.disconnect()).toEqual({ code: 3001, reason: 'shutdown' })
    })

    it('[15.7] a client that goes away is closed with 3000, and is present no more', async () => {
      const node = await start()
      const [streamed, socket] = [await connect(node.url), await bench.connect(node)]
      await streamed.call('subscribe', { channel: 'room:a' })
      const closed = new Promise((resolve) => node.gateway.events.on('connection:close', resolve))
      const presence = async (): Promise<number> =>
        (await socket.call('presence_stats', { channel: 'room:a' }))['presence_stats'].num_clients as number
      expect(await presence()).toBe(1)
      streamed.abort()
      expect(await closed).toMatchObject({ code: 3000, reason: 'connection closed' })
      expect(await presence()).toBe(0)
      expect(node.gateway.connectionCount).toBe(1)
    })

    it('[15.1] what is not the protocol is told by the same push, because the answer has begun', async () => {
      const node = await start()
      const client = keep(new HttpClient(httpOf(node.url, path), { dialect, body: '\u0007garbage' }))
      expect(await client.disconnect()).toEqual({ code: 3501, reason: 'bad request' })
    })

    it('[15.8] a client that stops reading gets what was accepted, then 3008, and costs no more than its limit', async () => {
      const node = await start({ client: { maxQueueBytes: 65_536, pingIntervalMs: 60_000 } })
      const client = await connect(node.url)
      await client.call('subscribe', { channel: 'news' })
      client.pause()
      const closed = new Promise((resolve) => node.gateway.events.on('connection:close', resolve))
      let count = 0
      const over = closed.then(() => true)
      const body = '.'.repeat(20_000)
      for (let isOver = false; !isOver;) {
        for (let n = 0; n < 20; n += 1) {
          count += 1
          node.gateway.audience.deliver('news', { data: Buffer.from(JSON.stringify(`${count}:${body}`)) })
        }
        isOver = await Promise.race([over, new Promise<false>((resolve) => setImmediate(resolve, false))])
      }
      expect(await closed).toMatchObject({ code: 3008 })
      client.resume()
      expect(await client.disconnect()).toEqual({ code: 3008, reason: 'slow' })
      const numbers = client.publications('news').map(({ data }) => Number.parseInt(String(data), 10))
      expect(numbers).toEqual(numbers.map((_, index) => index + 1))
      expect(numbers.length).toBeLessThan(count)
    }, 30_000)

    it('[15.9] is pinged in the stream, and closed when no pong is posted', async () => {
      const node = await start({ client: { pingIntervalMs: 1_000, pongTimeoutMs: 300 } })
      const client = await connect(node.url)
      const other = await connect(node.url)
      const pings = (): number => other.received.filter((one) => Object.keys(one).length === 0).length
      const answered = other.until(() => pings() > 0, 'a ping').then(() => other.post([{}]))
      expect((await answered).status).toBe(204)
      expect(await client.disconnect()).toEqual({ code: 3012, reason: 'no pong' })
      await other.until(() => pings() > 1, 'another ping')
      expect(other.ended).toBeUndefined()
    })
  })

  it('[15.1] [15.2] each kind hears a channel in its own form, also where all of them listen to it', async () => {
    const node = await start()
    const clients = await Promise.all(
      [...kinds, ...kinds].map(async ({ path, dialect }) =>
        keep(await HttpClient.connect(node.url, path, { dialect })),
      ),
    )
    for (const client of clients) await client.call('subscribe', { channel: 'room:a' })
    for (const n of [1, 2]) await clients[0]?.call('publish', { channel: 'room:a', data: n })
    for (const client of clients) {
      await client.until(() => client.publications('room:a').length === 2, 'both')
      expect(client.publications('room:a').map(({ data }) => data as unknown)).toEqual([1, 2])
    }
  })

  it('[15.1] http_stream: one line for each reply, and nothing on the way may keep it for later', async () => {
    const node = await start()
    const client = keep(await HttpClient.connect(node.url, '/connection/http_stream'))
    expect(client.answer?.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': expect.stringContaining('no-cache'),
      'x-accel-buffering': 'no',
    })
    await client.post([
      { id: 2, rpc: { method: 'x' } },
      { id: 3, presence: { channel: 'room:a' } },
    ])
    await client.reply(3)
    expect(client.text).toMatch(/^(\{[^\n]+\}\n)+$/)
  })

  it('[15.2] sse: each reply an event of its own, also where several left together; the first byte comes before them', async () => {
    const node = await start()
    const url = `${httpOf(node.url, '/connection/sse')}?cf_connect=${encodeURIComponent(connectText)}`
    const client = keep(new HttpClient(url, { method: 'GET' }))
    await client.reply(1)
    expect(client.answer?.headers['content-type']).toBe('text/event-stream; charset=utf-8')
    await client.post([
      { id: 2, presence: { channel: 'room:a' } },
      { id: 3, presence: { channel: 'room:b' } },
    ])
    await client.reply(3)
    expect(client.text).toMatch(/^\r\n(data: \{[^\n]+\}\n\n){3}$/)
  })

  it.each(['/connection/http_stream', '/connection/sse'])(
    '[15.2] without a command there is nothing to begin: 400 at %s',
    async (path) => {
      const node = await start()
      const url = httpOf(node.url, path)
      expect((await ask(url, { method: 'POST' })).status).toBe(400)
      const get = await ask(url)
      expect(get.status).toBe(path === '/connection/sse' ? 400 : 405)
    },
  )

  it('[1.4] counts every kind of connection: a full gateway answers 503 to all of them', async () => {
    const node = await start({ maxConnections: 2 })
    keep(await HttpClient.connect(node.url, '/connection/http_stream'))
    keep(await HttpClient.connect(node.url, '/connection/sse'))
    for (const path of ['http_stream', 'sse', 'uni_sse', 'uni_http_stream']) {
      const url = httpOf(node.url, `/connection/${path}`)
      const { status, headers } = await ask(url, { method: 'POST', body: connectText })
      expect([path, status, headers['retry-after']]).toEqual([path, 503, expect.stringMatching(/^[1-5]$/)])
    }
    await expect(bench.connect(node)).rejects.toThrow('503')
  })

  it('[1.4] a body of more than 64 KiB is answered with 413, whether it is announced or not', async () => {
    const node = await start()
    const body = 'x'.repeat(65_537)
    for (const path of ['/connection/http_stream', '/connection/sse', '/emulation']) {
      const url = httpOf(node.url, path)
      expect((await ask(url, { method: 'POST', body })).status).toBe(413)
      const headers = { 'transfer-encoding': 'chunked' }
      expect((await ask(url, { method: 'POST', headers, body })).status).toBe(413)
    }
    expect(node.gateway.connectionCount).toBe(0)
  })

  it('[15.4] a post may come in pieces, and is read as a whole', async () => {
    const node = await start()
    const client = keep(await HttpClient.connect(node.url, '/connection/http_stream'))
    const text = JSON.stringify({ ...client.session, data: '{"id":7,"presence":{"channel":"room:a"}}' })
    const body = [text.slice(0, 10), text.slice(10, 60), text.slice(60)]
    expect((await ask(httpOf(node.url, '/emulation'), { method: 'POST', body })).status).toBe(204)
    expect(await client.reply(7)).toMatchObject({ presence: {} })
  })

  it('[1.4] a body counts until it is answered: more than 64 MiB may come, if not at once', async () => {
    const node = await start()
    const body = ['x'.repeat(32_000), 'x'.repeat(32_000)]
    for (let fifties = 0; fifties < 24; fifties += 1) {
      const posts = Array.from({ length: 50 }, () =>
        ask(httpOf(node.url, '/emulation'), { method: 'POST', body }),
      )
      expect(new Set((await Promise.all(posts)).map(({ status }) => status))).toEqual(new Set([400]))
    }
  })

  it('[1.4] a transport that is switched off is not found', async () => {
    const off = {
      websocket: false,
      httpStream: false,
      sse: true,
      uniWebsocket: true,
      uniSse: false,
      uniHttpStream: true,
    }
    const node = await start({ client: { transports: off } })
    expect((await ask(httpOf(node.url, '/emulation'), { method: 'OPTIONS' })).status).toBe(204)
    const ways = ['http_stream', 'sse', 'uni_sse', 'uni_http_stream'].map((path) =>
      ask(httpOf(node.url, `/connection/${path}`), { method: 'OPTIONS' }),
    )
    expect((await Promise.all(ways)).map(({ status }) => status)).toEqual([404, 204, 404, 204])
    const [closed, open] = await Promise.all([
      ask(httpOf(node.url, '/connection/websocket')),
      ask(httpOf(node.url, '/connection/uni_websocket')),
    ])
    expect([closed.status, open.status]).toEqual([404, 400])
    expect(closed.text).toBe('Nothing is here, or it is switched off (transport.*).\n')
  })

  it('[15.7] takes part in a drain: told to go elsewhere, and what it asked before is answered', async () => {
    const node = await start()
    const client = keep(await HttpClient.connect(node.url, '/connection/sse'))
    await node.gateway.drain.run(node.gateway.patience())
    expect(await client.disconnect()).toEqual({ code: 3001, reason: 'shutdown' })
  })
})
