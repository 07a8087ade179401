/** Who may not come in any more: what it means on the wire, on the gateway that was asked and on another one. */
import { describe, expect, it } from '@jest/globals'
import { Disconnects, Unsubscribes } from '@natter/protocol'
import { dialects } from './dialect.js'
import { FakeApp, held } from './fake-app.js'
import type { Incoming, NodeOverrides, RawClient, TestNode } from './harness.js'
import { secret, tokenOf, wireBench } from './wire-bench.js'

const seconds = (ms: number): number => Math.floor(ms / 1_000)
const code = (reply: Incoming): unknown => reply['error']?.code
const inAnHour = () => ({ expiresAtMs: Date.now() + 3_600_000 })

let names = 0
/** Revocations of one test stay for the next. */
const fresh = (name: string): string => `${name}${(names += 1)}`

describe.each(dialects)('revocation, for clients that speak $name', (dialect) => {
  const bench = wireBench(dialect)

  const pair = async (overrides: NodeOverrides = {}): Promise<[TestNode, TestNode]> => [
    await bench.start({ secret, ...overrides }),
    await bench.start({ secret, ...overrides }),
  ]
  const opening = async (node: TestNode, claims: object): Promise<RawClient> => {
    const client = await bench.open(node)
    client.start('connect', { token: await tokenOf({ ...claims }) })
    return client
  }
  const enter = async (node: TestNode, claims: object): Promise<RawClient> => {
    const client = await opening(node, claims)
    expect(await client.reply(1)).toHaveProperty('connect')
    return client
  }
  const subscribe = async (client: RawClient, channel: string, claims: object): Promise<Incoming> =>
    client.call('subscribe', { channel, token: await tokenOf({ channel, ...claims }) })
  const ending = (client: RawClient, channel: string): Promise<Incoming> =>
    client.until(() => client.pushes(channel).find((push) => 'unsubscribe' in push), 'the end')

  describe('[19.2] a user that is blocked', () => {
    it('is sent away for good, on every gateway, whoever let it in; and nobody else is', async () => {
      const app = new FakeApp({ connect: ({ token = '' }) => ({ user: token }) })
      const [user, other] = [fresh('ana'), fresh('bo')]
      const [one, two] = await pair()
      const byApp = await bench.start({ hooks: app })
      const clients = [await enter(one, { sub: user }), await enter(two, { sub: user })]
      const asApp = await bench.connect(byApp, { token: user })
      const bystander = await enter(two, { sub: other })
      await (await bench.api()).blockUser(user, inAnHour())
      for (const client of [...clients, asApp])
        expect(await client.close()).toEqual(Disconnects.permissionDenied)
      expect(await bystander.call('presence', { channel: 'room:a' })).toHaveProperty('presence')
    })

    it('doesn’t come in, until it is unblocked; and may be blocked again', async () => {
      const user = fresh('ana')
      const [one, two] = await pair()
      const api = await bench.api()
      for (let round = 0; round < 2; round += 1) {
        await api.blockUser(user)
        for (const node of [one, two])
          expect(await (await opening(node, { sub: user })).close()).toEqual(Disconnects.permissionDenied)
        await api.unblockUser(user)
        await eventuallyIn(two, { sub: user })
      }
    })

    it('is kept out by a gateway that starts later, from its first client on', async () => {
      const user = fresh('ana')
      await bench.start({ secret })
      await (await bench.api()).blockUser(user, inAnHour())
      const late = await bench.start({ secret })
      expect(await (await opening(late, { sub: user })).close()).toEqual(Disconnects.permissionDenied)
    })

    it('[19.6] may come in when that has ended', async () => {
      const user = fresh('ana')
      const node = await bench.start({ secret })
      await (await bench.api()).blockUser(user, { expiresAtMs: Date.now() + 1_500 })
      expect((await (await opening(node, { sub: user })).close()).code).toBe(3507)
      await eventuallyIn(node, { sub: user })
    })

    it('is not let in by what began before: an app that thought about it meanwhile', async () => {
      const user = fresh('ana')
      const answer = held<{ user: string }>()
      const node = await bench.start({ hooks: new FakeApp({ connect: () => answer.answer }) })
      const client = await bench.open(node)
      client.start('connect', {})
      const api = await bench.api()
      await api.blockUser(user)
      await known(node, user)
      answer.give({ user })
      expect(await client.close()).toEqual(Disconnects.permissionDenied)
      expect(client.received).toEqual([])
      expect(node.gateway.hub.connectionCount).toBe(0)
    })

    it('isn’t kept in by a refresh', async () => {
      const user = fresh('ana')
      const node = await bench.start({ secret })
      const claims = { sub: user, exp: seconds(Date.now()) + 600 }
      const client = await enter(node, claims)
      await (await bench.api()).blockUser(user)
      client.start('refresh', { token: await tokenOf(claims) })
      expect((await client.close()).code).toBe(3507)
    })
  })

  describe('[19.3] a token that is revoked', () => {
    it('ends the connections that it let in with 3005, and lets in nobody: 109, so that the client fetches another', async () => {
      const [id, user] = [fresh('token'), fresh('ana')]
      const [one, two] = await pair()
      const mine = await enter(two, { sub: user, jti: id })
      const others = [await enter(two, { sub: user, jti: fresh('token') }), await enter(two, { sub: user })]
      await (await bench.api()).revokeToken(id, inAnHour())
      expect(await mine.close()).toEqual(Disconnects.connectionExpired)
      for (const node of [one, two])
        expect(code(await (await opening(node, { sub: user, jti: id })).reply(1))).toBe(109)
      for (const client of others)
        expect(await client.call('presence', { channel: 'room:a' })).toHaveProperty('presence')
    })

    it('as a new one for a connection ends it with 3005, like one that has expired', async () => {
      const [id, user] = [fresh('token'), fresh('ana')]
      const node = await bench.start({ secret })
      await (await bench.api()).revokeToken(id)
      const client = await enter(node, { sub: user })
      client.start('refresh', { token: await tokenOf({ sub: user, jti: id }) })
      expect((await client.close()).code).toBe(3005)
    })

    it('is found under the name that the last refresh gave, and no more under the one before: the new token let it stay', async () => {
      const [before, id, user] = [fresh('token'), fresh('token'), fresh('ana')]
      const node = await bench.start({ secret })
      const client = await enter(node, { sub: user, jti: before })
      const token = await tokenOf({ sub: user, jti: id })
      expect(await client.call('refresh', { token })).toHaveProperty('refresh')
      const api = await bench.api()
      await api.revokeToken(before)
      await client.call('presence', { channel: 'room:a' })
      expect(client.closed).toBeUndefined()
      await api.revokeToken(id)
      expect(await client.close()).toEqual(Disconnects.connectionExpired)
    })

    it('[19.4] of a subscription ends that with 2501, and is 109 for the next: the connection stays', async () => {
      const [id, user, channel] = [fresh('token'), fresh('ana'), fresh('$closed:a')]
      const [, node] = await pair()
      const client = await enter(node, { sub: user })
      expect(await subscribe(client, channel, { sub: user, jti: id })).toHaveProperty('subscribe')
      const kept = fresh('$closed:b')
      await subscribe(client, kept, { sub: user, jti: fresh('token') })
      await (await bench.api()).revokeToken(id)
      expect((await ending(client, channel))['unsubscribe']).toEqual(Unsubscribes.subscriptionExpired)
      expect(code(await subscribe(client, channel, { sub: user, jti: id }))).toBe(109)
      expect(await subscribe(client, channel, { sub: user, jti: fresh('token') })).toHaveProperty('subscribe')
      expect(client.pushes(kept)).toEqual([])
      const refreshed = await client.call('sub_refresh', {
        channel: kept,
        token: await tokenOf({ sub: user, channel: kept, jti: id }),
      })
      expect(code(refreshed)).toBe(110)
    })

    it('[19.4] of a subscription that is on its way in ends it: 109', async () => {
      const [id, user, channel] = [fresh('token'), fresh('ana'), fresh('$closed:a')]
      const node = await bench.start({ secret, hooks: new FakeApp({}, ['unsubscribe closed']) })
      const client = await enter(node, { sub: user })
      const written = held<number>()
      const { append } = node.broker.journal
      const writing = new Promise<void>((resolve) => {
        node.broker.journal.append = () => (resolve(), written.answer)
      })
      client.start('subscribe', { channel, token: await tokenOf({ channel, sub: user, jti: id }) })
      await writing // let in, and not told yet
      await (await bench.api()).revokeToken(id)
      expect(code(await client.reply(2))).toBe(109)
      node.broker.journal.append = append
      written.give(1)
      const again = { channel, token: await tokenOf({ channel, sub: user }) }
      expect(await client.call('subscribe', again)).toHaveProperty('subscribe')
      expect(client.received.filter((reply) => reply['id'] === 2)).toHaveLength(1)
    })

    it('[19.4] is found under the name that the last refresh gave', async () => {
      const [id, user, channel] = [fresh('token'), fresh('ana'), fresh('$closed:a')]
      const node = await bench.start({ secret })
      const client = await enter(node, { sub: user })
      await subscribe(client, channel, { sub: user, jti: fresh('token') })
      const token = await tokenOf({ sub: user, channel, jti: id })
      expect(await client.call('sub_refresh', { channel, token })).toHaveProperty('sub_refresh')
      await (await bench.api()).revokeToken(id)
      expect((await ending(client, channel))['unsubscribe'].code).toBe(2501)
    })
  })

  describe('[19.5] the tokens of a user that were issued before a moment', () => {
    it('count no more, of connections and of subscriptions; the moment itself is good, and no moment is too old', async () => {
      const user = fresh('ana')
      const now = seconds(Date.now())
      const [one, two] = await pair()
      const clients = {
        old: await enter(two, { sub: user, iat: now - 100 }),
        undated: await enter(two, { sub: user }),
        exact: await enter(two, { sub: user, iat: now - 50 }),
        other: await enter(two, { sub: fresh('bo'), iat: now - 100 }),
      }
      const channel = fresh('$closed:a')
      await subscribe(clients.exact, channel, { sub: user, iat: now - 51 })
      await (await bench.api()).invalidateUserTokens(user, { issuedBeforeMs: (now - 50) * 1_000 })
      expect(await clients.old.close()).toEqual(Disconnects.connectionExpired)
      expect(await clients.undated.close()).toEqual(Disconnects.connectionExpired)
      expect((await ending(clients.exact, channel))['unsubscribe'].code).toBe(2501)
      for (const client of [clients.exact, clients.other])
        expect(await client.call('presence', { channel: 'room:a' })).toHaveProperty('presence')
      expect(code(await (await opening(one, { sub: user, iat: now - 51 })).reply(1))).toBe(109)
      await enter(one, { sub: user, iat: now - 50 })
    })

    it('without a moment it is now; an earlier one said later takes nothing back', async () => {
      const user = fresh('ana')
      const node = await bench.start({ secret })
      const client = await enter(node, { sub: user, iat: seconds(Date.now()) - 10 })
      const api = await bench.api()
      await api.invalidateUserTokens(user, inAnHour())
      expect((await client.close()).code).toBe(3005)
      await api.invalidateUserTokens(user, { issuedBeforeMs: 1_000 })
      await api.blockUser(fresh('last'))
      await known(node, `last${names}`) // and so all before it
      expect(code(await (await opening(node, { sub: user, iat: seconds(Date.now()) - 10 })).reply(1))).toBe(
        109,
      )
    })
  })

  describe('[19.1] what makes no sense is refused', () => {
    it.each([
      ['nobody', { kind: 'block', user: '' }],
      ['no text', { kind: 'block', user: 7 }],
      ['a name that is too long', { kind: 'revoke', tokenId: 'x'.repeat(513) }],
      ['an end that has passed', { kind: 'revoke', tokenId: 'x', expiresAtMs: 1_000 }],
      ['an end that is no number', { kind: 'block', user: 'x', expiresAtMs: 'soon' }],
      ['a moment that is no number', { kind: 'invalidate', user: 'x', issuedBeforeMs: 'soon' }],
    ])('%s', async (_what, request) => {
      await bench.start({ secret })
      await expect((await bench.api()).request(request as never)).rejects.toMatchObject({
        code: 'bad-request',
      })
    })
  })

  /** Resolves when the node lets it in. */
  async function eventuallyIn(node: TestNode, claims: object): Promise<void> {
    for (;;) {
      const client = await opening(node, claims)
      const said = await client.until(() => client.closed ?? client.received[0], 'a word')
      if ('connect' in said) return
      await new Promise(setImmediate)
    }
  }

  /** Resolves when the node knows of it. */
  async function known(node: TestNode, name: string): Promise<void> {
    while (!node.gateway.revocations.held.has('block', name)) await new Promise(setImmediate)
  }
})
