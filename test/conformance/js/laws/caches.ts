import { has, same } from '../same.js'
import type { Law } from '../world.js'

export const caches: readonly Law[] = [
  {
    title: '[7.7] a cache recovers its newest publication alone, whatever was missed',
    inBrowser: true,
    async run(world) {
      const client = world.client()
      await client.connect()
      const channel = world.channel('cache')
      const watched = await client.subscribe(channel)
      await world.server.publish(channel, 1)
      await watched.data(1)
      await world.server.refuse(true)
      await world.server.cut()
      await client.connecting.at(1)
      for (const n of [2, 3, 4]) await world.server.publish(channel, n)
      await world.server.refuse(false)
      has(await watched.subscribed.at(1), { wasRecovering: true, recovered: true })
      await world.server.publish(channel, 5)
      same(await watched.data(3), [1, 4, 5])
    },
  },
  {
    title: '[7.7] who has the newest already is not given it again',
    async run(world) {
      const client = world.client()
      await client.connect()
      const channel = world.channel('cache')
      const watched = await client.subscribe(channel)
      await world.server.publish(channel, 1)
      await watched.data(1)
      await world.server.cut()
      has(await watched.subscribed.at(1), { wasRecovering: true, recovered: true })
      await world.server.publish(channel, 2)
      same(await watched.data(2), [1, 2])
    },
  },
  {
    title:
      '[7.8] with auto_cache_recover the first subscribe brings the newest, so a page has something to show',
    inBrowser: true,
    async run(world) {
      const client = world.client()
      await client.connect()
      const channel = world.channel('autocache')
      for (const n of [1, 2]) await world.server.publish(channel, n)
      const watched = await client.subscribe(channel)
      has(watched.subscribed.entries[0]!, { wasRecovering: true, recovered: true })
      same(await watched.data(1), [2])
      const empty = await client.subscribe(world.channel('autocache'))
      has(empty.subscribed.entries[0]!, { recovered: false })
    },
  },
  {
    title: '[7.7] [8.3] a cache with deltas brings its newest whole, and patches after it',
    async run(world) {
      const client = world.client()
      await client.connect()
      const channel = world.channel('autocache')
      const value = (n: number): object => ({ n, padding: 'ж'.repeat(300) })
      await world.server.publish(channel, value(1))
      const watched = await client.subscribe(channel, { delta: 'fossil' })
      for (const n of [2, 3]) await world.server.publish(channel, value(n))
      same(await watched.data(3), [value(1), value(2), value(3)])
    },
  },
]
