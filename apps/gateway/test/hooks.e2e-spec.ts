/** What a gateway does with what apps answer, hook by hook: one table of laws over one bench, a node on memory and a fake app. */
import { describe, expect, it } from '@jest/globals'
import { ClientError, DisconnectError, type ConnectDecision, type PublishGrant } from '@natter/hooks'
import { Disconnects } from '@natter/protocol'
import { connectSdk, type SdkClient } from '@natter/testing'
import { memoryBench } from './bench.js'
import { FakeApp, held, type Answers } from './fake-app.js'
import { RawClient, type Incoming, type NodeOverrides, type TestNode } from './harness.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (data: Uint8Array | undefined): string => new TextDecoder().decode(data)

describe('a gateway with apps', () => {
  const bench = memoryBench()

  const start = async (
    answers: Answers,
    { events = [], ...overrides }: NodeOverrides & { events?: string[] } = {},
  ): Promise<{ node: TestNode; app: FakeApp }> => {
    const app = new FakeApp(answers, events)
    return { node: await bench.start({ hooks: app, ...overrides }), app }
  }

  const open = (node: TestNode, headers: Record<string, string> = {}): Promise<RawClient> =>
    bench.keep(RawClient.open(node.url, { headers }))

  const until = async (isTrue: () => boolean): Promise<void> => {
    while (!isTrue()) await new Promise((resolve) => setImmediate(resolve))
  }

  const data = (publications: readonly Incoming[]): unknown[] =>
    publications.map((one) => one['data'] as unknown)
  const code = (reply: Incoming): unknown => reply['error']?.code

  const history = async (client: RawClient, channel: string): Promise<unknown[]> =>
    data((await client.call('history', { channel, limit: -1 }))['history'].publications as Incoming[])

  describe('connect', () => {
    it('[4.2] [4.5] asks the app who it is, with what the client and its request said', async () => {
      const { node, app } = await start({ connect: () => ({ user: 'ana' }) })
      const client = await open(node, { cookie: 'session=1', 'x-secret': 'no' })
      const headers = { Cookie: 'mine', 'User-Agent': 'page', other: 'x' }
      await client.call('connect', { token: 't', name: 'web', version: '1', data: { k: 1 }, headers })
      expect(app.of('connect')).toEqual([
        {
          kind: 'connect',
          caller: {
            client: expect.any(String),
            user: '',
            node: node.name,
            headers: { cookie: 'session=1', 'user-agent': 'page' },
            ip: '127.0.0.1',
          },
          token: 't',
          name: 'web',
          version: '1',
          data: bytes('{"k":1}'),
        },
      ])
    })

    it('tells the app the address that a trusted proxy heard, and to no other that a request invents one', async () => {
      const forwarded = { 'x-forwarded-for': '198.51.100.1, 203.0.113.7' }
      const ips: unknown[] = []
      for (const trustedProxies of [['127.0.0.0/8'], ['10.0.0.0/8'], []]) {
        const { node, app } = await start({ connect: () => ({ user: 'ana' }) }, { trustedProxies })
        await (await open(node, forwarded)).call('connect', {})
        ips.push(...app.of('connect').map(({ caller }) => caller.ip))
      }
      expect(ips).toEqual(['203.0.113.7', '127.0.0.1', '127.0.0.1'])
    })

    it('[4.4] takes the answer: who others see, what later hooks know, data for the client; no expiry is told', async () => {
      const decision: ConnectDecision = {
        user: 'ana',
        infoJson: '{"n":1}',
        metaJson: '{"secret":1}',
        dataJson: '{"hello":1}',
        expiresAtMs: Date.now() + 60_000,
      }
      const { node, app } = await start({ connect: () => decision, 'rpc who': () => ({}) })
      const client = await open(node)
      const { connect } = await client.call('connect', {})
      expect(connect).toMatchObject({ data: { hello: 1 } })
      expect(connect).not.toHaveProperty('expires')
      await client.call('subscribe', { channel: 'room:a' })
      const { presence } = await client.call('presence', { channel: 'room:a' })
      expect(Object.values(presence.presence)).toEqual([
        { user: 'ana', client: connect.client, conn_info: { n: 1 } },
      ])
      await client.call('rpc', { method: 'who' })
      expect(app.of('rpc')[0]?.caller).toMatchObject({
        user: 'ana',
        infoJson: '{"n":1}',
        metaJson: '{"secret":1}',
        headers: {},
      })
    })

    it('[4.2] believes a token rather than ask, and asks where no key could believe one', async () => {
      const answers = { connect: () => ({ user: 'ana' }) }
      const keyed = await start(answers, { secret: 'secret' })
      const refused = await open(keyed.node)
      refused.start('connect', { token: 'nonsense' })
      expect((await refused.close()).code).toBe(Disconnects.invalidToken.code)
      expect(keyed.app.asked).toEqual([])
      await (await open(keyed.node)).call('connect', {})
      expect(keyed.app.asked).toHaveLength(1)
    })

    it.each([
      ['an error', new ClientError(400, 'not today'), { code: 400, message: 'not today' }],
      [
        'a temporary one',
        new ClientError(100, 'later', { temporary: true }),
        { code: 100, message: 'later', temporary: true },
      ],
      ['what is no code of the wire', new ClientError(5, 'odd'), { code: 100 }],
      ['a crash', new Error('boom'), { code: 100 }],
    ])('[9.5] refused with %s is answered, and leads nowhere', async (_what, error, expected) => {
      const { node } = await start({ connect: () => Promise.reject(error) })
      const client = await open(node)
      expect((await client.call('connect', {}))['error']).toMatchObject(expected)
      expect(node.gateway.hub.connectionCount).toBe(0)
      client.start('publish', { channel: 'plain', data: 1 })
      expect((await client.close()).code).toBe(Disconnects.badRequest.code)
    })

    it.each([
      [new DisconnectError(4_501, 'banned'), { code: 4_501, reason: 'banned' }],
      [new DisconnectError(99, 'odd'), Disconnects.internal],
    ])('[9.5] refused with %s closes the connection', async (error, expected) => {
      const { node } = await start({ connect: () => Promise.reject(error) })
      const client = await open(node)
      client.start('connect', {})
      expect(await client.close()).toEqual(expected)
    })

    it('with an answer that is not JSON, or already over, lets nobody in', async () => {
      for (const [decision, expected] of [
        [{ user: 'ana', infoJson: '{' }, 100],
        [{ user: 'ana', dataJson: '' }, 100],
        [{ user: 'ana', expiresAtMs: 1 }, 110],
        [{ user: undefined as unknown as string }, 100],
      ] as const) {
        const { node } = await start({ connect: () => decision })
        const client = await open(node)
        expect(code(await client.call('connect', {}))).toBe(expected)
        expect(node.gateway.hub.connectionCount).toBe(0)
      }
    })

    it('[3.2] that is slow keeps the order of what came with it', async () => {
      const { answer, give } = held<ConnectDecision>()
      const { node, app } = await start({ connect: () => answer })
      const client = await open(node)
      client.send(
        { id: 1, connect: {} },
        { id: 2, subscribe: { channel: 'room:a' } },
        { id: 3, publish: { channel: 'room:a', data: 1 } },
        { id: 4, publish: { channel: 'room:a', data: 2 } },
      )
      await until(() => app.asked.length === 1)
      expect(client.received).toEqual([])
      give({ user: 'ana' })
      await client.until(() => client.publications('room:a').length === 2, 'both')
      expect(data(client.publications('room:a'))).toEqual([1, 2])
      expect(client.received.slice(0, 2).map((one) => one['id'])).toEqual([1, 2])
    })

    it('whose client leaves meanwhile leaves nothing behind', async () => {
      const { answer, give } = held<ConnectDecision>()
      const { node, app } = await start({ connect: () => answer }, { events: ['disconnect'] })
      const client = await open(node)
      client.start('connect', {})
      await until(() => app.asked.length === 1)
      client.end()
      await until(() => node.gateway.connectionCount === 0)
      give({ user: 'ana', subscriptions: { 'room:a': {} } })
      await new Promise((resolve) => setImmediate(resolve))
      expect([node.gateway.hub.connectionCount, node.gateway.hub.subscriptionCount]).toEqual([0, 0])
      expect(app.told).toEqual([])
    })
  })

  describe('refresh', () => {
    const soon = (): number => Date.now() + 30

    it('[4.4] asks the app when its word ends, and goes on without the client', async () => {
      let times = 0
      const { node, app } = await start({
        connect: () => ({ user: 'ana', expiresAtMs: soon(), metaJson: '1' }),
        refresh: () => ((times += 1) < 3 ? { expiresAtMs: soon(), metaJson: String(times) } : {}),
      })
      const client = await open(node)
      await client.call('connect', {})
      await until(() => times === 3)
      expect(app.of('refresh').map(({ caller }) => caller.metaJson)).toEqual(['1', '1', '2'])
      expect((await client.call('publish', { channel: 'plain', data: 1 }))['publish']).toEqual({})
    })

    it.each([
      ['an end', () => ({ expiresAtMs: 1 }), Disconnects.connectionExpired],
      ['a no', () => Promise.reject(new ClientError(403, 'no')), Disconnects.connectionExpired],
      [
        'a disconnect',
        () => Promise.reject(new DisconnectError(4_500, 'out')),
        { code: 4_500, reason: 'out' },
      ],
    ] as const)('answered with %s ends the connection', async (_what, refresh, expected) => {
      const { node } = await start({ connect: () => ({ user: 'ana', expiresAtMs: soon() }), refresh })
      const client = await open(node)
      await client.call('connect', {})
      expect(await client.close()).toEqual(expected)
    })

    it('[4.4] that nobody can answer ends it after the delay, not before: 3005', async () => {
      const isAway = () => Promise.reject(new ClientError(100, 'away', { temporary: true }))
      for (const refresh of [undefined, isAway]) {
        const connect = () => ({ user: 'ana', expiresAtMs: soon() })
        const answers = refresh === undefined ? { connect } : { connect, refresh }
        const { node } = await start(answers, { client: { expiredCloseDelayMs: 50 } })
        const client = await open(node)
        await client.call('connect', {})
        expect((await client.close()).code).toBe(Disconnects.connectionExpired.code)
      }
    })

    it('[4.4] is not the client’s to ask for: 3501', async () => {
      const { node } = await start({ connect: () => ({ user: 'ana' }) }, { secret: 'secret' })
      const client = await open(node)
      await client.call('connect', {})
      client.start('refresh', { token: 'any' })
      expect((await client.close()).code).toBe(Disconnects.badRequest.code)
    })
  })

  describe('subscribe', () => {
    const connected = async (answers: Answers, overrides = {}) => {
      const { node, app } = await start({ connect: () => ({ user: 'ana' }), ...answers }, overrides)
      const client = await open(node)
      await client.call('connect', {})
      return { node, app, client }
    }

    it('[7.6] is decided by the app where it answers for that, whatever the namespace allows; its words come with it', async () => {
      const { app, client } = await connected({
        'subscribe closed': () => ({ dataJson: '[1]', infoJson: '"c"' }),
        'subscribe room': () => ({ dataJson: '{"d":1}', infoJson: '"chan"' }),
      })
      expect(
        await client.call('subscribe', { channel: 'closed:a', token: 't', data: { x: 1 } }),
      ).toMatchObject({
        subscribe: { data: [1] },
      })
      expect(app.of('subscribe')[0]).toMatchObject({
        namespace: 'closed',
        channel: 'closed:a',
        token: 't',
        data: bytes('{"x":1}'),
        caller: { user: 'ana' },
      })
      expect((await client.call('subscribe', { channel: 'room:a' }))['subscribe']).toMatchObject({
        data: { d: 1 },
        positioned: true,
      })
      await client.call('publish', { channel: 'room:a', data: 1 })
      await client.until(() => client.publications('room:a').length === 1, 'it')
      expect(client.publications('room:a')[0]?.['info']).toMatchObject({ user: 'ana', chan_info: 'chan' })
      const { presence } = await client.call('presence', { channel: 'room:a' })
      expect(Object.values(presence.presence)).toMatchObject([{ chan_info: 'chan' }])
    })

    it('[7.6] [7.2] asks about a private channel where a token came, and nobody asks about a name, a limit or a namespace that isn’t there', async () => {
      const { app, client } = await connected(
        { 'subscribe room': () => ({}) },
        { client: { maxChannels: 1 } },
      )
      expect(code(await client.call('subscribe', { channel: 'nowhere:a' }))).toBe(102)
      expect(code(await client.call('subscribe', { channel: 'room:é' }))).toBe(107)
      expect(code(await client.call('subscribe', { channel: '$closed:a' }))).toBe(103)
      expect(app.of('subscribe')).toEqual([])
      expect(code(await client.call('subscribe', { channel: '$room:a' }))).toBe(103)
      expect(app.of('subscribe')).toEqual([])
      expect((await client.call('subscribe', { channel: '$room:a', token: 't' }))['subscribe']).toBeDefined()
      expect(code(await client.call('subscribe', { channel: '$room:a' }))).toBe(105)
      expect(code(await client.call('subscribe', { channel: 'room:b' }))).toBe(106)
      expect(app.of('subscribe')).toHaveLength(1)
    })

    it.each([
      ['an error', () => Promise.reject(new ClientError(403, 'members only')), 403],
      ['a broken answer', () => ({ dataJson: 'x' }), 100],
      ['an end that has passed', () => ({ expiresAtMs: 1 }), 110],
    ] as const)('refused with %s leaves no subscription', async (_what, answer, expected) => {
      const { node, client } = await connected({ 'subscribe room': answer })
      expect(code(await client.call('subscribe', { channel: 'room:a' }))).toBe(expected)
      expect(node.gateway.hub.subscriptionCount).toBe(0)
    })

    it('[9.5] refused with a disconnect closes the connection', async () => {
      const { client } = await connected({
        'subscribe room': () => Promise.reject(new DisconnectError(4_501, 'banned')),
      })
      client.start('subscribe', { channel: 'room:a' })
      expect(await client.close()).toEqual({ code: 4_501, reason: 'banned' })
    })

    it('that waits for the app is in the hub, holds nothing else up, and ends with its connection', async () => {
      const { answer, give } = held<object>()
      const { node, app, client } = await connected({ 'subscribe room': () => answer })
      client.start('subscribe', { channel: 'room:a' })
      expect((await client.call('subscribe', { channel: 'plain' }))['subscribe']).toEqual({})
      expect(node.gateway.hub.subscriptionCount).toBe(2)
      client.end()
      await until(() => node.gateway.connectionCount === 0)
      give({})
      await until(() => app.asked.length === 2)
      expect(node.gateway.hub.subscriptionCount).toBe(0)
    })

    it('[3.10] and an unsubscribe after it are answered in their order', async () => {
      const { answer, give } = held<object>()
      const { node, client } = await connected({ 'subscribe room': () => answer })
      const [first, second] = [
        client.start('subscribe', { channel: 'room:a' }),
        client.start('unsubscribe', { channel: 'room:a' }),
      ]
      await client.call('presence', { channel: 'plain' })
      give({})
      await client.reply(second)
      const ids = client.received
        .map((one) => one['id'] as number)
        .filter((id) => id === first || id === second)
      expect(ids).toEqual([first, second])
      expect(node.gateway.hub.subscriptionCount).toBe(0)
    })

    it('[7.6] expires with 2501, so that the SDK asks again', async () => {
      const { node, client } = await connected({
        'subscribe room': () => ({ expiresAtMs: Date.now() + 40 }),
      })
      await client.call('subscribe', { channel: 'room:a' })
      const push = await client.until(() => client.pushes('room:a')[0], 'the end')
      expect(push['unsubscribe'].code).toBe(2_501)
      expect(node.gateway.hub.subscriptionCount).toBe(0)
    })
  })

  describe('publish', () => {
    const connected = async (answers: Answers, overrides = {}) => {
      const { node, app } = await start({ connect: () => ({ user: 'ana' }), ...answers }, overrides)
      const client = await open(node)
      await client.call('connect', {})
      return { node, app, client }
    }

    it('[9.3] is decided by the app: allowed, rewritten or refused before it is stored', async () => {
      const { app, client } = await connected({
        'publish room': ({ data: said }) => {
          if (text(said) === '1') return {}
          if (text(said) === '2') return { data: bytes('{"two":2}') }
          throw new ClientError(400, 'three is too many')
        },
      })
      for (const one of [1, 2])
        expect((await client.call('publish', { channel: 'room:a', data: one }))['publish']).toEqual({})
      expect((await client.call('publish', { channel: 'room:a', data: 3 }))['error']).toEqual({
        code: 400,
        message: 'three is too many',
      })
      expect(await history(client, 'room:a')).toEqual([1, { two: 2 }])
      expect(app.of('publish')[0]).toMatchObject({
        namespace: 'room',
        channel: 'room:a',
        caller: { user: 'ana' },
      })
    })

    it('[9.3] opens what the namespace closes, and isn’t asked about empty data or a name that can’t be', async () => {
      const { app, client } = await connected({ 'publish closed': () => ({}) })
      expect((await client.call('publish', { channel: 'closed:a', data: 1 }))['publish']).toEqual({})
      expect(code(await client.call('publish', { channel: 'closed:a' }))).toBe(107)
      expect(code(await client.call('publish', { channel: 'closed:é', data: 1 }))).toBe(107)
      expect(app.of('publish')).toHaveLength(1)
    })

    it('with an answer that is not JSON stores nothing: 100', async () => {
      const { client } = await connected({ 'publish room': () => ({ data: bytes('{') }) })
      expect(code(await client.call('publish', { channel: 'room:a', data: 1 }))).toBe(100)
      expect(await history(client, 'room:a')).toEqual([])
    })

    it('[9.3] keeps the order of a connection in a channel while apps think, and holds up no other channel', async () => {
      const answers = Array.from({ length: 6 }, () => held<object>())
      const { app, client } = await connected({
        'publish room': ({ channel, data: said }) =>
          channel === 'room:a' ? (answers[Number(text(said))]?.answer ?? {}) : {},
      })
      const ids = answers.map((_, n) => client.start('publish', { channel: 'room:a', data: n }))
      expect((await client.call('publish', { channel: 'room:b', data: 'free' }))['publish']).toEqual({})
      expect(app.of('publish')).toHaveLength(7)
      answers[4]?.fail(new ClientError(400, 'not this'))
      for (const n of [5, 1, 3, 0, 2]) {
        answers[n]?.give({})
        await client.call('publish', { channel: 'room:b', data: n })
      }
      const replies = await Promise.all(ids.map((id) => client.reply(id)))
      expect(replies.map((reply) => code(reply))).toEqual([
        undefined,
        undefined,
        undefined,
        undefined,
        400,
        undefined,
      ])
      expect(await history(client, 'room:a')).toEqual([0, 1, 2, 3, 5])
    })

    it('of who has gone meanwhile is not stored', async () => {
      const { answer, give } = held<object>()
      const { node, app, client } = await connected({ 'publish room': () => answer })
      client.start('publish', { channel: 'room:a', data: 1 })
      await until(() => app.of('publish').length === 1)
      client.end()
      await until(() => node.gateway.connectionCount === 0)
      give({})
      const other = await open(node)
      await other.call('connect', {})
      expect(await history(other, 'room:a')).toEqual([])
    })

    it('[20.11] counts as in work until it is answered: one more than may be is 111', async () => {
      const { answer, give } = held<object>()
      const { client } = await connected({ 'publish room': () => answer }, { client: { maxInFlight: 2 } })
      const ids = [1, 2].map((n) => client.start('publish', { channel: 'room:a', data: n }))
      expect(code(await client.call('publish', { channel: 'room:a', data: 3 }))).toBe(111)
      give({})
      for (const id of ids) expect((await client.reply(id))['publish']).toEqual({})
    })

    it.each<[PublishGrant | undefined, unknown[], number]>([
      [undefined, [undefined, undefined, undefined], 3],
      [{ publish: 'ask' }, [undefined, undefined, undefined], 3],
      [{ publish: 'allow' }, [undefined, undefined, undefined], 0],
      [{ publish: 'allow', quota: 2 }, [undefined, undefined, undefined], 1],
      [{ publish: 'allow', forMs: 0 }, [undefined, undefined, undefined], 3],
      [{ publish: 'deny' }, [103, 103, 103], 0],
    ])(
      '[7.6] with the grant %j of its subscription ends as %j, and asks %d times of three',
      async (grant, ends, times) => {
        const { app, client } = await connected({
          'subscribe room': () => (grant === undefined ? {} : { grant }),
          'publish room': () => ({}),
        })
        await client.call('subscribe', { channel: 'room:a' })
        const codes: unknown[] = []
        for (let n = 0; n < 3; n += 1)
          codes.push(code(await client.call('publish', { channel: 'room:a', data: n })))
        expect([codes, app.of('publish').length]).toEqual([ends, times])
      },
    )

    it('with a grant that has ended is the namespace’s again, where no app answers for it', async () => {
      const grant: PublishGrant = { publish: 'allow', quota: 1 }
      const { client } = await connected({ 'subscribe closed': () => ({ grant }) })
      await client.call('subscribe', { channel: 'closed:a' })
      expect((await client.call('publish', { channel: 'closed:a', data: 1 }))['publish']).toEqual({})
      expect(code(await client.call('publish', { channel: 'closed:a', data: 1 }))).toBe(103)
    })
  })

  describe('presence, history and capabilities', () => {
    it('the app is asked where it answers, and only where there is something to read', async () => {
      const no = () => Promise.reject(new ClientError(403, 'no'))
      const { node, app } = await start({
        'presence room': () => ({}),
        'history room': no,
        'presence closed': () => ({}),
        'history closed': () => ({}),
      })
      const client = await open(node)
      await client.call('connect', {})
      expect((await client.call('presence', { channel: 'room:a' }))['presence']).toBeDefined()
      expect((await client.call('presence_stats', { channel: 'room:a' }))['presence_stats']).toBeDefined()
      expect(code(await client.call('history', { channel: 'room:a' }))).toBe(403)
      expect(code(await client.call('presence', { channel: 'closed:a' }))).toBe(108)
      expect(code(await client.call('history', { channel: 'closed:a' }))).toBe(108)
      expect(app.asked.map(({ kind }) => kind)).toEqual(['presence', 'presence', 'history'])
    })

    it('[13.3] capabilities of the connect decision open what namespaces close', async () => {
      const capabilities = [{ channels: ['closed:a*'], allow: ['subscribe' as const, 'publish' as const] }]
      const { node } = await start({ connect: () => ({ user: 'ana', capabilities }) })
      const client = await open(node)
      await client.call('connect', {})
      for (const [channel, expected] of [
        ['closed:ab', undefined],
        ['closed:b', 103],
      ] as const) {
        expect(code(await client.call('publish', { channel, data: 1 }))).toBe(expected)
        expect(code(await client.call('subscribe', { channel }))).toBe(expected)
      }
    })
  })

  describe('rpc and send', () => {
    const answers: Answers = {
      'rpc echo': ({ data: said }) => (said === undefined ? {} : { data: said }),
      'rpc broken': () => ({ data: bytes('}') }),
      'rpc no': () => Promise.reject(new ClientError(1_000, 'no')),
    }

    it('[9.4] [9.11] answers with what the app said; 104 for a method nobody has, 108 where nobody has any', async () => {
      const { node, app } = await start(answers)
      const client = await open(node)
      const { connect } = await client.call('connect', {})
      expect(await client.call('rpc', { method: 'echo', data: { a: 1 } })).toEqual({
        id: 2,
        rpc: { data: { a: 1 } },
      })
      expect(await client.call('rpc', { method: 'echo#mine', data: 2 })).toEqual({ id: 3, rpc: { data: 2 } })
      expect(await client.call('rpc', { method: 'echo' })).toEqual({ id: 4, rpc: {} })
      expect(app.of('rpc').map(({ method, call }) => [method, call])).toEqual([
        ['echo', `${connect.client}:2`],
        ['echo', 'mine'],
        ['echo', `${connect.client}:4`],
      ])
      expect(code(await client.call('rpc', { method: 'other' }))).toBe(104)
      expect(code(await client.call('rpc', {}))).toBe(104)
      expect(code(await client.call('rpc', { method: 'no' }))).toBe(1_000)
      expect(code(await client.call('rpc', { method: 'broken' }))).toBe(100)
      expect(code(await client.call('rpc', { method: `echo#${'x'.repeat(65)}` }))).toBe(107)
      const plain = await RawClient.connect((await bench.start()).url)
      expect(code(await plain.call('rpc', { method: 'echo' }))).toBe(108)
      plain.end()
    })

    it('[9.4] [9.12] a message goes to the apps that listen, in the order of the connection, else it ends the connection: 3508', async () => {
      const { node, app } = await start({}, { events: ['message'] })
      const client = await open(node)
      await client.call('connect', {})
      client.send({ send: { data: 1 } }, { send: { data: { b: 2 } } }, { send: {} })
      await until(() => app.told.length === 3)
      expect(app.told.map((event) => event.kind === 'message' && text(event.data))).toEqual([
        '1',
        '{"b":2}',
        '',
      ])
      const deaf = await RawClient.connect((await bench.start()).url)
      deaf.send({ send: { data: 1 } })
      expect((await deaf.close()).code).toBe(Disconnects.notAvailable.code)
    })
  })

  describe('for clients that speak Protobuf', () => {
    /** What no JSON can say. */
    const odd = Uint8Array.of(0xff, 0x00, 0x7b)
    const answered = Uint8Array.of(0xfe, 0x00)

    async function speaker({ url }: TestNode, greeting: Uint8Array): Promise<SdkClient> {
      const client = await connectSdk(url, { encoding: 'protobuf', data: greeting })
      bench.atEnd(() => client.dispose())
      return client
    }

    it.each([
      ['that is JSON', bytes('{"a":1}')],
      ['that is none', odd],
    ])('[9.17] data %s reaches the app as the bytes that came', async (_what, said) => {
      const { node, app } = await start(
        {
          connect: () => ({ user: 'ana' }),
          'subscribe room': () => ({}),
          'publish room': () => ({}),
          'rpc echo': ({ data: sent }) => (sent === undefined ? {} : { data: sent }),
        },
        { events: ['message'] },
      )
      const client = await speaker(node, said)
      const subscription = await client.subscribe('room:a', { data: said })
      await subscription.publish(said)
      const { data: reply } = await client.centrifuge.rpc('echo', said)
      await client.centrifuge.send(said)
      await until(() => app.told.length === 1)
      const [came] = await client.received('room:a', 1)
      const heard = [...app.asked, ...app.told].map((one) => 'data' in one && one.data)
      expect([...heard, reply, came?.data].map((one) => Buffer.from(one as Uint8Array))).toEqual(
        Array.from({ length: 7 }, () => Buffer.from(said)),
      )
    })

    it('[9.17] what an app answers goes back as its bytes, and where only JSON can be told ends in error 100', async () => {
      const { node } = await start({
        'rpc bytes': () => ({ data: answered }),
        'publish room': () => ({ data: answered }),
      })
      const client = await speaker(node, odd)
      const { data: reply } = await client.centrifuge.rpc('bytes', odd)
      expect(Buffer.from(reply as Uint8Array)).toEqual(Buffer.from(answered))
      const subscription = await client.subscribe('room:a')
      await subscription.publish(odd)
      const [came] = await client.received('room:a', 1)
      expect(Buffer.from(came?.data as Uint8Array)).toEqual(Buffer.from(answered))
      const json = await open(node)
      await json.call('connect', {})
      expect(code(await json.call('rpc', { method: 'bytes' }))).toBe(100)
      expect(code(await json.call('publish', { channel: 'room:b', data: 1 }))).toBe(100)
    })
  })

  it('[3.12] [9.5] answers every command of a client before its SDK gives up, also where an app never does', async () => {
    const never = () => new Promise<never>(() => {})
    const { node } = await start({
      'subscribe room': never,
      'publish ': never,
      'history room': never,
      'presence deep': never,
      'rpc slow': never,
    })
    const door = await start({ connect: never })
    const outside = await open(door.node)
    const client = await open(node)
    await client.call('connect', {})
    const replies = [
      outside.call('connect', {}),
      client.call('subscribe', { channel: 'room:a' }),
      client.call('publish', { channel: 'plain', data: 1 }),
      client.call('history', { channel: 'room:a' }),
      client.call('rpc', { method: 'slow' }),
      client.call('presence', { channel: 'deep:a' }),
      client.call('unsubscribe', { channel: 'room:a' }),
      client.call('subscribe', { channel: 'room:a' }), // waits for both before it, and has no more time than they
    ]
    const codes = (await Promise.all(replies)).map((reply) => code(reply))
    expect(codes).toEqual([100, 100, 100, 100, 100, 100, undefined, 100])
    expect(node.gateway.hub.subscriptionCount).toBe(0)
  })

  it('tells who left a channel and who disconnected, once each, with why', async () => {
    const { node, app } = await start(
      { connect: () => ({ user: 'ana', metaJson: '7' }) },
      { events: ['unsubscribe room', 'disconnect'] },
    )
    const client = await open(node)
    await client.call('connect', {})
    for (const channel of ['room:a', 'room:b', 'plain']) await client.call('subscribe', { channel })
    await client.call('unsubscribe', { channel: 'room:a' })
    client.end()
    await until(() => app.told.length >= 3)
    const caller = { user: 'ana', metaJson: '7' }
    expect(app.told).toMatchObject([
      { kind: 'unsubscribe', namespace: 'room', channel: 'room:a', code: 0, caller },
      { kind: 'unsubscribe', namespace: 'room', channel: 'room:b', code: 1, caller },
      { kind: 'disconnect', code: 1_006, caller },
    ])
    expect(new Set(app.told.map(({ id }) => id)).size).toBe(3)
  })
})
