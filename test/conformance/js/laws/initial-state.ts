import { has, same } from '../same.js'
import type { Law } from '../world.js'

export const initialState: readonly Law[] = [
  {
    title:
      '[7.9] getState: what is published while the app loads its state comes behind it, so there is no gap',
    inBrowser: true,
    async run(world) {
      const client = world.client()
      await client.connect()
      const channel = world.channel('room')
      for (const n of [1, 2]) await world.server.publish(channel, n)
      const state: unknown[] = []
      const watched = client.watch(channel, {
        getState: async () => {
          const { offset, epoch } = await client.history(channel, { limit: 0 })
          const { publications } = await client.history(channel, { limit: 100 })
          state.push(...publications.map(({ data }) => data))
          for (const n of [3, 4]) await world.server.publish(channel, n)
          return { offset, epoch }
        },
      })
      has(await watched.subscribe(), { wasRecovering: true, recovered: true })
      await world.server.publish(channel, 5)
      same([...state, ...(await watched.data(3))], [1, 2, 3, 4, 5])
    },
  },
  {
    title: '[7.9] getState is asked again when the position is lost, and not when it is recovered',
    async run(world) {
      const client = world.client()
      await client.connect()
      const channel = world.channel('capped')
      let asked = 0
      const watched = client.watch(channel, {
        minResubscribeDelay: 20,
        maxResubscribeDelay: 100,
        getState: async () => {
          asked += 1
          const { offset, epoch } = await client.history(channel, { limit: 0 })
          return { offset, epoch }
        },
      })
      await watched.subscribe()
      await world.server.publish(channel, 0)
      await watched.data(1)
      await world.server.cut()
      has(await watched.subscribed.at(1), { wasRecovering: true, recovered: true })
      same(asked, 1)
      watched.sdk.unsubscribe()
      await watched.unsubscribed.at(0)
      for (let n = 1; n <= 8; n += 1) await world.server.publish(channel, n)
      has(await watched.subscribe(), { wasRecovering: true, recovered: true })
      same([asked, watched.publications.entries.length], [2, 1])
    },
  },
  {
    title: '[7.9] getState that fails is tried again, and the subscription made in the end',
    async run(world) {
      const client = world.client()
      await client.connect()
      const channel = world.channel('room')
      let asked = 0
      const watched = client.watch(channel, {
        minResubscribeDelay: 20,
        maxResubscribeDelay: 100,
        getState: () => {
          asked += 1
          if (asked === 1) return Promise.reject(new Error('the database is away'))
          return Promise.resolve({ offset: 0, epoch: '' })
        },
      })
      await world.server.publish(channel, 'all')
      await watched.subscribe()
      same([await watched.data(1), watched.errors.entries.map(({ error }) => error.code)], [['all'], [13]])
    },
  },
]
