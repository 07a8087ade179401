import { has, holds, same } from '../same.js'
import type { Law } from '../world.js'

const seconds = (count: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, count * 1_000))

export const staying: readonly Law[] = [
  {
    title: '[5.1] [5.2] pings come as often as announced, and the pongs arrive: a quiet connection stays',
    isSlow: true,
    inBrowser: true,
    async run(world) {
      // The SDK gives up a second after a ping is late; the gateway, 3.8 s after one was not answered.
      const client = world.client({ maxServerPingDelay: 1_000 })
      await client.connect()
      await seconds(8.5) // the SDK tells nobody of a ping: that nothing happens is the law
      same([client.connecting.entries.length, client.disconnected.entries.length], [1, 0])
      const watched = await client.subscribe(world.channel('live'))
      await watched.publish('here')
      same(await watched.data(1), ['here'])
    },
  },
  {
    title: '[21.3] a network that swallows everything is left with code 2, and the SDK resumes elsewhere',
    isSlow: true,
    async run(world) {
      const client = world.client({ maxServerPingDelay: 100 })
      await client.connect()
      const channel = world.channel('room')
      const watched = await client.subscribe(channel)
      await world.server.pause()
      await world.server.publish(channel, 'meanwhile')
      has(await client.connecting.at(1, 10_000), { code: 2, reason: 'no ping' })
      await world.server.resume()
      has(await watched.subscribed.at(1, 10_000), { wasRecovering: true, recovered: true })
      same(await watched.data(1), ['meanwhile'])
    },
  },
  {
    title: '[6.2] a reconnect code of the server brings the client back, with the code for all to see',
    inBrowser: true,
    async run(world) {
      const user = world.user()
      const client = world.client({ token: await world.server.token({ sub: user }) })
      await client.connect()
      await world.server.disconnect(user, 3011, 'force reconnect')
      has(await client.connecting.at(1), { code: 3011, reason: 'force reconnect' })
      await client.connected.at(1)
      await world.server.disconnect(user, 4001, 'by the app')
      has(await client.connecting.at(2), { code: 4001, reason: 'by the app' })
      await client.connected.at(2)
    },
  },
  {
    title: '[6.2] a terminal code of the server keeps the client away: codes 3500 to 3999 and 4500 to 4999',
    inBrowser: true,
    async run(world) {
      for (const [code, reason] of [
        [3503, 'force disconnect'],
        [4500, 'banned'],
      ] as const) {
        const user = world.user()
        const client = world.client({ token: await world.server.token({ sub: user }) })
        await client.connect()
        await world.server.disconnect(user, code, reason)
        has(await client.disconnected.at(0), { code, reason })
        same(client.connecting.entries.length, 1)
      }
    },
  },
  {
    title: '[6.2] state invalidated (3014): the SDK comes back with no position that could be recovered',
    async run(world) {
      const user = world.user()
      const client = world.client({ getToken: () => world.server.token({ sub: user }) })
      await client.connect()
      const channel = world.channel('room')
      const watched = await client.subscribe(channel)
      await watched.publish(1)
      await watched.data(1)
      await world.server.disconnect(user, 3014, 'state invalidated')
      has(await watched.subscribed.at(1), { wasRecovering: true, recovered: false }) // it asks for an epoch that nobody has
      same(await watched.data(1), [1])
    },
  },
  {
    title:
      "[6.2] a connection that breaks is made again, also when the gateways can't be reached for a while",
    async run(world) {
      const client = world.client()
      await client.connect()
      await world.server.refuse(true)
      await world.server.cut()
      has(await client.connecting.at(1), { code: 1, reason: 'transport closed' })
      await client.errors.first(({ type }) => type === 'transport')
      await world.server.refuse(false)
      await client.connected.at(1)
      holds(client.disconnected.entries.length === 0, 'it never gave up')
    },
  },
]
