/** What tokens let people do, while they last; signed with a secret, so that nothing here is about keys (see token-keys.e2e-spec.ts). */
import { describe, expect, it } from '@jest/globals'
import {
  createTokenVerifier,
  type SubscriptionClaims,
  type TokenVerdict,
  type TokenVerifier,
} from '@natter/auth'
import { systemClock } from '@natter/primitives'
import { Disconnects } from '@natter/protocol'
import { dialects } from './dialect.js'
import { FakeApp, held } from './fake-app.js'
import type { Incoming, RawClient, TestNode } from './harness.js'
import { secret, tokenOf, wireBench } from './wire-bench.js'

/** Of a token: fractions of a second are allowed. */
const inMs = (ms: number): number => (Date.now() + ms) / 1_000
const code = (reply: Incoming): unknown => reply['error']?.code

let channels = 0
const fresh = (namespace: string): string => `${namespace}:t${(channels += 1)}`

describe.each(dialects)('tokens, for clients that speak $name', (dialect) => {
  const bench = wireBench(dialect)
  const { start, open } = bench

  const enter = async (node: TestNode, claims: object): Promise<RawClient> => {
    const client = await bench.connect(node, { token: await tokenOf({ ...claims }) })
    expect(client.received[0]).toHaveProperty('connect')
    return client
  }
  const opening = async (node: TestNode, claims: object, request: object = {}): Promise<RawClient> => {
    const client = await open(node)
    client.start('connect', { token: await tokenOf({ ...claims }), ...request })
    return client
  }
  const subscribe = async (client: RawClient, channel: string, claims: object, more: object = {}) =>
    client.call('subscribe', { channel, token: await tokenOf({ sub: 'ana', channel, ...claims }), ...more })

  const ended = (client: RawClient, channel: string): Promise<Incoming> =>
    client.until(() => client.pushes(channel).find((push) => 'unsubscribe' in push), 'the end')

  describe('[12.1] a connection token', () => {
    it('begins subscriptions with what it says of each, whatever the namespace allows', async () => {
      const [kept, plain, closed] = [fresh('$room'), fresh('joins'), fresh('closed')]
      const node = await start({ secret })
      const client = await enter(node, {
        sub: 'ana',
        channels: [closed],
        subs: {
          [kept]: { data: { hello: 1 }, info: { role: 'admin' } },
          [plain]: { override: { presence: { value: false } } },
        },
      })
      expect(client.received[0]?.['connect'].subs).toEqual({
        [closed]: {},
        [kept]: expect.objectContaining({ recoverable: true, positioned: true, data: { hello: 1 } }),
        [plain]: {},
      })
      await client.call('publish', { channel: kept, data: 1 })
      const [publication] = await client.until(
        () => client.publications(kept).length > 0 && client.publications(kept),
        'the publication',
      )
      expect(publication?.['info']).toMatchObject({ user: 'ana', chan_info: { role: 'admin' } })
      const { presence: members } = (await client.call('presence', { channel: kept }))['presence'] as Incoming
      expect(Object.values(members as object)).toMatchObject([{ user: 'ana', chan_info: { role: 'admin' } }])
      expect((await client.call('presence', { channel: plain }))['presence'].presence).toEqual({})
      expect(code(await client.call('subscribe', { channel: closed }))).toBe(105)
      expect(code(await client.call('sub_refresh', { channel: kept, token: 't' }))).toBe(108)
    })

    it('recovers what it began when its client comes back', async () => {
      const channel = fresh('$room')
      const node = await start({ secret })
      const claims = { sub: 'ana', channels: [channel] }
      const before = await enter(node, claims)
      const epoch = before.received[0]?.['connect'].subs[channel].epoch as string
      await before.call('publish', { channel, data: 1 })
      const after = await open(node)
      const subs = { [channel]: { recover: true, epoch, offset: 0 } }
      const { connect } = await after.call('connect', { token: await tokenOf(claims), subs })
      expect(connect.subs[channel]).toMatchObject({ recovered: true, publications: [{ data: 1 }] })
    })

    it.each([
      ['an unknown namespace', { channels: ['nowhere:a'] }, 102],
      ['a name that can’t be', { channels: ['x'.repeat(256)] }, 107],
      ['no name', { channels: [''] }, 107],
    ])('with %s is answered with an error', async (_what, claims, expected) => {
      const client = await opening(await start({ secret }), claims)
      expect(code(await client.reply(1))).toBe(expected)
    })

    it('with more channels than a connection may have is closed with 3505', async () => {
      const node = await start({ secret, client: { maxChannels: 1 } })
      expect((await (await opening(node, { channels: ['a1', 'a2'] })).close()).code).toBe(3505)
    })

    it('with data that the encoding can’t carry is closed with 3506', async () => {
      const node = await start({ secret })
      const client = await opening(node, { subs: { 'room:a': { b64data: 'AP8=' } } })
      if (dialect.name === 'json') expect((await client.close()).code).toBe(3506)
      else expect(await client.reply(1)).toHaveProperty('connect')
    })

    it('[12.7] without a user is closed with 3507 where such tokens are not wanted', async () => {
      const node = await start({ secret, client: { disallowAnonymousTokens: true } })
      expect(await (await opening(node, {})).close()).toMatchObject(Disconnects.permissionDenied)
      expect((await (await opening(node, { sub: '' })).close()).code).toBe(3507)
      await enter(node, { sub: 'ana' })
      expect(await (await open(node)).call('connect', {})).toHaveProperty('connect') // without a token is another matter
    })

    it('says for apps alone what it says in meta', async () => {
      const app = new FakeApp({ 'subscribe closed': () => ({}) })
      const client = await enter(await start({ secret, hooks: app }), { sub: 'ana', meta: { plan: 'pro' } })
      await client.call('subscribe', { channel: 'closed:a' })
      expect(app.of('subscribe')[0]?.caller).toMatchObject({ user: 'ana', metaJson: '{"plan":"pro"}' })
      expect(JSON.stringify(client.received)).not.toContain('pro')
    })

    it('[12.8] ends the connection with 3005 when nobody refreshes it in time', async () => {
      const node = await start({ secret, client: { expiredCloseDelayMs: 60 } })
      const client = await enter(node, { sub: 'ana', expire_at: inMs(200) })
      expect(client.received[0]?.['connect']).toMatchObject({ expires: true, ttl: 1 })
      expect(await client.close()).toMatchObject(Disconnects.connectionExpired)
    })

    it('[12.8] that was refreshed lets its connection go on, and others see what the new one says', async () => {
      const node = await start({ secret, client: { expiredCloseDelayMs: 0 } })
      const [client, other] = [
        await enter(node, { sub: 'ana', info: 1, expire_at: inMs(300) }),
        await enter(node, { sub: 'ben', expire_at: inMs(600) }),
      ]
      await client.call('subscribe', { channel: 'joins:a' })
      const token = await tokenOf({ sub: 'ana', info: 2 })
      expect((await client.call('refresh', { token }))['refresh']).toEqual({
        client: expect.any(String),
        version: 'test',
      })
      await other.close() // its end comes after the one that was put off
      const { presence } = await client.call('presence', { channel: 'joins:a' })
      expect(presence.presence).toBeDefined()
      await client.call('publish', { channel: 'joins:a', data: 1 })
      const [publication] = await client.until(
        () => client.publications('joins:a').length > 0 && client.publications('joins:a'),
        'the publication',
      )
      expect(publication?.['info'].conn_info).toBe(2)
    })

    it.each([
      ['of somebody else', { sub: 'eve' }, Disconnects.invalidToken],
      ['for a subscription', { sub: 'ana', channel: 'a' }, Disconnects.invalidToken],
      ['that has expired', { sub: 'ana', exp: inMs(-5_000) }, Disconnects.connectionExpired],
      ['whose end has passed', { sub: 'ana', expire_at: inMs(-5_000) }, Disconnects.connectionExpired],
      ['with another channel', { sub: 'ana', channels: ['room:x', 'room:z'] }, Disconnects.insufficientState],
      [
        'with a channel more',
        { sub: 'ana', channels: ['room:x', 'room:y', 'room:z'] },
        Disconnects.insufficientState,
      ],
      ['with a channel less', { sub: 'ana', channels: ['room:x'] }, Disconnects.insufficientState],
      ['without its channels', { sub: 'ana' }, Disconnects.insufficientState],
    ])('[9.13] refreshed with one %s is closed with that code', async (_what, claims, expected) => {
      const client = await enter(await start({ secret }), { sub: 'ana', channels: ['room:x', 'room:y'] })
      client.start('refresh', { token: await tokenOf(claims) })
      expect(await client.close()).toMatchObject(expected)
    })

    it('[9.13] refreshed with one of the same channels, however they stand there, goes on', async () => {
      const client = await enter(await start({ secret }), { sub: 'ana', channels: ['room:x', 'room:y'] })
      const token = await tokenOf({ sub: 'ana', channels: ['room:y'], subs: { 'room:x': { info: 1 } } })
      expect(await client.call('refresh', { token })).toHaveProperty('refresh')
    })
  })

  describe('[12.2] a subscription token', () => {
    it.each(['$room', '$', 'closed', 'insiders'])(
      'opens a channel of %s, which without it is closed',
      async (name) => {
        const channel = name === '$' ? `$${fresh('').slice(1)}` : fresh(name)
        const client = await enter(await start({ secret }), { sub: 'ana' })
        if (name !== 'insiders') expect(code(await client.call('subscribe', { channel }))).toBe(103)
        expect(await subscribe(client, channel, {})).toHaveProperty('subscribe')
        expect(await client.call('unsubscribe', { channel })).toHaveProperty('unsubscribe')
      },
    )

    it('says how long it lasts, what the client is told, and what others see', async () => {
      const channel = fresh('$room')
      const client = await enter(await start({ secret }), { sub: 'ana', info: 'conn' })
      const result = await subscribe(client, channel, {
        exp: Math.floor(inMs(100_000)),
        info: 'chan',
        data: { a: [1] },
      })
      expect(result['subscribe']).toMatchObject({ expires: true, recoverable: true, data: { a: [1] } })
      expect(result['subscribe'].ttl).toBeGreaterThan(97)
      expect(result['subscribe'].ttl).toBeLessThan(102)
      await client.call('publish', { channel, data: 1 })
      const [publication] = await client.until(
        () => client.publications(channel).length > 0 && client.publications(channel),
        'the publication',
      )
      expect(publication?.['info']).toMatchObject({ user: 'ana', conn_info: 'conn', chan_info: 'chan' })
      const { presence } = await client.call('presence', { channel })
      expect(Object.values(presence.presence as object)).toMatchObject([{ chan_info: 'chan' }])
    })

    it('tells how long it lasts also where nothing is kept, and nothing where it never ends', async () => {
      const client = await enter(await start({ secret }), { sub: 'ana' })
      const plain = await subscribe(client, fresh('$members'), { exp: Math.floor(inMs(100_000)) })
      expect(plain['subscribe']).toEqual({ expires: true, ttl: expect.any(Number) })
      const endless = await subscribe(client, fresh('$members'), {
        exp: Math.floor(inMs(100_000)),
        expire_at: 0,
      })
      expect(endless['subscribe']).toEqual({})
    })

    it('recovers as any other', async () => {
      const channel = fresh('$room')
      const node = await start({ secret })
      const client = await enter(node, { sub: 'ana' })
      const { subscribe: first } = await subscribe(client, channel, {})
      await client.call('publish', { channel, data: 1 })
      const other = await enter(node, { sub: 'ana' })
      const { subscribe: second } = await subscribe(
        other,
        channel,
        {},
        { recover: true, epoch: first.epoch, offset: 0 },
      )
      expect(second).toMatchObject({ recovered: true, publications: [{ data: 1 }] })
    })

    it('[12.6] says in place of the namespace what the subscription is', async () => {
      const [blind, quiet, kept] = [fresh('$blind'), fresh('$members'), fresh('$room')]
      const client = await enter(await start({ secret }), { sub: 'ana' })
      const on = { value: true }
      const off = { value: false }
      const { subscribe: recoverable } = await subscribe(client, blind, { override: { force_recovery: on } })
      expect(recoverable).toMatchObject({ recoverable: true, positioned: true })
      const { subscribe: forgetful } = await subscribe(client, kept, { override: { force_recovery: off } })
      expect(forgetful).toEqual({})
      await subscribe(client, quiet, {
        override: { join_leave: on, force_push_join_leave: on, presence: off },
      })
      await client.until(() => client.pushes(quiet).find((push) => 'join' in push), 'my own join')
      expect((await client.call('presence', { channel: quiet }))['presence'].presence).toEqual({})
    })

    it('goes before an app that answers for the namespace, which is asked about the others', async () => {
      const app = new FakeApp({ 'subscribe room': () => ({}) })
      const client = await enter(await start({ secret, hooks: app }), { sub: 'ana' })
      expect(await subscribe(client, fresh('room'), {})).toHaveProperty('subscribe')
      expect(app.of('subscribe')).toHaveLength(0)
      await client.call('subscribe', { channel: fresh('room') })
      expect(app.of('subscribe')).toHaveLength(1)
    })

    it('is the app’s to judge where there is no key for it', async () => {
      const app = new FakeApp({ 'subscribe room': () => ({}) })
      const client = await bench.connect(await start({ hooks: app }))
      await client.call('subscribe', { channel: 'room:mine', token: 'a secret of theirs' })
      expect(app.of('subscribe')[0]?.token).toBe('a secret of theirs')
    })

    it.each([
      [
        'signed by somebody else',
        async (channel: string) => `${await tokenOf({ sub: 'ana', channel })}x`,
        103,
      ],
      ['that is none', () => 'x', 103],
      ['for a connection', () => tokenOf({ sub: 'ana' }), 103],
      ['that has expired', (channel: string) => tokenOf({ sub: 'ana', channel, exp: inMs(-5_000) }), 109],
      ['that isn’t valid yet', (channel: string) => tokenOf({ sub: 'ana', channel, nbf: inMs(60_000) }), 109],
      [
        'whose end has passed',
        (channel: string) => tokenOf({ sub: 'ana', channel, expire_at: inMs(-5_000) }),
        110,
      ],
    ])(
      '%s is answered with that code, also where a rule would let its bearer in',
      async (_what, make, expected) => {
        const channel = fresh('room')
        const client = await enter(await start({ secret }), { sub: 'ana' })
        const token = await make(channel)
        expect(code(await client.call('subscribe', { channel, token }))).toBe(expected)
        expect(await client.call('subscribe', { channel })).toHaveProperty('subscribe')
      },
    )

    it('of an unknown namespace is 102 before it is looked at', async () => {
      const client = await enter(await start({ secret }), { sub: 'ana' })
      expect(code(await client.call('subscribe', { channel: 'nowhere:a', token: 'x' }))).toBe(102)
    })

    it.each([
      ['another channel', { sub: 'ana', channel: 'room:b' }],
      ['another user', { sub: 'eve', channel: 'room:a' }],
      ['nobody', { channel: 'room:a' }],
      ['another connection', { sub: 'ana', channel: 'room:a', client: 'x' }],
    ])('for %s closes with 3500, in a subscribe as in a refresh', async (_what, claims) => {
      const node = await start({ secret })
      const token = await tokenOf(claims)
      const one = await enter(node, { sub: 'ana' })
      one.start('subscribe', { channel: 'room:a', token })
      expect(await one.close()).toMatchObject(Disconnects.invalidToken)
      const two = await enter(node, { sub: 'ana' })
      await subscribe(two, 'room:a', {})
      two.start('sub_refresh', { channel: 'room:a', token })
      expect(await two.close()).toMatchObject(Disconnects.invalidToken)
    })

    it('with data that the encoding can’t carry closes with 3506', async () => {
      const client = await enter(await start({ secret }), { sub: 'ana' })
      client.start('subscribe', {
        channel: 'room:a',
        token: await tokenOf({ sub: 'ana', channel: 'room:a', b64data: 'AP8=' }),
      })
      if (dialect.name === 'json') expect((await client.close()).code).toBe(3506)
      else expect(await client.reply(2)).toHaveProperty('subscribe')
    })

    it('[12.9] that nobody refreshes in time ends its subscription with 2501, and another that was refreshed goes on', async () => {
      const node = await start({ secret, client: { expiredSubCloseDelayMs: 100 } })
      const client = await enter(node, { sub: 'ana' })
      const [short, renewed, long] = [fresh('$room'), fresh('$room'), fresh('$members')]
      await subscribe(client, renewed, { expire_at: inMs(200) })
      await subscribe(client, short, { expire_at: inMs(250) })
      await subscribe(client, long, { expire_at: inMs(400) })
      const token = await tokenOf({ sub: 'ana', channel: renewed, info: 'new' })
      expect((await client.call('sub_refresh', { channel: renewed, token }))['sub_refresh']).toEqual({})
      expect((await ended(client, short))['unsubscribe']).toEqual({
        code: 2501,
        reason: 'subscription expired',
      })
      await ended(client, long)
      expect(client.pushes(renewed)).toEqual([])
      const { presence } = await client.call('presence', { channel: renewed })
      expect(Object.values(presence.presence as object)).toMatchObject([{ chan_info: 'new' }])
      await client.call('subscribe', { channel: short, token: await tokenOf({ sub: 'ana', channel: short }) })
    })

    it('[9.14] refreshed tells how long the new one lasts, and ends with it', async () => {
      const node = await start({ secret, client: { expiredSubCloseDelayMs: 0 } })
      const client = await enter(node, { sub: 'ana' })
      const channel = fresh('$room')
      await subscribe(client, channel, {})
      const token = await tokenOf({ sub: 'ana', channel, expire_at: inMs(150) })
      expect((await client.call('sub_refresh', { channel, token }))['sub_refresh']).toEqual({
        expires: true,
        ttl: 1,
      })
      expect((await ended(client, channel))['unsubscribe'].code).toBe(2501)
    })

    it('[9.14] sub_refresh is 103 where nothing is subscribed, 107 without a token, 110 with one that has ended, 3500 with one that isn’t ours', async () => {
      const client = await enter(await start({ secret }), { sub: 'ana' })
      const channel = fresh('$room')
      const token = await tokenOf({ sub: 'ana', channel })
      expect(code(await client.call('sub_refresh', { channel, token }))).toBe(103)
      await subscribe(client, channel, {})
      expect(code(await client.call('sub_refresh', { channel }))).toBe(107)
      for (const end of [{ exp: inMs(-5_000) }, { expire_at: inMs(-5_000) }]) {
        const over = await tokenOf({ sub: 'ana', channel, ...end })
        expect(code(await client.call('sub_refresh', { channel, token: over }))).toBe(110)
      }
      expect(await client.call('sub_refresh', { channel, token })).toHaveProperty('sub_refresh')
      client.start('sub_refresh', { channel, token: `${token}x` })
      expect(await client.close()).toMatchObject(Disconnects.invalidToken)
    })

    it('[9.14] sub_refresh waits for the subscribe that is under way', async () => {
      const client = await enter(await start({ secret }), { sub: 'ana' })
      const channel = fresh('$room')
      const token = await tokenOf({ sub: 'ana', channel })
      client.send({ id: 8, subscribe: { channel, token } }, { id: 9, sub_refresh: { channel, token } })
      expect(await client.reply(9)).toEqual({ id: 9, sub_refresh: {} })
    })

    it('[9.14] of a subscription that an app keeps refreshes nothing: 108', async () => {
      const app = new FakeApp({ 'subscribe room': () => ({ expiresAtMs: Date.now() + 60_000 }) })
      const client = await enter(await start({ secret, hooks: app }), { sub: 'ana' })
      const channel = fresh('room')
      expect((await client.call('subscribe', { channel }))['subscribe']).not.toHaveProperty('expires')
      const token = await tokenOf({ sub: 'ana', channel })
      expect(code(await client.call('sub_refresh', { channel, token }))).toBe(108)
    })
  })

  it('[12.8] [12.9] may still be refreshed for a while after its end', async () => {
    const node = await start({ secret, client: { expiredCloseDelayMs: 0, expiredSubCloseDelayMs: 25_000 } })
    const [client, other] = [
      await enter(node, { sub: 'ana' }),
      await enter(node, { sub: 'ana', expire_at: inMs(250) }),
    ]
    const channel = fresh('$room')
    await subscribe(client, channel, { expire_at: inMs(100) })
    await other.close() // so its end has come
    expect(client.pushes(channel)).toEqual([])
    const token = await tokenOf({ sub: 'ana', channel })
    expect(await client.call('sub_refresh', { channel, token })).toHaveProperty('sub_refresh')
    const patient = await start({
      secret,
      client: { expiredCloseDelayMs: 25_000, expiredSubCloseDelayMs: 0 },
    })
    const late = await enter(patient, { sub: 'ana', expire_at: inMs(100) })
    await subscribe(late, channel, { expire_at: inMs(250) })
    await ended(late, channel)
    expect(await late.call('refresh', { token: await tokenOf({ sub: 'ana' }) })).toHaveProperty('refresh')
  })

  it('[4.1] [12.2] that isn’t ours is told to who runs the gateway, with why and nothing of it', async () => {
    const node = await start({ secret })
    const told: unknown[] = []
    node.gateway.events.on('token:invalid', (event) => told.push(event))
    const forged = await open(node)
    forged.start('connect', { token: `${await tokenOf({ sub: 'ana' })}x` })
    await forged.close()
    const client = await enter(node, { sub: 'ana' })
    await client.call('subscribe', { channel: '$room:a', token: await tokenOf({ sub: 'ana' }) })
    expect(told).toEqual([
      { kind: 'connection', reason: 'signature' },
      { kind: 'subscription', reason: 'claim-channel' },
    ])
  })

  it('[12.10] is judged also where everything is allowed, and ends nothing there', async () => {
    const node = await start({ secret, client: { insecure: true, expiredCloseDelayMs: 0 } })
    const client = await opening(node, { sub: 'ana', expire_at: inMs(60_000) })
    expect((await client.reply(1))['connect']).not.toHaveProperty('expires')
    const forged = await open(node)
    forged.start('connect', { token: `${await tokenOf({ sub: 'ana' })}x` })
    expect((await forged.close()).code).toBe(3500)
  })

  it('[12.2] what a token allows is nobody’s who has gone meanwhile', async () => {
    const [asked, verdict] = [held<void>(), held<TokenVerdict<SubscriptionClaims>>()]
    const verifier: TokenVerifier = {
      ...createTokenVerifier({ connection: { hmacSecret: secret }, clock: systemClock }),
      verifySubscription: () => {
        asked.give()
        return verdict.answer
      },
    }
    const node = await start({ verifier })
    const client = await enter(node, { sub: 'ana' })
    const channel = fresh('$room')
    client.start('subscribe', { channel, token: 't' })
    await asked.answer
    expect(node.gateway.hub.subscriberCount(channel)).toBe(1)
    const closed = new Promise((resolve) => node.gateway.events.on('connection:close', resolve))
    client.end()
    await closed
    verdict.give({ outcome: 'valid', claims: { user: 'ana', channel } })
    await verdict.answer
    expect(node.gateway.hub.subscriberCount(channel)).toBe(0)
    expect(node.gateway.channels.find(channel)).toBeUndefined()
  })
})
