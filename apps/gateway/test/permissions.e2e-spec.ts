/**
 * The permission chain through the wire: each rule once, with the codes that it means written by hand. Every combination is in the
 * table of libs/auth.
 */
import { describe, expect, it } from '@jest/globals'
import { createChannelGrammar, Unsubscribes } from '@natter/protocol'
import { memoryBench } from './bench.js'
import { dialects } from './dialect.js'
import { FakeApp, type Answers } from './fake-app.js'
import { namespacesOf, RawClient, type Incoming, type NodeOverrides, type TestNode } from './harness.js'
import { HttpClient, httpOf } from './http-client.js'
import { secret, tokenOf } from './wire-bench.js'

const kept = { keep: 'stream', presence: true, force_recovery: false } as const
const inside = {
  allow_publish_for_subscriber: true,
  allow_presence_for_subscriber: true,
  allow_history_for_subscriber: true,
}
const outside = {
  allow_publish_for_client: true,
  allow_presence_for_client: true,
  allow_history_for_client: true,
}
const nobody = {
  allow_subscribe_for_anonymous: true,
  allow_publish_for_anonymous: true,
  allow_presence_for_anonymous: true,
  allow_history_for_anonymous: true,
}

const namespaces = namespacesOf({
  '': kept,
  none: kept,
  sub: { ...kept, allow_subscribe_for_client: true },
  suball: { ...kept, allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true },
  anon: { ...kept, ...nobody },
  use: { ...kept, ...outside },
  useall: { ...kept, ...outside, ...nobody },
  member: { ...kept, allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true, ...inside },
  memberall: { ...kept, allow_subscribe_for_client: true, ...inside, ...nobody },
  users: { ...kept, allow_user_limited_channels: true, allow_subscribe_for_client: true },
  off: { allow_subscribe_for_client: true, ...outside },
})

/** Of `publish`, `presence`, `presence_stats` and `history`. */
type Use = readonly [publish: number, presence: number, stats: number, history: number]

/** 0 = yes. */
interface Walk {
  before: Use
  subscribe: number
  after: Use
}

type Call = (method: string, request: object) => Promise<Incoming>

const codeOf = (reply: Incoming): number =>
  reply['error'] === undefined ? 0 : (reply['error'].code as number)

async function use(call: Call, channel: string): Promise<Use> {
  const replies = [
    await call('publish', { channel, data: { n: 1 } }),
    await call('presence', { channel }),
    await call('presence_stats', { channel }),
    await call('history', { channel, limit: 1 }),
  ]
  return replies.map((reply) => codeOf(reply)) as unknown as Use
}

async function walk(call: Call, channel: string, more: object = {}): Promise<Walk> {
  const before = await use(call, channel)
  const subscribe = codeOf(await call('subscribe', { channel, ...more }))
  return { before, subscribe, after: await use(call, channel) }
}

const all = (code: number): Use => [code, code, code, code]
const closed: Walk = { before: all(103), subscribe: 103, after: all(103) }
const open: Walk = { before: all(0), subscribe: 0, after: all(0) }

