/** Every code that a client can be answered with is caused here, by what the tables of docs/protocol.md say causes it. */
import { describe, expect, it } from '@jest/globals'
import { encodeName } from '@natter/broker'
import { ClientError, DisconnectError } from '@natter/hooks'
import { Disconnects, Errors, Unsubscribes } from '@natter/protocol'
import { deadKey } from '../src/sessions/dead-record.js'
import { FakeApp, held, type Answers } from './fake-app.js'
import { dialects, jsonDialect } from './dialect.js'
import type { Incoming, NodeOverrides, RawClient, TestNode } from './harness.js'
import { secret, tokenOf, wireBench } from './wire-bench.js'

const room = { channel: 'room:a' }
const seconds = (fromNow: number): number => Math.floor(Date.now() / 1_000) + fromNow

describe.each(dialects)('codes, for clients that speak $name', (dialect) => {
  const { start, open, connect, api } = wireBench(dialect)

  const startWith = (
    answers: Answers,
    overrides: NodeOverrides = {},
    events: string[] = [],
  ): Promise<TestNode> => start({ hooks: new FakeApp(answers, events), ...overrides })

  /** Of a user, on a node whose app believes any name. */
  const ana = { connect: () => ({ user: 'ana' }) }

  /** Sends one command as the first. */
  const opening = async (node: TestNode, command: object): Promise<RawClient> => {
    const client = await open(node)
    client.send(command)
    return client
  }

  /** Sends one command when it is connected. */
  const saying = async (node: TestNode, command: object, request?: object): Promise<RawClient> => {
    const client = await connect(node, request)
    client.send(command)
    return client
  }

  const closes: [string, () => Promise<RawClient>][] = [
    [
      '[6.3] 3001 the node goes',
      async () => {
        const node = await start()
        const client = await connect(node)
        void node.gateway.stop()
        return client
      },
    ],
    [
      '[6.3] 3004 an app closes with a code that can’t be',
      async () => {
        const node = await startWith({ connect: () => Promise.reject(new DisconnectError(99, 'odd')) })
        return opening(node, { id: 1, connect: {} })
      },
    ],
    [
      '[6.3] 3005 the time is over, and nobody renewed it',
      async () => {
        const node = await start({ secret, client: { expiredCloseDelayMs: 0 } })
        return connect(node, { token: await tokenOf({ sub: 'ana', exp: seconds(2) }) })
      },
    ],
    [
      '[6.3] [9.13] 3005 renewed with a token that has ended',
      async () =>
        saying(
          await start({ secret }),
          { id: 2, refresh: { token: await tokenOf({ sub: 'ana', exp: seconds(-5) }) } },
          { token: await tokenOf({ sub: 'ana' }) },
        ),
    ],
    [
      '[6.3] [11.4] 3006 a subscription by the server has ended',
      async () => {
        const subscriptions = { 'room:a': { expiresAtMs: Date.now() + 50 } }
        return connect(await startWith({ connect: () => ({ user: 'ana', subscriptions }) }))
      },
    ],
    [
      '[6.3] [20.3] 3008 more waits for a client than a node holds',
      async () => {
        const node = await start({ client: { maxQueueBytes: 65_536, commandBurst: 100_000 } })
        const client = await connect(node)
        const data = 'x'.repeat(60_000)
        for (let n = 0; n < 9; n += 1) await client.call('publish', { ...room, data })
        const closed = new Promise((resolve) => node.gateway.events.on('connection:close', resolve))
        client.socket.pause()
        for (let n = 0; n < 40; n += 1) client.start('history', { ...room, limit: -1 })
        await closed
        client.socket.resume()
        return client
      },
    ],
    [
      '[6.3] [11.4] 3010 the position of a subscription by the server is lost',
      async () => {
        const subscriptions = { 'room:a': {} }
        const node = await startWith({ connect: () => ({ user: 'ana', subscriptions }) })
        const client = await connect(node)
        node.gateway.broken('room:a')
        return client
      },
    ],
    [
      '[6.3] 3011 others have taken the node for dead',
      async () => {
        const node = await startWith({}, {}, ['disconnect'])
        const client = await connect(node)
        const { journal, subjects, registry } = node.broker
        const all = await journal.subjects(subjects.allSessions)
        const mine = all.find((subject) => subject.includes(`.${encodeName(node.name)}.`)) ?? ''
        const record = { by: 'another', byLife: 'x', atMs: Date.now() }
        await registry.create(
          deadKey(node.name, mine.split('.').at(-1) ?? ''),
          Buffer.from(JSON.stringify(record)),
        )
        return client
      },
    ],
    [
      '[6.3] [5.2] 3012 a ping without an answer',
      async () => connect(await start({ client: { pingIntervalMs: 250, pongTimeoutMs: 50 } })),
    ],
    [
      '[6.3] [3.11] 3013 more commands than a connection may send',
      async () => {
        const client = await connect(await start({ client: { commandBurst: 5, commandRate: 1 } }))
        client.send(...[2, 3, 4, 5, 6].map((id) => ({ id, rpc: {} })))
        return client
      },
    ],
    [
      '[6.3] [20.10] 3013 more commands before the answer to connect than may wait',
      async () => {
        const door = held<{ user: string }>()
        const client = await open(await startWith({ connect: () => door.answer }))
        client.socket.once('close', () => door.give({ user: 'late' }))
        client.send(
          { id: 1, connect: {} },
          ...Array.from({ length: 513 }, (_, n) => ({ id: n + 2, rpc: {} })),
        )
        return client
      },
    ],
    [
      '[6.3] [4.1] 3500 a token that is not ours',
      async () =>
        opening(await start({ secret }), {
          id: 1,
          connect: { token: `${await tokenOf({ sub: 'ana' })}x` },
        }),
    ],
    [
      '[6.3] [20.6] 3500 a token that is longer than 32 KiB',
      async () =>
        opening(await start({ secret }), {
          id: 1,
          connect: { token: await tokenOf({ sub: 'ana', info: 'x'.repeat(30_000) }) },
        }),
    ],
    [
      '[6.3] [9.13] 3500 renewed with a token of somebody else',
      async () =>
        saying(
          await start({ secret }),
          { id: 2, refresh: { token: await tokenOf({ sub: 'eve' }) } },
          { token: await tokenOf({ sub: 'ana' }) },
        ),
    ],
    ['[6.3] [9.13] 3501 renewed with nothing', async () => saying(await start(), { id: 2, refresh: {} })],
    [
      '[6.3] [4.4] 3501 a client renews what an app keeps',
      async () => saying(await startWith(ana), { id: 2, refresh: { token: 't' } }),
    ],
    [
      '[6.3] [4.2] 3501 nobody, where nobody may connect',
      async () => opening(await start({ client: { allowAnonymous: false } }), { id: 1, connect: {} }),
    ],
    ['[6.3] [3.8] 3502 no connect in time', async () => open(await start({ client: { staleCloseMs: 50 } }))],
    [
      '[6.3] [3.7] 3502 a client that stays after connect was refused',
      async () => {
        const refusal = { connect: () => Promise.reject(new ClientError(400, 'no')) }
        const client = await opening(await startWith(refusal, { client: { staleCloseMs: 150 } }), {
          id: 1,
          connect: {},
        })
        expect((await client.reply(1))['error'].code).toBe(400)
        return client
      },
    ],
    [
      '[6.3] 3503 an app sends the user away',
      async () => {
        const client = await connect(await startWith(ana))
        await (await api()).disconnect('ana', Disconnects.forceDisconnect)
        return client
      },
    ],
    [
      '[6.3] [11.2] 3505 too many subscriptions by the server',
      async () => {
        const subscriptions = { 'room:a': {}, 'room:b': {} }
        const node = await startWith(
          { connect: () => ({ user: 'ana', subscriptions }) },
          { client: { maxChannels: 1 } },
        )
        return opening(node, { id: 1, connect: {} })
      },
    ],
    [
      '[6.3] [12.7] 3507 a token without a user, where such are not wanted',
      async () =>
        opening(await start({ secret, client: { disallowAnonymousTokens: true } }), {
          id: 1,
          connect: { token: await tokenOf({}) },
        }),
    ],
    [
      '[6.3] [9.12] 3508 a message where nobody listens',
      async () => saying(await start(), { send: { data: 1 } }),
    ],
  ]

  it.each(closes)('%s', async (title, cause) => {
    expect(await (await cause()).close()).toEqual(entry(Disconnects, title))
  })

  const errors: [string, () => Promise<Incoming>][] = [
    [
      '[6.4] [9.5] 100 an app that crashes',
      async () =>
        (await connect(await startWith({ 'publish room': () => Promise.reject(new Error('boom')) }))).call(
          'publish',
          { ...room, data: 1 },
        ),
    ],
    [
      '[6.4] 101 an app does not know who asks',
      async () =>
        (
          await connect(
            await startWith({
              'subscribe room': () => Promise.reject(new ClientError(101, 'unauthorized')),
            }),
          )
        ).call('subscribe', room),
    ],
    ...['subscribe', 'publish', 'presence', 'presence_stats', 'history'].map(
      (method): [string, () => Promise<Incoming>] => [
        `[6.4] 102 a namespace that is not there: ${method}`,
        async () => (await connect(await start())).call(method, { channel: 'nowhere:a', data: 1 }),
      ],
    ),
    ...['subscribe', 'publish'].map((method): [string, () => Promise<Incoming>] => [
      `[6.4] 103 no rule allows it: ${method}`,
      async () => (await connect(await start())).call(method, { channel: 'closed:a', data: 1 }),
    ]),
    [
      '[6.4] [9.11] 104 rpc: not this method',
      async () =>
        (await connect(await startWith({ 'rpc one': () => ({}) }))).call('rpc', { method: 'another' }),
    ],
    [
      '[6.4] 105 already subscribed',
      async () => {
        const client = await connect(await start())
        await client.call('subscribe', room)
        return client.call('subscribe', room)
      },
    ],
    [
      '[6.4] [11.5] 105 the server has subscribed it',
      async () => {
        const subscriptions = { 'room:a': {} }
        const node = await startWith({ connect: () => ({ user: 'ana', subscriptions }) })
        return (await connect(node)).call('subscribe', room)
      },
    ],
    [
      '[6.4] [20.4] 106 too many channels',
      async () => {
        const client = await connect(await start({ client: { maxChannels: 1 } }))
        await client.call('subscribe', room)
        return client.call('subscribe', { channel: 'room:b' })
      },
    ],
    [
      '[6.4] [20.5] 107 a name that is too long',
      async () => (await connect(await start())).call('subscribe', { channel: `room:${'x'.repeat(251)}` }),
    ],
    ['[6.4] [9.7] 107 nothing to publish', async () => (await connect(await start())).call('publish', room)],
    [
      '[6.4] [9.10] 107 downwards from 0',
      async () =>
        (await connect(await start())).call('history', {
          ...room,
          limit: 1,
          reverse: true,
          since: { offset: 0, epoch: '' },
        }),
    ],
    ...['presence', 'presence_stats', 'history'].map((method): [string, () => Promise<Incoming>] => [
      `[6.4] 108 the feature is off: ${method}`,
      async () => (await connect(await start())).call(method, { channel: 'closed:a' }),
    ]),
    [
      '[6.4] [9.11] 108 rpc where nobody answers any',
      async () => (await connect(await start())).call('rpc', { method: 'x' }),
    ],
    [
      '[6.4] [4.1] 109 a token that has ended',
      async () =>
        (await open(await start({ secret }))).call('connect', {
          token: await tokenOf({ sub: 'ana', exp: seconds(-5) }),
        }),
    ],
    [
      '[6.4] [4.1] 109 a token that isn’t valid yet',
      async () =>
        (await open(await start({ secret }))).call('connect', {
          token: await tokenOf({ sub: 'ana', nbf: seconds(3_600) }),
        }),
    ],
    [
      '[6.4] [4.3] 110 a connection that is over before it begins',
      async () =>
        (await open(await start({ secret }))).call('connect', {
          token: await tokenOf({ sub: 'ana', expire_at: seconds(-5) }),
        }),
    ],
    [
      '[6.4] [7.6] 110 a subscription that is over before it begins',
      async () =>
        (await connect(await startWith({ 'subscribe room': () => ({ expiresAtMs: Date.now() - 1 }) }))).call(
          'subscribe',
          room,
        ),
    ],
    [
      '[6.4] [20.11] 111 more commands in work than may be',
      async () => {
        const client = await connect(await start({ client: { maxInFlight: 2 } }))
        client.send(...[11, 12, 13].map((id) => ({ id, history: room })))
        return client.reply(13)
      },
    ],
    [
      '[6.4] [9.10] 112 history since another epoch',
      async () =>
        (await connect(await start())).call('history', {
          ...room,
          limit: 1,
          since: { offset: 1, epoch: 'other' },
        }),
    ],
    [
      '[6.4] 112 a recovery that failed, where the client wants an error',
      async () =>
        (await connect(await start())).call('subscribe', {
          ...room,
          recover: true,
          epoch: 'other',
          offset: 1,
          flag: 2,
        }),
    ],
  ]

  it.each(errors)('%s', async (title, cause) => {
    expect((await cause())['error']).toEqual(entry(Errors, title))
  })

  const unsubscribes: [string, () => Promise<RawClient>][] = [
    [
      '[6.5] 2000 an app takes the user out',
      async () => {
        const client = await connect(await startWith(ana))
        await client.call('subscribe', room)
        await (await api()).unsubscribe('ana', 'room:a', Unsubscribes.server)
        return client
      },
    ],
    [
      '[6.5] 2500 the position can’t be followed any more',
      async () => {
        const node = await start()
        const client = await connect(node)
        await client.call('subscribe', room)
        node.gateway.broken('room:a')
        return client
      },
    ],
    [
      '[6.5] [7.6] 2501 the end that an app gave it has come',
      async () => {
        const node = await startWith({ 'subscribe room': () => ({ expiresAtMs: Date.now() + 50 }) })
        const client = await connect(node)
        await client.call('subscribe', room)
        return client
      },
    ],
  ]

  it.each(unsubscribes)('%s', async (title, cause) => {
    const client = await cause()
    const push = await client.until(
      () => client.pushes('room:a').find(({ unsubscribe }) => unsubscribe !== undefined),
      'the unsubscribe',
    )
    expect(push['unsubscribe']).toEqual(entry(Unsubscribes, title))
    await client.call('publish', { ...room, data: 'after it' })
    await client.call('rpc', {})
    expect(client.pushes('room:a').at(-1)).toBe(push) // nothing of the channel follows
  })

  it('[6.1] a reason that is longer than a close frame takes is cut between characters', async () => {
    const reason = `${'x'.repeat(120)}ééé`
    const node = await startWith({ connect: () => Promise.reject(new DisconnectError(4_500, reason)) })
    const client = await opening(node, { id: 1, connect: {} })
    expect(await client.close()).toEqual({ code: 4_500, reason: `${'x'.repeat(120)}é` })
  })

  it.each([
    ['[6.2] 3509', 3_509],
    ['[6.2] 4000', 4_000],
    ['[6.2] 4999', 4_999],
  ])('%s may be an app’s word, and reaches the client as it is', async (_, code) => {
    const node = await startWith({ 'rpc end': () => Promise.reject(new DisconnectError(code, 'why')) })
    const client = await saying(node, { id: 2, rpc: { method: 'end' } })
    expect(await client.close()).toEqual({ code, reason: 'why' })
  })
})

