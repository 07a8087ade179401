/** Hooks over HTTP against a real backend, in both encodings: what it is asked, and what comes of each thing that it can answer. */
import { afterEach, describe, expect, it } from '@jest/globals'
import { Disconnects } from '@natter/protocol'
import { connectSdk, ManualClock } from '@natter/testing'
import { createServer, type ServerResponse } from 'node:http'
import type { HttpHookEvents } from '../src/http-hooks/http-hooks.events.js'
import type { HttpHook, HttpHookKind } from '../src/http-hooks/http-hook.js'
import { memoryBench } from './bench.js'
import { dialects } from './dialect.js'
import { FakeApp } from './fake-app.js'
import { namespacesOf, RawClient, type Incoming, type NodeOverrides, type TestNode } from './harness.js'
import { secret, tokenOf } from './wire-bench.js'
import { startHookServer, tableOf, type HookAnswer, type HookServer } from './hook-server.js'

const until = async (isTrue: () => boolean): Promise<void> => {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve))
}

const openTo = { allow_history_for_client: true, allow_history_for_anonymous: true }

/** `nowMs`: of the clock that the gateway goes by, where that is the test's. */
const inSeconds = (seconds: number, nowMs = Date.now()): number => Math.floor(nowMs / 1000) + seconds

describe.each(dialects)('hooks over HTTP, for clients that speak $name', (dialect) => {
  const bench = memoryBench(dialect)
  let servers: HookServer[] = []

  afterEach(async () => {
    await Promise.all(servers.map((one) => one.stop()))
    servers = []
  })

  const serve = async (answers: Record<string, HookAnswer> = {}): Promise<HookServer> => {
    const server = await startHookServer(answers)
    servers.push(server)
    return server
  }

  /** A node whose hooks a server answers, of kinds for channels in the namespaces `room` and none. */
  const start = async (
    answers: Record<string, HookAnswer>,
    options: Partial<HttpHook> = {},
    overrides: NodeOverrides = {},
  ): Promise<{ node: TestNode; server: HookServer; failed: HttpHookEvents['http-hook:failed'][] }> => {
    const server = await serve(answers)
    const has = (kind: HttpHookKind): boolean => kind in answers
    const hook = (kind: HttpHookKind): HttpHook => server.hook(kind, options)
    const channels = (['subscribe', 'publish', 'sub_refresh'] as const)
      .filter(has)
      .flatMap((kind) => ['', 'room', 'closed'].map((name) => [`${kind} ${name}`, hook(kind)] as const))
    const httpHooks = tableOf({
      ...(has('connect') ? { connect: hook('connect') } : {}),
      ...(has('refresh') ? { refresh: hook('refresh') } : {}),
      channels: Object.fromEntries(channels),
      rpc: has('rpc') ? { '': hook('rpc'), billing: hook('rpc') } : {},
    })
    const node = await bench.start({ httpHooks, ...overrides })
    const failed: HttpHookEvents['http-hook:failed'][] = []
    node.gateway.events.on('http-hook:failed', (event) => failed.push(event))
    return { node, server, failed }
  }

  /** On a clock that the test moves. */
  const startAt = async (
    answers: Record<string, HookAnswer>,
    options: Partial<HttpHook> = {},
    overrides: NodeOverrides = {},
  ) => {
    const clock = new ManualClock(Date.now())
    const started = await start(answers, options, { clock, ...overrides })
    const { events } = started.node.gateway
    const untilFailed = (): Promise<unknown> =>
      new Promise((resolve) => events.on('http-hook:failed', resolve))
    return { ...started, clock, untilFailed }
  }

  const ended = (client: RawClient): Promise<Incoming> =>
    client.until(() => client.pushes('room:x').find((one) => one['unsubscribe']), 'the end')

  const open = (node: TestNode, headers: Record<string, string> = {}): Promise<RawClient> =>
    bench.keep(RawClient.open(node.url, { headers, dialect }))

  const enter = async (node: TestNode, request: object = {}): Promise<RawClient> => {
    const client = await open(node)
    expect(await client.call('connect', request)).toHaveProperty('connect')
    return client
  }

  const code = (reply: Incoming): unknown => reply['error']?.code

  const about = { transport: 'websocket', protocol: dialect.name, encoding: 'json' }

  describe('connect', () => {
    it('[22.1] [22.4] asks who it is, and takes all that is answered', async () => {
      const { node, server } = await start({
        connect: {
          result: {
            user: 'ana',
            info: { n: 1 },
            data: { hello: 1 },
            meta: { plan: 'pro' },
            expire_at: inSeconds(600),
            channels: ['news'],
            subs: {
              'room:a': { info: { in: 'a' }, data: { d: 1 }, override: { presence: { value: false } } },
            },
          },
        },
      })
      const client = await open(node)
      const request = { name: 'web', version: '1.0', data: { k: 1 }, subs: { 'room:a': {}, news: {} } }
      const { connect } = await client.call('connect', request)
      expect(server.asked[0]?.request).toEqual({
        ...about,
        client: connect.client,
        name: 'web',
        version: '1.0',
        channels: ['room:a', 'news'],
        data: { k: 1 },
      })
      expect(connect).toMatchObject({ data: { hello: 1 }, subs: { 'room:a': { data: { d: 1 } }, news: {} } })
      expect(connect).not.toHaveProperty('expires')
      const { presence } = await client.call('presence', { channel: 'news' })
      expect(Object.values(presence.presence)).toEqual([
        { user: 'ana', client: connect.client, conn_info: { n: 1 } },
      ])
      expect((await client.call('presence', { channel: 'room:a' })).presence.presence).toEqual({})
    })

    it('[22.4] gives a client the data that came as base64', async () => {
      const b64data = Buffer.from('{"a":1}').toString('base64')
      const b64info = Buffer.from('{"i":1}').toString('base64')
      const { node } = await start({ connect: { result: { user: '', b64data, b64info } } })
      const { connect } = await (await open(node)).call('connect', {})
      expect(connect.data).toEqual({ a: 1 })
    })

    it('[22.4] an error, a disconnect and an end that has passed let nobody in', async () => {
      const { node, server } = await start({ connect: {} })
      const outcomes: unknown[] = []
      for (const [answer, expected] of [
        [{ error: { code: 401, message: 'who?' } }, { code: 401, message: 'who?' }],
        [{ error: { code: 403, temporary: true } }, { code: 403, temporary: true }],
        [{ result: { user: 'ana', expire_at: 1 } }, { code: 110 }],
      ] as const) {
        server.answers['connect'] = answer
        outcomes.push((await (await open(node)).call('connect', {}))['error'])
        expect(outcomes.at(-1)).toMatchObject(expected)
      }
      server.answers['connect'] = { disconnect: { code: 4_501, reason: 'banned' } }
      const client = await open(node)
      client.start('connect', {})
      expect(await client.close()).toEqual({ code: 4_501, reason: 'banned' })
    })

    it('[22.1] is left to tokens where one comes that can be judged', async () => {
      const { node, server } = await start({ connect: { result: { user: 'ana' } } }, {}, { secret })
      const client = await open(node)
      client.start('connect', { token: 'nonsense' })
      expect((await client.close()).code).toBe(Disconnects.invalidToken.code)
      expect(server.asked).toEqual([])
    })

    it('[22.3] passes on the headers that were chosen, and the secret ones', async () => {
      const { node, server } = await start(
        { connect: { result: { user: 'ana' } } },
        {
          realHeaders: ['cookie', 'origin'],
          saidHeaders: ['user-agent', 'cookie'],
          staticHeaders: { 'x-api-key': 'k' },
        },
        { client: { hookHeaders: ['cookie', 'origin', 'user-agent', 'x-trusted'] } },
      )
      const client = await open(node, { cookie: 'real', 'x-other': 'no' })
      const headers = { Cookie: 'said', 'User-Agent': 'page', Origin: 'https://said', 'x-trusted': 'no' }
      await client.call('connect', { headers })
      const { headers: got } = server.asked[0] ?? {}
      expect(got).toMatchObject({ cookie: 'real', 'x-api-key': 'k', 'user-agent': 'page' })
      expect(got).toMatchObject({ 'content-type': 'application/json', accept: 'application/json' })
      for (const name of ['origin', 'x-other', 'x-trusted']) expect(got).not.toHaveProperty(name)
    })

    it('[22.3] leaves out what a client says and no header can carry', async () => {
      const { node, server } = await start(
        { connect: { result: { user: 'ana' } } },
        { saidHeaders: ['cookie'] },
        { client: { hookHeaders: ['cookie'] } },
      )
      await (await open(node)).call('connect', { headers: { cookie: 'a\r\nx-evil: 1' } })
      expect(server.asked[0]?.headers).not.toHaveProperty('cookie')
      expect(server.asked[0]?.headers).not.toHaveProperty('x-evil')
    })

    it('[22.9] is without effect when the client has gone meanwhile', async () => {
      let answer = (): void => {}
      const { node, server } = await start({
        connect: (response: ServerResponse) => {
          answer = () => response.end(JSON.stringify({ result: { user: 'ana', channels: ['news'] } }))
        },
      })
      const client = await open(node)
      client.start('connect', {})
      await server.untilAsked('connect')
      const left = new Promise((resolve) => node.gateway.events.on('connection:close', resolve))
      client.end()
      await left
      const answered = new Promise((resolve) => node.gateway.events.on('http-hook:answer', resolve))
      answer()
      await answered
      expect(node.gateway.hub.connectionCount).toBe(0)
      expect(node.gateway.hub.connectionsOf('ana')).toEqual([])
    })
  })

  describe('refresh', () => {
    it('[22.5] is asked at the end, goes on with what it says, and ends a connection when it says so', async () => {
      const { node, server, clock } = await startAt(
        { connect: { result: { user: 'ana', expire_at: inSeconds(5), meta: { m: 1 } } }, refresh: {} },
        { includesMeta: true },
      )
      server.answers['refresh'] = { result: { expire_at: inSeconds(8, clock.now()), info: { n: 2 } } }
      const client = await enter(node)
      await clock.advanceAsync(5_000)
      const asked = { ...about, client: expect.any(String), user: 'ana', meta: { m: 1 } }
      expect(await server.untilAsked('refresh')).toEqual(asked)
      const kept = node.gateway.hub.connectionsOf('ana')[0]
      await until(() => kept?.identity?.connInfo !== undefined)
      server.answers['refresh'] = { result: { expired: true } }
      await clock.advanceAsync(3_000)
      expect((await client.close()).code).toBe(Disconnects.connectionExpired.code)
    })

    it('[13.6] [22.5] takes capabilities away: what they alone let in ends, and it would go on for good if nobody looked', async () => {
      const caps = [{ channels: ['closed:a'], allow: ['sub'] }]
      const { node, server, clock } = await startAt({
        connect: { result: { user: 'ana', expire_at: inSeconds(5), caps } },
        refresh: {},
      })
      server.answers['refresh'] = { result: { expire_at: inSeconds(60, clock.now()), caps: [] } }
      const client = await enter(node)
      expect(await client.call('subscribe', { channel: 'closed:a' })).toHaveProperty('subscribe')
      await clock.advanceAsync(5_000)
      const end = (): Incoming | undefined => client.pushes('closed:a').find((one) => 'unsubscribe' in one)
      expect((await client.until(end, 'the end'))['unsubscribe'].code).toBe(2000)
      expect(code(await client.call('subscribe', { channel: 'closed:a' }))).toBe(103)
    })

    it('[22.5] keeps in who a token let in: the client knows of no end', async () => {
      const { node, server, clock } = await startAt(
        { refresh: { result: { expired: true } } },
        {},
        { secret },
      )
      const client = await open(node)
      const token = await tokenOf({ sub: 'ana', exp: inSeconds(5, clock.now()) })
      expect((await client.call('connect', { token }))['connect']).not.toHaveProperty('expires')
      await clock.advanceAsync(5_000)
      expect(await server.untilAsked('refresh')).toMatchObject({ user: 'ana' })
      expect((await client.close()).code).toBe(Disconnects.connectionExpired.code)
    })

    it('[22.5] is asked again where it can’t answer, and what was said before holds meanwhile', async () => {
      const { node, server, clock, untilFailed } = await startAt({
        connect: { result: { user: 'ana', expire_at: inSeconds(5) } },
        refresh: (response: ServerResponse) => response.writeHead(500).end(),
      })
      const client = await enter(node)
      const failed = untilFailed()
      await clock.advanceAsync(5_000)
      await failed
      server.answers['refresh'] = { disconnect: { code: 4_000, reason: 'later' } }
      await clock.advanceAsync(1_000)
      expect(await client.close()).toEqual({ code: 4_000, reason: 'later' })
    })
  })

  describe('subscribe', () => {
    it('[22.6] lets in with info, data and an override, in place of the rules', async () => {
      const { node, server } = await start({
        subscribe: {
          result: { info: { i: 1 }, data: { d: 1 }, override: { force_recovery: { value: false } } },
        },
      })
      const client = await enter(node, { data: 1 })
      const { subscribe } = await client.call('subscribe', { channel: 'closed:x', data: { k: 1 } })
      expect(subscribe).toEqual({ data: { d: 1 } })
      expect(server.asked[0]?.request).toEqual({
        ...about,
        client: expect.any(String),
        user: '',
        channel: 'closed:x',
        data: { k: 1 },
      })
      const room = await client.call('subscribe', { channel: 'room:x' })
      expect(room['subscribe']).not.toHaveProperty('recoverable')
      const { presence } = await client.call('presence', { channel: 'room:x' })
      expect(Object.values(presence.presence)).toMatchObject([{ chan_info: { i: 1 } }])
    })

    it('[22.6] refuses as it says', async () => {
      const { node, server } = await start({ subscribe: { error: { code: 403, message: 'no' } } })
      const client = await enter(node)
      expect((await client.call('subscribe', { channel: 'news' }))['error']).toEqual({
        code: 403,
        message: 'no',
      })
      server.answers['subscribe'] = { result: { expire_at: 1 } }
      expect(code(await client.call('subscribe', { channel: 'news' }))).toBe(110)
      server.answers['subscribe'] = { disconnect: { code: 4_500, reason: 'out' } }
      client.start('subscribe', { channel: 'news' })
      expect(await client.close()).toEqual({ code: 4_500, reason: 'out' })
    })

    it('[22.6] isn’t asked of a private channel without a token, nor of a name with users', async () => {
      const { node, server } = await start({ subscribe: { result: {} } })
      const client = await enter(node)
      expect(code(await client.call('subscribe', { channel: '$news' }))).toBe(103)
      expect(server.asked).toEqual([])
      expect(await client.call('subscribe', { channel: '$news', token: 'opaque' })).toHaveProperty(
        'subscribe',
      )
      expect(server.asked[0]?.request).toMatchObject({ channel: '$news', token: 'opaque' })
    })

    it('[22.9] is without effect when the client has left meanwhile', async () => {
      let answer = (): void => {}
      const { node, server } = await start({
        subscribe: (response: ServerResponse) => {
          answer = () => response.end(JSON.stringify({ result: {} }))
        },
      })
      const client = await enter(node)
      client.start('subscribe', { channel: 'news' })
      await server.untilAsked('subscribe')
      const left = new Promise((resolve) => node.gateway.events.on('connection:close', resolve))
      client.end()
      await left
      const answered = new Promise((resolve) => node.gateway.events.on('http-hook:answer', resolve))
      answer()
      await answered
      expect(node.gateway.hub.subscriberCount('news')).toBe(0)
    })
  })

  describe('sub_refresh', () => {
    it('[22.7] is asked at the end of a subscription, and its client knows of no end', async () => {
      const { node, server, clock } = await startAt({
        subscribe: { result: { expire_at: inSeconds(5) } },
        sub_refresh: {},
      })
      server.answers['sub_refresh'] = { result: { expire_at: inSeconds(8, clock.now()), info: { i: 2 } } }
      const client = await enter(node)
      const { subscribe } = await client.call('subscribe', { channel: 'room:x' })
      expect(subscribe).not.toHaveProperty('expires')
      await clock.advanceAsync(5_000)
      const asked = { ...about, client: expect.any(String), user: '', channel: 'room:x' }
      expect(await server.untilAsked('sub_refresh')).toEqual(asked)
      const [kept] = node.gateway.hub.subscribers('room:x').values()
      await until(() => kept?.info.chanInfo !== undefined)
      server.answers['sub_refresh'] = { result: { expired: true } }
      await clock.advanceAsync(3_000)
      expect((await ended(client))['unsubscribe']).toMatchObject({ code: 2501 })
      const { presence } = await client.call('presence', { channel: 'room:x' })
      expect(presence.presence).toEqual({})
    })

    it('[22.7] keeps what a token let in, and asks again where it can’t be asked', async () => {
      const { node, server, clock, untilFailed } = await startAt(
        { sub_refresh: (response: ServerResponse) => response.destroy() },
        {},
        { secret },
      )
      const client = await enter(node)
      const token = await tokenOf({ channel: 'room:x', exp: inSeconds(5, clock.now()) })
      const { subscribe } = await client.call('subscribe', { channel: 'room:x', token })
      expect(subscribe).not.toHaveProperty('expires')
      const failed = untilFailed()
      await clock.advanceAsync(5_000)
      await failed
      server.answers['sub_refresh'] = { error: { code: 403 } }
      await clock.advanceAsync(1_000)
      expect((await ended(client))['unsubscribe']).toMatchObject({ code: 2501 })
    })
  })

  describe('publish', () => {
    const published = async (
      result: object,
      data: unknown = { by: 'client' },
    ): Promise<{ live: Incoming; kept: Incoming[]; server: HookServer }> => {
      const { node, server } = await start({ publish: { result } })
      const client = await enter(node)
      await client.call('subscribe', { channel: 'room:x' })
      expect(await client.call('publish', { channel: 'room:x', data })).toHaveProperty('publish')
      const live = await client.until(() => client.publications('room:x')[0], 'the publication')
      const { history } = await client.call('history', { channel: 'room:x', limit: 10 })
      return { live, kept: history.publications as Incoming[], server }
    }

    it('[22.8] asks with the data, and stores it where nothing else is said', async () => {
      const { live, kept, server } = await published({})
      expect(server.asked[0]?.request).toEqual({
        ...about,
        client: expect.any(String),
        user: '',
        channel: 'room:x',
        data: { by: 'client' },
      })
      expect(live['data']).toEqual({ by: 'client' })
      expect(kept.map((one) => one['data'] as unknown)).toEqual([{ by: 'client' }])
    })

    it('[22.8] stores other data and tags where it says so', async () => {
      const { live, kept } = await published({ data: { by: 'hook' }, tags: { team: 'red' } })
      expect(live).toMatchObject({ data: { by: 'hook' }, tags: { team: 'red' } })
      expect(kept).toMatchObject([{ data: { by: 'hook' }, tags: { team: 'red' } }])
    })

    it('[22.8] with skip_history tells who is there, at no place, and keeps nothing', async () => {
      const b64data = Buffer.from('"passing"').toString('base64')
      const { live, kept } = await published({ skip_history: true, b64data, tags: { a: 'b' } })
      expect(live).toMatchObject({ data: 'passing', tags: { a: 'b' } })
      expect(live).not.toHaveProperty('offset')
      expect(kept).toEqual([])
    })

    it('[22.8] what skips history makes no hole: who recovers gets all that is kept, in order', async () => {
      const { node, server } = await start({ publish: { result: {} } })
      const client = await enter(node)
      const { subscribe } = await client.call('subscribe', { channel: 'room:x' })
      for (const [n, skip] of [false, true, false, true, false].entries()) {
        server.answers['publish'] = { result: { skip_history: skip } }
        await client.call('publish', { channel: 'room:x', data: n })
      }
      await client.until(() => client.publications('room:x').length === 5, 'all five')
      expect(client.publications('room:x').flatMap((one) => (one['offset'] ? [one['data']] : []))).toEqual([
        0, 2, 4,
      ])
      const late = await enter(node)
      const { epoch, offset } = subscribe
      const recovered = await late.call('subscribe', { channel: 'room:x', recover: true, epoch, offset })
      expect(recovered['subscribe']).toMatchObject({ recovered: true })
      expect(recovered['subscribe'].publications.map((one: Incoming) => one['data'] as unknown)).toEqual([
        0, 2, 4,
      ])
    })

    it('[22.8] stores once what has the same idempotency_key, of one user', async () => {
      const { node } = await start({
        publish: { result: { idempotency_key: 'k' } },
        connect: (response: ServerResponse, { name }: Incoming) =>
          response.end(JSON.stringify({ result: { user: (name as string | undefined) ?? '' } })),
      })
      const client = await enter(node)
      for (const data of [1, 2]) {
        const reply = await client.call('publish', { channel: 'room:x', data })
        expect(reply).toHaveProperty('publish')
      }
      const other = await enter(node, { name: 'ben' })
      await other.call('publish', { channel: 'room:x', data: 3 })
      const { history } = await client.call('history', { channel: 'room:x', limit: 10 })
      expect(history.publications.map((one: Incoming) => one['data'] as unknown)).toEqual([1, 3])
    })

    it('[22.8] neither a client nor what is answered stores data of another form than the namespace takes: readers rely on it', async () => {
      const room = { keep: 'stream', publication_data_format: 'json_object', ...openTo } as const
      const { node, server } = await start(
        { publish: { result: { data: [1] } } },
        {},
        { namespaces: namespacesOf({ room }) },
      )
      const client = await enter(node)
      expect(code(await client.call('publish', { channel: 'room:x', data: [1] }))).toBe(107)
      expect(server.asked).toEqual([])
      expect(code(await client.call('publish', { channel: 'room:x', data: { by: 'client' } }))).toBe(100)
      expect(server.asked).toHaveLength(1)
      const { history } = await client.call('history', { channel: 'room:x', limit: 10 })
      expect(history.publications).toEqual([])
    })

    it('[22.8] refuses as it says', async () => {
      const { node, server } = await start({ publish: { error: { code: 403, message: 'no' } } })
      const client = await enter(node)
      expect(code(await client.call('publish', { channel: 'room:x', data: 1 }))).toBe(403)
      server.answers['publish'] = { disconnect: { code: 4_500, reason: 'out' } }
      client.start('publish', { channel: 'room:x', data: 1 })
      expect(await client.close()).toEqual({ code: 4_500, reason: 'out' })
    })
  })

  describe('rpc', () => {
    it('[22.10] asks with method and data, and answers', async () => {
      const { node, server } = await start({ rpc: { result: { data: { answer: 42 } } } })
      const client = await enter(node)
      const reply = await client.call('rpc', { method: 'billing:total', data: { k: 1 } })
      expect(reply['rpc']).toEqual({ data: { answer: 42 } })
      expect(server.asked[0]?.request).toEqual({
        ...about,
        client: expect.any(String),
        user: '',
        method: 'billing:total',
        data: { k: 1 },
      })
      server.answers['rpc'] = { result: { b64data: Buffer.from('[1]').toString('base64') } }
      expect((await client.call('rpc', { method: 'x' }))['rpc']).toEqual({ data: [1] })
      server.answers['rpc'] = { result: {} }
      expect((await client.call('rpc', { method: 'x' }))['rpc']).toEqual({})
    })

    it('[22.10] refuses as it says; a method in a namespace that nobody answers is 104', async () => {
      const { node, server } = await start({ rpc: { error: { code: 400, message: 'odd' } } })
      const client = await enter(node)
      expect((await client.call('rpc', { method: 'x' }))['error']).toEqual({ code: 400, message: 'odd' })
      expect(code(await client.call('rpc', { method: 'other:x' }))).toBe(104)
      server.answers['rpc'] = { disconnect: { code: 4_000, reason: 'later' } }
      client.start('rpc', { method: 'x' })
      expect(await client.close()).toEqual({ code: 4_000, reason: 'later' })
    })

    it('[22.2] sends data as base64 where that was chosen', async () => {
      const { node, server } = await start({ rpc: { result: {} } }, { isBinary: true })
      await (await enter(node)).call('rpc', { method: 'x', data: { k: 1 } })
      expect(server.asked[0]?.request).toMatchObject({
        encoding: 'binary',
        b64data: Buffer.from('{"k":1}').toString('base64'),
      })
    })
  })

  describe('a backend that doesn’t answer', () => {
    const say =
      (body: string, status = 200, headers: Record<string, string> = {}): HookAnswer =>
      (response: ServerResponse) =>
        response.writeHead(status, headers).end(body)

    const kinds = {
      connect: (client: RawClient) => client.call('connect', {}),
      subscribe: (client: RawClient) => client.call('subscribe', { channel: 'news' }),
      publish: (client: RawClient) => client.call('publish', { channel: 'news', data: 1 }),
      rpc: (client: RawClient) => client.call('rpc', { method: 'x', data: 1 }),
    } as const

    const faults: [what: string, answer: HookAnswer, why: string][] = [
      ['in time', () => {}, 'no answer within 60 ms'],
      [
        'to the end, in time',
        (response: ServerResponse) => response.writeHead(200).write('{"result"'),
        'no answer within 60 ms',
      ],
      ['but resets', (response: ServerResponse) => response.destroy(), 'ECONNRESET'],
      [
        'to the end',
        (response: ServerResponse) => {
          response.writeHead(200, { 'content-length': '100' }).write('{"result"')
          response.on('finish', () => {})
          setImmediate(() => response.destroy())
        },
        '',
      ],
      ['but fails', say('{"result":{"user":""}}', 500), 'it answered with status 500'],
      ['but sends elsewhere', say('', 302, { location: 'http://127.0.0.1:1/' }), 'status 302'],
      ['in JSON', say('<html>planted</html>'), 'the answer is no JSON'],
      ['an object', say('[1]'), 'the answer is no JSON object'],
      ['anything', say('{}'), 'neither result, error nor disconnect'],
      ['in bounds', say(`{"result":{"x":"${'x'.repeat(1_100_000)}"}}`), 'more than 1048576 bytes'],
    ]

    it.each(faults)(
      '[22.11] %s: error 100, temporary, for every hook, and a line says why',
      async (_what, answer, why) => {
        const timeoutMs = why.startsWith('no answer') ? 60 : 3_000
        const { node, failed } = await start(
          { connect: answer, subscribe: answer, publish: answer, rpc: answer },
          { timeoutMs },
        )
        expect((await kinds.connect(await open(node)))['error']).toMatchObject({ code: 100, temporary: true })
        const plain = await start({ subscribe: answer, publish: answer, rpc: answer }, { timeoutMs })
        const client = await enter(plain.node)
        for (const kind of ['subscribe', 'publish', 'rpc'] as const) {
          expect((await kinds[kind](client))['error']).toMatchObject({ code: 100, temporary: true })
        }
        const lines = [...failed, ...plain.failed]
        expect(lines.map(({ hook }) => hook)).toEqual(['connect', 'subscribe', 'publish', 'rpc'])
        for (const line of lines) {
          expect(line.why).toContain(why)
          expect(JSON.stringify(line)).not.toContain('planted')
        }
      },
    )

    it('[22.11] at all: error 100 at once', async () => {
      const { node, server, failed } = await start({ rpc: {} })
      await server.stop()
      const client = await enter(node)
      expect(code(await kinds.rpc(client))).toBe(100)
      expect(failed).toMatchObject([{ code: 'rpc connection', why: 'ECONNREFUSED' }])
    })

    it('[22.11] is in flight no more once it is answered, whatever that was: else a hook would be full for good', async () => {
      const answers = [say('{"result":{}}'), say('', 500), say('{"error":{"code":400}}'), () => {}]
      const { node } = await start({ rpc: {} }, { timeoutMs: 60 })
      const server = servers.at(-1)
      const client = await enter(node)
      for (const answer of answers) {
        if (server !== undefined) server.answers['rpc'] = answer
        await kinds.rpc(client)
        expect(node.gateway.httpHooks.pending).toBe(0)
      }
    })

    it('[22.11] on a connection that was kept is asked once more where that is harmless, and else is not: an rpc would be done twice', async () => {
      const breaks = (kind: string): HookAnswer => {
        const done = JSON.stringify(kind === 'rpc' ? { result: {} } : { error: { code: 400 } })
        return (response: ServerResponse) => {
          if (server.asked.filter(({ path }) => path === kind).length === 2) response.destroy()
          else response.end(done)
        }
      }
      const { node, server } = await start({ rpc: breaks('rpc'), subscribe: breaks('subscribe') })
      const client = await enter(node)
      const times = (kind: string): number => server.asked.filter(({ path }) => path === kind).length
      await kinds.rpc(client)
      expect(code(await kinds.rpc(client))).toBe(100)
      expect(times('rpc')).toBe(2)
      await kinds.subscribe(client)
      expect(code(await kinds.subscribe(client))).toBe(400)
      expect(times('subscribe')).toBe(3)
    })

    it('[22.11] with 200 can mean what the configuration says', async () => {
      const { node } = await start(
        { rpc: say('', 429), subscribe: say('', 404) },
        {
          byStatus: new Map([
            [429, { error: { code: 429, message: 'slowly', temporary: true } }],
            [404, { disconnect: { code: 4_404, reason: 'gone' } }],
          ]),
        },
      )
      const client = await enter(node)
      expect((await kinds.rpc(client))['error']).toEqual({ code: 429, message: 'slowly', temporary: true })
      client.start('subscribe', { channel: 'news' })
      expect(await client.close()).toEqual({ code: 4_404, reason: 'gone' })
    })
  })

  it('[22.12] says no address’ password, no query and no header in what it tells', async () => {
    const { node, server, failed } = await start({})
    const endpoint = new URL(`${server.url.replace('//', '//user:planted@')}/natter/rpc?key=planted`)
    const staticHeaders = { 'x-key': 'planted' }
    node.settings.replace({
      ...node.settings.current,
      httpHooks: tableOf({ rpc: { '': server.hook('rpc', { endpoint, staticHeaders }) } }),
    })
    server.answers['rpc'] = { result: 'planted' }
    const reply = await (await enter(node)).call('rpc', { method: 'x' })
    expect(server.asked[0]?.headers).toMatchObject({ 'x-key': 'planted', authorization: expect.any(String) })
    expect(failed).toMatchObject([{ address: `${server.url}/natter/rpc` }])
    expect(JSON.stringify([failed, reply])).not.toContain('planted')
  })

  it('[22.13] an app that answers the same is not asked, and that is told once', async () => {
    const app = new FakeApp({ 'rpc x': () => ({}), 'subscribe room': () => ({}), 'rpc own:x': () => ({}) })
    const { node, server } = await start(
      { rpc: { result: {} }, subscribe: { result: {} } },
      {},
      { hooks: app },
    )
    const told: unknown[] = []
    node.gateway.events.on('http-hook:shadows-app', ({ what }) => told.push(what))
    const client = await enter(node)
    for (const method of ['x', 'x', 'own:x']) await client.call('rpc', { method })
    await client.call('subscribe', { channel: 'room:x' })
    expect(app.asked.map(({ kind }) => kind)).toEqual(['rpc'])
    expect(server.asked.map(({ path }) => path)).toEqual(['rpc', 'rpc', 'subscribe'])
    expect(told).toEqual(['rpc x', 'subscribe of room'])
  })

  it('[22.14] a field that nobody knows is passed over, and told once', async () => {
    const { node } = await start({ rpc: { result: { data: 1, dat: 2 }, odd: 1 } })
    const told: unknown[] = []
    node.gateway.events.on('http-hook:unknown-field', ({ field }) => told.push(field))
    const client = await enter(node)
    for (const _ of [1, 2]) expect((await client.call('rpc', { method: 'x' }))['rpc']).toEqual({ data: 1 })
    expect(told).toEqual(['odd', 'result.dat'])
  })

  it('[22.15] one connection to the backend carries one hook after the other', async () => {
    const { node, server } = await start({ rpc: { result: {} } })
    const client = await enter(node)
    for (let n = 0; n < 5; n += 1) await client.call('rpc', { method: 'x' })
    expect(server.connections).toBe(1)
  })

  it('[22.16] what is configured anew is asked from then on', async () => {
    const { node, server } = await start({ rpc: { error: { code: 400 } } })
    const next = await serve({ rpc: { result: { data: 'next' } } })
    const client = await enter(node)
    expect(code(await client.call('rpc', { method: 'x' }))).toBe(400)
    node.settings.replace({
      ...node.settings.current,
      httpHooks: tableOf({ rpc: { '': next.hook('rpc') } }),
    })
    expect((await client.call('rpc', { method: 'x' }))['rpc']).toEqual({ data: 'next' })
    expect(server.asked).toHaveLength(1)
  })

  it('the official SDK connects, subscribes, publishes and calls', async () => {
    const { node } = await start({
      connect: { result: { user: 'ana' } },
      subscribe: { result: { data: { welcome: true } } },
      publish: { result: { data: { by: 'hook' } } },
      rpc: { result: { data: { answer: 42 } } },
    })
    const sdk = await connectSdk(node.url, { encoding: dialect.name })
    bench.atEnd(() => sdk.dispose())
    const bytes = (value: unknown): unknown =>
      dialect.name === 'json' ? value : new TextEncoder().encode(JSON.stringify(value))
    const value = (data: unknown): unknown =>
      dialect.name === 'json' ? data : (JSON.parse(new TextDecoder().decode(data as Uint8Array)) as unknown)
    const subscription = await sdk.subscribe('room:sdk')
    await subscription.publish(bytes({ by: 'client' }))
    const [publication] = await sdk.received('room:sdk', 1)
    expect(value(publication?.data)).toEqual({ by: 'hook' })
    expect(value((await sdk.centrifuge.rpc('x', bytes(1))).data)).toEqual({ answer: 42 })
  })
})

describe('hooks over HTTP in flight', () => {
  const bench = memoryBench()

  it('[22.11] beyond a thousand of one hook are answered 111 at once', async () => {
    const server = createServer(() => {})
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    bench.atEnd(() => {
      server.closeAllConnections()
      server.close()
    })
    const backend = await startHookServer()
    bench.atEnd(() => backend.stop())
    const { port } = server.address() as { port: number }
    const hook = backend.hook('rpc', { endpoint: new URL(`http://127.0.0.1:${port}/`), timeoutMs: 3_000 })
    const node = await bench.start({
      httpHooks: tableOf({ rpc: { '': hook } }),
      client: { maxInFlight: 2_000 },
    })
    const client = await bench.connect(node)
    for (let n = 0; n < 1_001; n += 1) client.start('rpc', { method: 'x' })
    const refused = await client.until(
      () => client.received.find((one) => one['error'] !== undefined),
      'the refusal',
    )
    expect(refused['error']).toMatchObject({ code: 111, temporary: true })
    expect(node.gateway.httpHooks.pending).toBe(1_000)
  })
})
