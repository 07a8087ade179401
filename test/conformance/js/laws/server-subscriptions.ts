import { codeOf, has, same } from '../same.js'
import type { Law } from '../world.js'

export const serverSubscriptions: readonly Law[] = [
  {
    title: '[11.1] a user has a channel of their own by connecting, and hears what is published there',
    inBrowser: true,
    async run(world) {
      const user = world.user()
      const client = world.client({ token: await world.server.token({ sub: user }) })
      await client.connect()
      const channel = `personal:#${user}`
      has(await client.subscribed.at(0), {
        channel,
        recoverable: true,
        positioned: true,
        wasRecovering: false,
      })
      await world.server.publish(channel, { for: user })
      has(await client.publications.at(0), { channel, data: { for: user } })
      const own = client.watch(channel)
      own.sdk.subscribe()
      has(await own.unsubscribed.at(0), { code: 105 })
    },
  },
  {
    title: '[11.3] what a server-side subscription missed comes with the next connect, once, in order',
    inBrowser: true,
    async run(world) {
      const user = world.user()
      const client = world.client({ token: await world.server.token({ sub: user }) })
      await client.connect()
      const channel = `personal:#${user}`
      await world.server.publish(channel, 0)
      await client.publications.at(0)
      await world.server.refuse(true)
      await world.server.cut()
      await client.connecting.at(1)
      for (const n of [1, 2]) await world.server.publish(channel, n)
      await world.server.refuse(false)
      has(await client.subscribed.at(1), { channel, wasRecovering: true, recovered: true })
      await world.server.publish(channel, 3)
      const came = await client.publications.atLeast(4)
      same(
        came.map(({ data }) => data),
        [0, 1, 2, 3],
      )
    },
  },
  {
    title:
      '[10.2] the server subscribes a live connection, and unsubscribes it; it may then subscribe by itself',
    async run(world) {
      const user = world.user()
      const client = world.client({ token: await world.server.token({ sub: user }) })
      await client.connect()
      const channel = world.channel('room')
      await world.server.subscribe(user, channel)
      has(await client.subscribed.first((one) => one.channel === channel), { channel, recoverable: true })
      await world.server.publish(channel, 'pushed')
      has(await client.publications.first((one) => one.channel === channel), { data: 'pushed' })
      await world.server.unsubscribe(user, channel, 2000, 'enough')
      same(await client.unsubscribed.at(0), channel)
      await client.subscribe(channel)
    },
  },
  {
    title: '[13.3] nobody else may have that channel: 103',
    async run(world) {
      const [user, other] = [world.user(), world.user()]
      const client = world.client({ token: await world.server.token({ sub: other }) })
      await client.connect()
      const watched = client.watch(`personal:#${user}`)
      watched.sdk.subscribe()
      has(await watched.unsubscribed.at(0), { code: 103 })
      same(await codeOf(client.publish('nowhere:x', 1)), 102)
    },
  },
]
