import { describe, expect, it } from '@jest/globals'
import type { ConnectDecision } from '@natter/hooks'
import { Disconnects } from '@natter/protocol'
import { connectSdk, seededRandom } from '@natter/testing'
import type { PublicationContext, ServerSubscribedContext } from 'centrifuge'
import { serverSubscribe, serverUnsubscribe } from '../src/connection/server-subscribe.js'
import { memoryBench } from './bench.js'
import { dialects } from './dialect.js'
import { FakeApp, held } from './fake-app.js'
import { RawClient, type Incoming, type NodeOverrides, type TestNode } from './harness.js'

describe.each(dialects)(
  '[11] subscriptions that the server makes, for clients that speak $name',
  (dialect) => {
    const bench = memoryBench(dialect)
    const { start } = bench

    /** A node whose app lets everybody in, with these. */
    const startWith = (
      decision: Partial<ConnectDecision>,
      overrides: NodeOverrides = {},
    ): Promise<TestNode> =>
      start({ hooks: new FakeApp({ connect: () => ({ user: 'ana', ...decision }) }), ...overrides })

    const open = (node: TestNode): Promise<RawClient> => bench.keep(RawClient.open(node.url, { dialect }))

    const connect = async (node: TestNode, request: object = {}): Promise<[RawClient, Incoming]> => {
      const client = await open(node)
      return [client, await client.call('connect', request)]
    }

    const publish = async (client: RawClient, channel: string, from: number, to: number): Promise<void> => {
      for (let n = from; n < to; n += 1) await client.call('publish', { channel, data: n })
    }

    const only = (node: TestNode) => {
      const [connection] = node.gateway.hub.connections()
      if (connection === undefined) throw new Error('nobody is connected')
      return connection
    }

    const data = (publications: readonly Incoming[] | undefined): unknown[] =>
      (publications ?? []).map((one) => one['data'] as unknown)

    it('come with the connect reply, and their publications after it, kept or not', async () => {
      const node = await startWith({
        subscriptions: {
          'room:a': { dataJson: '{"hello":1}' },
          plain: {},
          'joins:a': { infoJson: '"chan"' },
        },
      })
      const [client, { connect: reply }] = await connect(node)
      expect(reply.subs).toEqual({
        'room:a': {
          recoverable: true,
          positioned: true,
          epoch: expect.any(String),
          data: { hello: 1 },
        },
        plain: {},
        'joins:a': {},
      })
      await publish(client, 'room:a', 0, 2)
      await publish(client, 'plain', 0, 2)
      await client.until(() => client.publications('plain').length === 2, 'all')
      expect(data(client.publications('room:a'))).toEqual([0, 1])
      const joined = await client.until(
        () => client.pushes('joins:a').find((push) => 'join' in push),
        'my own join',
      )
      expect(joined['join'].info).toMatchObject({ user: 'ana', chan_info: 'chan' })
      expect((await client.call('presence', { channel: 'room:a' }))['presence'].presence).not.toEqual({})
    })

    it('[11.5] can’t be subscribed to a second time by the client: 105', async () => {
      const [client] = await connect(await startWith({ subscriptions: { 'room:a': {} } }))
      expect((await client.call('subscribe', { channel: 'room:a' }))['error'].code).toBe(105)
    })

    it('permit what subscribers may, also in the message that connects', async () => {
      const node = await startWith({ subscriptions: { 'members:a': {} } })
      const client = await open(node)
      client.send({ id: 1, connect: {} }, { id: 2, publish: { channel: 'members:a', data: 1 } })
      expect(await client.reply(2)).toEqual({ id: 2, publish: {} })
    })

    it('[11.1] are there for each user, as a channel of their own, where the configuration says so', async () => {
      const personalChannel = { namespace: 'room' }
      const node = await startWith({}, { client: { personalChannel } })
      const [, { connect: reply }] = await connect(node)
      expect(Object.keys(reply.subs)).toEqual(['room:#ana'])
      const nobody = await start({ client: { personalChannel } })
      const [, { connect: anonymous }] = await connect(nobody)
      expect(anonymous.subs).toBeUndefined()
    })

    it('[11.3] recover by position in the connect reply, on another gateway too', async () => {
      const decision = { subscriptions: { 'room:a': {}, 'capped:a': {} } }
      const [one, two] = [await startWith(decision), await startWith(decision)]
      const [writer, { connect: first }] = await connect(one)
      const [, { connect: reply }] = await connect(two)
      expect(first.subs['room:a'].epoch).toBe(reply.subs['room:a'].epoch)
      await publish(writer, 'room:a', 0, 3)
      await publish(writer, 'capped:a', 0, 9)
      const { epoch } = reply.subs['room:a']
      const subs = {
        'room:a': { recover: true, epoch, offset: 0 },
        'capped:a': { recover: true, epoch, offset: 0 },
        'deep:gone': { recover: true, epoch: 'other', offset: 5 },
      }
      const [, { connect: again }] = await connect(two, { subs })
      expect(again.subs['room:a']).toMatchObject({ was_recovering: true, recovered: true })
      expect(data(again.subs['room:a'].publications)).toEqual([0, 1, 2])
      expect(again.subs['capped:a']).toMatchObject({ was_recovering: true })
      expect(again.subs['capped:a'].recovered).toBeUndefined()
      expect(again.subs['deep:gone'].recovered).toBeUndefined()
    })

    it('[11.2] that a client asks for are those it could subscribe to itself, without a token or an app', async () => {
      const app = new FakeApp({ 'subscribe capped': () => ({}) })
      const node = await start({ hooks: app })
      const subs = { 'room:a': {}, 'closed:a': {}, '$room:a': {}, 'capped:a': {} }
      const [, { connect: reply }] = await connect(node, { subs })
      expect(Object.keys(reply.subs)).toEqual(['room:a'])
      expect(app.asked).toEqual([])
      const stranger = await open(node)
      stranger.start('connect', { subs: { 'nowhere:a': {} } })
      expect((await stranger.close()).code).toBe(Disconnects.badRequest.code)
    })

    it('[11.2] are at most as many as a connection may have: else 3505', async () => {
      const subscriptions = { 'room:a': {}, 'room:b': {}, 'room:c': {} }
      const node = await startWith({ subscriptions }, { client: { maxChannels: 2 } })
      const client = await open(node)
      client.start('connect', {})
      expect((await client.close()).code).toBe(Disconnects.channelLimit.code)
      expect(node.gateway.hub.subscriptionCount).toBe(0)
    })

    it('to what can’t be a channel are a bug of the app: the client may try again, and nothing is left behind', async () => {
      for (const channel of ['', 'nowhere:a', 'é']) {
        const node = await startWith({ subscriptions: { 'room:a': {}, [channel]: {} } })
        const [, { error }] = await connect(node)
        expect(error).toMatchObject({ code: 100, temporary: true })
        expect([node.gateway.hub.subscriptionCount, node.gateway.hub.connectionCount]).toEqual([0, 0])
      }
    })

    it('[11.4] end with their connection when they expire: 3006', async () => {
      const expiresAtMs = Date.now() + 50
      const [client] = await connect(await startWith({ subscriptions: { 'room:a': { expiresAtMs } } }))
      expect((await client.close()).code).toBe(Disconnects.subscriptionExpired.code)
    })

    it('[11.4] end with their connection when the channel breaks: 3010, and it recovers by coming back', async () => {
      const node = await startWith({ subscriptions: { 'room:a': {} } })
      const [client] = await connect(node)
      node.gateway.broken('room:a')
      expect((await client.close()).code).toBe(Disconnects.insufficientState.code)
    })

    it('[10.2] are added to a live connection by a push, before anything of the channel', async () => {
      const node = await start()
      const [client] = await connect(node)
      const { services } = node.gateway
      const options = { dataJson: '[1]' }
      expect(await serverSubscribe(services, only(node), 'closed:a', options)).toBe('subscribed')
      expect(await serverSubscribe(services, only(node), 'room:a')).toBe('subscribed')
      expect(await serverSubscribe(services, only(node), 'room:a')).toBe('already')
      await publish(client, 'room:a', 0, 2)
      await client.until(() => client.publications('room:a').length === 2, 'both')
      const [subscribed, ...rest] = client.pushes('room:a')
      expect(subscribed?.['subscribe']).toMatchObject({ recoverable: true, positioned: true })
      expect(data(rest.map((push) => push['pub']))).toEqual([0, 1])
      expect(client.pushes('closed:a')).toEqual([{ channel: 'closed:a', subscribe: { data: [1] } }])
    })

    it('[10.2] are ended by a push, after which nothing of the channel comes; those of clients too', async () => {
      const node = await startWith({ subscriptions: { 'room:a': {} } })
      const [client] = await connect(node)
      await client.call('subscribe', { channel: 'room:b' })
      const { services } = node.gateway
      const why = { code: 2000, reason: 'go' }
      for (const channel of ['room:a', 'room:b']) {
        expect(serverUnsubscribe(services, only(node), channel, why)).toBe(true)
        await publish(client, channel, 0, 1)
        expect(client.pushes(channel)).toEqual([{ channel, unsubscribe: why }])
      }
      expect(serverUnsubscribe(services, only(node), 'room:a', why)).toBe(false)
    })

    it('a subscribe that waits is answered when the server ends it', async () => {
      const app = new FakeApp({ 'subscribe room': () => new Promise(() => {}) })
      const node = await start({ hooks: app })
      const [client] = await connect(node)
      const id = client.start('subscribe', { channel: 'room:a' })
      await client.call('presence', { channel: 'plain' }) // so the subscribe is being asked
      serverUnsubscribe(node.gateway.services, only(node), 'room:a', { code: 2000, reason: '' })
      expect((await client.reply(id))['error'].code).toBe(103)
      expect(node.gateway.hub.subscriptionCount).toBe(0)
    })

    it('are shown by the official SDK, which comes back to them where it left, after a cut', async () => {
      const decision = { subscriptions: { 'room:a': { dataJson: '"welcome"' } } }
      const [node, other] = [await startWith(decision), await start()]
      const sdk = await connectSdk(node.url, { minReconnectDelay: 20, maxReconnectDelay: 100 })
      bench.atEnd(() => sdk.dispose())
      const seen: unknown[] = []
      const [writer] = await connect(other)
      const subscribed = (): Promise<ServerSubscribedContext> =>
        new Promise((resolve) => sdk.centrifuge.once('subscribed', resolve))
      let wake = (): void => {}
      sdk.centrifuge.on('publication', (one: PublicationContext) => {
        seen.push(one.data)
        wake()
      })
      const until = async (count: number): Promise<void> => {
        while (seen.length < count) await new Promise<void>((resolve) => (wake = resolve))
      }
      await publish(writer, 'room:a', 0, 2)
      await until(2)
      const again = subscribed()
      only(node).disconnect(Disconnects.forceReconnect)
      await publish(writer, 'room:a', 2, 5)
      expect(await again).toMatchObject({
        channel: 'room:a',
        wasRecovering: true,
        recovered: true,
        data: 'welcome',
      })
      await publish(writer, 'room:a', 5, 7)
      await until(7)
      expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6])
    })

    it('[11.3] G2: what is published while they connect is neither lost nor doubled, over a bad way to NATS', async () => {
      const { mesh } = bench
      for (let seed = 1; seed <= 12; seed += 1) {
        const random = seededRandom(seed)
        const channels = [`room:a${seed}`, `room:b${seed}`, `deep:a${seed}`]
        const node = await startWith({ subscriptions: Object.fromEntries(channels.map((one) => [one, {}])) })
        const [writer] = await connect(node)
        for (const channel of channels) await publish(writer, channel, 0, Math.floor(random() * 150))
        mesh.fault = ({ stored }) => {
          if (stored === undefined || random() < 0.6) return undefined
          return random() < 0.3 ? { copies: Math.floor(random() * 3) } : { delayMs: random() * 8 }
        }
        const { epoch } = (await writer.call('history', { channel: channels[0] }))['history']
        const readers: RawClient[] = []
        const writing = Promise.all(channels.map((channel) => publish(writer, channel, 1_000, 1_040)))
        for (let n = 0; n < 6; n += 1) {
          const from = Object.fromEntries(
            channels.map((channel) => [channel, random() < 0.3 ? undefined : Math.floor(random() * 80)]),
          )
          const asked = Object.entries(from).flatMap(([channel, offset]) =>
            offset === undefined ? [] : [[channel, { recover: true, epoch, offset }]],
          )
          const client = await open(node)
          client.start('connect', { subs: Object.fromEntries(asked) })
          readers.push(client)
          await new Promise((resolve) => setImmediate(resolve))
        }
        await writing
        mesh.fault = () => undefined
        for (const channel of channels) {
          await writer.call('publish', { channel, data: 'last' })
          const { history } = await writer.call('history', { channel, limit: -1 })
          const log = history.publications as Incoming[]
          for (const client of readers) {
            const { subs } = (await client.reply(1))['connect']
            const reply = subs[channel] as Incoming
            const got = (): Incoming[] => [...(reply['publications'] ?? []), ...client.publications(channel)]
            await client.until(() => got().some((one) => one['data'] === 'last'), `the last of ${channel}`)
            const from = (reply['offset'] as number | undefined) ?? 0
            const expected = log.filter((one) => (one['offset'] as number) > from)
            expect(got().map((one) => one['offset'])).toEqual(expected.map((one) => one['offset']))
          }
        }
        await node.stop()
        bench.nodes.length = 0
      }
    }, 60_000)

    it('[11.3] what one channel brings while another is still being read comes once, after the reply (V1)', async () => {
      const decision = { subscriptions: { 'room:a': {}, 'room:b': {} } }
      const hooks = new FakeApp({ connect: () => ({ user: 'ana', ...decision }) })
      const [one, two] = [await start({ hooks }), await start({ hooks })]
      const [writer, { connect: first }] = await connect(one)
      await publish(writer, 'room:a', 0, 3) // the second gateway has to read it from the log
      const [witness] = await connect(two)
      const { log } = two.broker
      const read = log.read.bind(log)
      const [called, gate] = [held<void>(), held<void>()]
      log.read = async (...args: Parameters<typeof read>) => {
        called.give()
        await gate.answer
        return read(...args)
      }
      const client = await open(two)
      const { epoch } = first.subs['room:a']
      client.start('connect', { subs: { 'room:a': { recover: true, epoch, offset: 0 } } })
      await called.answer
      await publish(writer, 'room:b', 0, 2)
      await witness.until(() => witness.publications('room:b').length === 2, 'both at another client')
      expect(client.received).toEqual([])
      gate.give()
      await client.reply(1)
      await publish(writer, 'room:b', 2, 3)
      await client.until(() => data(client.publications('room:b')).includes(2), 'the last')
      expect(data(client.publications('room:b'))).toEqual([0, 1, 2])
      expect(client.received[0]?.['id']).toBe(1)
    })

    it('[11.3] recover more than a send queue holds, over many channels, without being taken for slow (V4)', async () => {
      const channels = Array.from({ length: 120 }, (_, n) => `deep:${n}`)
      const subscriptions = Object.fromEntries(channels.map((channel) => [channel, {}]))
      const node = await startWith({ subscriptions })
      const [writer, { connect: first }] = await connect(node)
      const text = 'x'.repeat(4_000)
      for (const channel of channels) {
        await Promise.all(Array.from({ length: 14 }, () => writer.call('publish', { channel, data: text })))
      }
      const { epoch } = first.subs['deep:0']
      const subs = Object.fromEntries(
        channels.map((channel) => [channel, { recover: true, epoch, offset: 0 }]),
      )
      const client = await open(node)
      client.start('connect', { subs })
      client.socket.pause() // as a browser does that is busy: the gateway must not go on writing
      for (let turns = 0; turns < 200; turns += 1) await new Promise((resolve) => setImmediate(resolve))
      client.socket.resume()
      const { connect: reply } = await client.reply(1)
      await client.until(
        () =>
          client.closed !== undefined ||
          channels.every((channel) => {
            const inReply = (reply.subs[channel].publications ?? []).length
            return inReply + client.publications(channel).length === 14
          }),
        'all of all channels, or the close',
      )
      expect(client.closed).toBeUndefined()
    })

    it('[11.3] recover far more than one reply holds: the rest follows in pages, in order, then what is live', async () => {
      const subscriptions = { 'room:a': {}, 'deep:a': {} }
      const node = await startWith({ subscriptions })
      const [writer] = await connect(node)
      const text = 'x'.repeat(2_000)
      for (let n = 0; n < 400; n += 1) {
        await writer.call('publish', { channel: 'room:a', data: [n, text] })
        if (n < 200) await writer.call('publish', { channel: 'deep:a', data: [n, text] })
      }
      const { epoch } = (await writer.call('history', { channel: 'room:a' }))['history']
      const asked = { recover: true, epoch, offset: 0 }
      const [client, { connect: reply }] = await connect(node, { subs: { 'room:a': asked, 'deep:a': asked } })
      await publish(writer, 'room:a', 400, 403)
      for (const [channel, count] of [
        ['room:a', 403],
        ['deep:a', 200],
      ] as const) {
        expect(reply.subs[channel].recovered).toBe(true)
        const got = (): Incoming[] => [
          ...(reply.subs[channel].publications ?? []),
          ...client.publications(channel),
        ]
        await client.until(() => got().length >= count, `all of ${channel}`)
        const numbers = data(got()).map((one) => (Array.isArray(one) ? (one[0] as number) : one))
        expect(numbers).toEqual(Array.from({ length: count }, (_, n) => n))
      }
    })
  },
)