describe.each(dialects)('the permission chain, for clients that speak $name', (dialect) => {
  const bench = memoryBench(dialect)

  const start = (overrides: NodeOverrides = {}) => bench.start({ secret, namespaces, ...overrides })
  const enter = async (node: TestNode, claims: object = {}, request: object = {}): Promise<RawClient> => {
    const token = await tokenOf({ ...claims })
    return bench.keep(RawClient.connect(node.url, { token, ...request }, dialect))
  }
  const callOf =
    (client: RawClient): Call =>
    (method, request) =>
      client.call(method, request)

  it.each<[what: string, user: string, channel: string, expected: Walk]>([
    ['nothing is said', 'ana', 'none:a', closed],
    ['nothing is said of channels without namespace', 'ana', 'a', closed],
    ['allow_subscribe_for_client', 'ana', 'sub:a', { ...closed, subscribe: 0 }],
    ['allow_subscribe_for_client, and nobody in particular', '', 'sub:a', closed],
    ['allow_subscribe_for_anonymous beside it', '', 'suball:a', { ...closed, subscribe: 0 }],
    ['the _for_anonymous alone, for a user', 'ana', 'anon:a', closed],
    ['the _for_anonymous alone', '', 'anon:a', closed],
    ['the _for_client of the others', 'ana', 'use:a', { ...open, subscribe: 103 }],
    ['the _for_client of the others, and nobody in particular', '', 'use:a', closed],
    ['the _for_anonymous beside them', '', 'useall:a', { ...open, subscribe: 103 }],
    ['the _for_subscriber', 'ana', 'member:a', { ...open, before: all(103) }],
    ['the _for_subscriber, and nobody in particular', '', 'member:a', { ...closed, subscribe: 0 }],
    ['the _for_anonymous beside those', '', 'memberall:a', { ...open, before: all(103) }],
    ['a name that lists the user', 'ben', 'users:#ana,ben', { ...closed, subscribe: 0 }],
    ['a name that lists others, beside allow_subscribe_for_client', 'eve', 'users:#ana,ben', closed],
    ['a name that lists nobody', '', 'users:#', closed],
    ['a list that means nothing here', 'eve', 'sub:#ana', { ...closed, subscribe: 0 }],
    ['a private channel', 'ana', '$sub:a', closed],
    ['a private channel that lists the user', 'ana', '$users:#ana', closed],
    [
      'presence and history that are off',
      'ana',
      'off:a',
      { before: [0, 108, 108, 108], subscribe: 0, after: [0, 108, 108, 108] },
    ],
    ['no such namespace', 'ana', 'nope:a', { before: all(102), subscribe: 102, after: all(102) }],
    ['a name beyond ASCII', 'ana', 'sub:é', { before: all(107), subscribe: 107, after: all(107) }],
    [
      'a name with a control character',
      'ana',
      'nope:\n',
      { before: all(107), subscribe: 107, after: all(107) },
    ],
  ])('[13.3] %s: user %j in %j', async (_what, user, channel, expected) => {
    const client = await enter(await start(), user === '' ? {} : { sub: user })
    expect(await walk(callOf(client), channel)).toEqual(expected)
  })

  it('[13.3] insecure opens what no feature, no sign and no name closes', async () => {
    const client = await enter(await start({ client: { insecure: true } }))
    const codes = async (channel: string) => await walk(callOf(client), channel)
    expect(await codes('none:a')).toEqual(open)
    expect(await codes('users:#ana')).toEqual(open)
    expect(await codes('$none:a')).toEqual({ ...open, subscribe: 103 })
    expect(await codes('off:a')).toEqual({
      before: [0, 108, 108, 108],
      subscribe: 0,
      after: [0, 108, 108, 108],
    })
    expect((await codes('nope:a')).subscribe).toBe(102)
  })

  const everything = ['sub', 'pub', 'prs', 'hst']

  it.each<[what: string, caps: object[], channel: string, expected: Walk]>([
    ['by name', [{ channels: ['none:a'], allow: everything }], 'none:a', open],
    ['of another name', [{ channels: ['none:b', 'none:*'], allow: everything }], 'none:a', closed],
    [
      'of other verbs',
      [{ channels: ['none:a'], allow: ['sub', 'prs'] }],
      'none:a',
      { before: [103, 0, 0, 103], subscribe: 0, after: [103, 0, 0, 103] },
    ],
    ['by a wildcard', [{ channels: ['n*:*'], match: 'wildcard', allow: everything }], 'none:a', open],
    [
      'by an expression',
      [{ channels: ['^none:[a-z]+$'], match: 'regex', allow: everything }],
      'none:a',
      open,
    ],
    [
      'by an expression that fits a part',
      [{ channels: ['none:'], match: 'regex', allow: everything }],
      'none:a',
      closed,
    ],
    [
      'of which the first that covers the channel decides',
      [
        { channels: ['none:a'], allow: ['hst'] },
        { channels: ['*'], match: 'wildcard', allow: everything },
      ],
      'none:a',
      { before: [103, 103, 103, 0], subscribe: 103, after: [103, 103, 103, 0] },
    ],
    [
      'by a star, to a private channel',
      [{ channels: ['*'], match: 'wildcard', allow: everything }],
      '$none:a',
      closed,
    ],
    [
      'with its sign, to a private channel',
      [{ channels: ['$*'], match: 'wildcard', allow: everything }],
      '$none:a',
      open,
    ],
    [
      'by a star, to a channel of others',
      [{ channels: ['*'], match: 'wildcard', allow: everything }],
      'users:#eve',
      closed,
    ],
    [
      'with its sign, to a channel of others',
      [{ channels: ['users:#*'], match: 'wildcard', allow: everything }],
      'users:#eve',
      open,
    ],
    [
      'to what is off',
      [{ channels: ['off:a'], allow: everything }],
      'off:a',
      { before: [0, 108, 108, 108], subscribe: 0, after: [0, 108, 108, 108] },
    ],
    [
      'to no channel',
      [{ channels: ['nope:a'], allow: everything }],
      'nope:a',
      { before: all(102), subscribe: 102, after: all(102) },
    ],
  ])('[13.5] a capability %s', async (_what, caps, channel, expected) => {
    const client = await enter(await start(), { sub: 'ana', caps })
    expect(await walk(callOf(client), channel)).toEqual(expected)
  })

  it.each([
    ['caps', { caps: [{ channels: ['('], match: 'regex', allow: ['sub'] }] }],
    ['caps', { caps: [{ channels: ['a'], allow: ['everything'] }] }],
    ['subs', { subs: { 'none:a': { allow: 'pub' } } }],
  ])('[13.5] a token whose %s are of no form is no token: %j', async (_what, claims) => {
    const node = await start()
    const client = await bench.keep(RawClient.open(node.url, { dialect }))
    client.start('connect', { token: await tokenOf({ sub: 'ana', ...claims }) })
    expect(await client.close()).toMatchObject({ code: 3500 })
  })

  it('[13.6] a refresh replaces the capabilities, and what only they let in ends', async () => {
    const caps = [
      { channels: ['none:a', 'none:b', 'none:t'], allow: ['sub', 'pub'] },
      { channels: ['sub:a'], allow: ['sub'] },
    ]
    const client = await enter(await start(), { sub: 'ana', caps }, { subs: { 'none:b': {} } })
    const channel = 'none:t' // a token let it in, and not what would have done so as well
    for (const one of ['none:a', 'sub:a'])
      expect(codeOf(await client.call('subscribe', { channel: one }))).toBe(0)
    await client.call('subscribe', { channel, token: await tokenOf({ sub: 'ana', channel }) })
    const ended = (name: string) =>
      client.until(() => client.pushes(name).find((push) => 'unsubscribe' in push), `the end of ${name}`)
    await client.call('refresh', { token: await tokenOf({ sub: 'ana', caps }) })
    expect(codeOf(await client.call('publish', { channel: 'none:a', data: 1 }))).toBe(0)
    await client.call('refresh', { token: await tokenOf({ sub: 'ana' }) })
    expect((await ended('none:a'))['unsubscribe']).toMatchObject(Unsubscribes.server)
    expect((await ended('none:b'))['unsubscribe']).toMatchObject(Unsubscribes.server)
    expect(codeOf(await client.call('publish', { channel: 'none:a', data: 1 }))).toBe(103)
    expect(codeOf(await client.call('subscribe', { channel: 'none:a' }))).toBe(103)
    for (const one of ['sub:a', channel])
      expect(codeOf(await client.call('subscribe', { channel: one }))).toBe(105)
  })

  it('[13.7] what a subscription token allows lasts as long as its subscription, and a new token replaces it', async () => {
    const client = await enter(await start(), { sub: 'ana' })
    const call = callOf(client)
    for (const channel of ['none:a', '$none:a']) {
      const token = (more: object) =>
        tokenOf({ sub: 'ana', channel, exp: Math.floor(Date.now() / 1_000) + 600, ...more })
      const allowed = await token({ allow: ['pub', 'hst'] })
      expect(await walk(call, channel, { token: allowed })).toEqual({
        before: all(103),
        subscribe: 0,
        after: [0, 103, 103, 0],
      })
      expect(codeOf(await call('publish', { channel: 'none:b', data: 1 }))).toBe(103)
      expect(codeOf(await call('sub_refresh', { channel, token: await token({ allow: ['prs'] }) }))).toBe(0)
      expect(await use(call, channel)).toEqual([103, 0, 0, 103])
      expect(codeOf(await call('sub_refresh', { channel, token: await token({}) }))).toBe(0)
      expect(await use(call, channel)).toEqual(all(103))
      await call('unsubscribe', { channel })
      await call('subscribe', { channel, token: allowed })
      await call('unsubscribe', { channel })
      expect(await use(call, channel)).toEqual(all(103))
    }
  })

  it('[13.7] a connection token allows it in the subscriptions that it begins', async () => {
    const subs = { 'none:a': { allow: ['pub'] }, 'none:b': {} }
    const client = await enter(await start(), { sub: 'ana', subs })
    expect(await use(callOf(client), 'none:a')).toEqual([0, 103, 103, 103])
    expect(await use(callOf(client), 'none:b')).toEqual(all(103))
  })

  it('[13.4] who may read the history by what a token says may be positioned and recover, and nobody else', async () => {
    const client = await enter(await start(), { sub: 'ana' })
    const asked = { positioned: true, recoverable: true }
    const subscribe = async (channel: string, more: object) => {
      const token = await tokenOf({ sub: 'ana', channel, ...more })
      return (await client.call('subscribe', { channel, token, ...asked }))['subscribe'] as Incoming
    }
    expect(await subscribe('none:a', { allow: ['hst'] })).toMatchObject({
      positioned: true,
      recoverable: true,
    })
    expect(await subscribe('none:b', { allow: ['pub', 'prs'] })).not.toHaveProperty('positioned')
  })

  it('[13.3] an app that answers is asked in place of the rules, but not of a channel of users', async () => {
    const answers: Answers = {
      'subscribe none': ({ channel }) =>
        channel === 'none:no' ? Promise.reject(new Error('no')) : { allow: ['presence'] },
      'subscribe users': () => ({}),
    }
    const app = new FakeApp(answers)
    const client = await enter(await start({ hooks: app }), { sub: 'eve' })
    const walked = (channel: string) => walk(callOf(client), channel)
    expect(await walked('none:a')).toEqual({ before: all(103), subscribe: 0, after: [103, 0, 0, 103] })
    expect((await walked('none:no')).subscribe).toBe(100)
    expect(await walked('users:#ana')).toEqual(closed)
    expect((await walked('users:#ana,eve')).subscribe).toBe(0)
    expect(app.of('subscribe').map(({ channel }) => channel)).toEqual(['none:a', 'none:no'])
  })

  it('[13.3] a connect that asks for channels gets those that a rule allows, and no others', async () => {
    const subs = Object.fromEntries(
      ['none:a', 'none:b', 'sub:a', '$sub:a', '$none:b', 'users:#ana', 'users:#eve', 'sub:é'].map(
        (channel) => [channel, {}],
      ),
    )
    const caps = [{ channels: ['none:a', '$none:b'], allow: ['sub'] }]
    const app = new FakeApp({ 'subscribe users': () => ({}) })
    const client = await enter(await start({ hooks: app }), { sub: 'ana', caps }, { subs })
    expect(Object.keys(client.received[0]?.['connect'].subs as object).toSorted()).toEqual([
      '$none:b',
      'none:a',
      'sub:a',
      'users:#ana',
    ])
    expect(app.asked).toEqual([])
    expect(await use(callOf(client), 'none:a')).toEqual(all(103))
  })

  it('[13.1] the signs of a mesh are what is configured', async () => {
    const grammar = createChannelGrammar({
      privatePrefix: '!',
      namespaceBoundary: '/',
      userBoundary: '@',
      userSeparator: ';',
      maxBytes: 20,
    })
    const client = await enter(await start({ grammar }), { sub: 'ana' })
    const codes = async (channel: string) => (await walk(callOf(client), channel)).subscribe
    const expected = {
      'sub/a': 0,
      '!sub/a': 103,
      'sub:a': 103,
      'users/@ana;ben': 0,
      'users/@ben': 103,
      'users/#ben': 0,
    }
    for (const [channel, code] of Object.entries(expected))
      expect([channel, await codes(channel)]).toEqual([channel, code])
    expect(await codes(`sub/${'x'.repeat(17)}`)).toBe(107)
  })

  it('[15.4] says the same of what comes by way of /emulation', async () => {
    const node = await start()
    const token = await tokenOf({ sub: 'ana' })
    const client = await HttpClient.connect(node.url, '/connection/http_stream', {
      dialect,
      connect: { token },
    })
    bench.atEnd(() => client.abort())
    const call: Call = (method, request) => client.call(method, request)
    expect(await walk(call, 'none:a')).toEqual(closed)
    expect(await walk(call, 'member:a')).toEqual({ ...open, before: all(103) })
  })

  it('[16.3] and of what a client that only listens asks for with its connect', async () => {
    const node = await start()
    const caps = [{ channels: ['none:a'], allow: ['sub'] }]
    const token = await tokenOf({ sub: 'ana', caps })
    const subs = { 'none:a': {}, 'none:b': {}, '$sub:a': {}, 'users:#ana': {}, 'users:#eve': {} }
    const listener = new HttpClient(httpOf(node.url, '/connection/uni_http_stream'), {
      body: JSON.stringify({ token, subs }),
    })
    bench.atEnd(() => listener.abort())
    const [first] = await listener.until(
      () => listener.received.length > 0 && listener.received,
      'the connect',
    )
    expect(Object.keys(first?.['connect'].subs as object).toSorted()).toEqual(['none:a', 'users:#ana'])
  })
})