describe('codes, for clients that only listen', () => {
  const { start, open } = wireBench(jsonDialect)

  it.each([
    ['[6.3] [16.4] 3005 an app says that its word has ended', Errors.expired],
    ['[6.3] [16.4] 3005 an app does not take the token any more', Errors.tokenExpired],
    ['[6.3] [16.4] 3013 an app has too much to do', Errors.tooManyRequests],
    ['[6.3] [16.4] 3507 an app does not let it in', Errors.permissionDenied],
    ['[6.3] [16.4] 3004 an app refuses with another error', Errors.badRequest],
    ['[6.3] [16.4] 3004 an app refuses with an error of its own', { code: 1_000, message: 'no' }],
  ])('%s', async (title, { code, message }) => {
    const hooks = new FakeApp({ connect: () => Promise.reject(new ClientError(code, message)) })
    const node = await start({ hooks })
    const client = await open({ ...node, url: node.url.replace(/websocket$/, 'uni_websocket') })
    client.send({})
    expect(await client.close()).toEqual(entry(Disconnects, title))
  })
})

/** The entry of the code in a title. */
function entry(table: Record<string, { code: number }>, title: string): object {
  const code = Number(/\] (\d+)/.exec(title)?.[1])
  const found = Object.values(table).find((one) => one.code === code)
  if (found === undefined) throw new Error(`no code ${code}`)
  return found
}
