import { has, holds, same } from '../same.js'
import type { Law } from '../world.js'

const padding = 'x'.repeat(500)

/** Each a small edit of the one before, in texts whose letters are two to four bytes: a patch that cuts one in half is no text. */
const drafts = [
  'Широкая электрификация южных губерний даст мощный толчок подъёму сельского хозяйства.',
  'Широкая электрификация южных губерний даст мощный толчок подъему сельского хозяйства.',
  'Широкая электрификация северных губерний даст мощный толчок подъёму сельского хозяйства!',
  'Широкая 🐟 электрификация северных губерний даст мощный толчок подъёму сельского хозяйства!',
  'Широкая 🐠 электрификация северных губерний даст мощный толчок подъёму сельского хозяйства!',
  'Широкая 🐠👩‍👩‍👧‍👦 электрификация северных губерний даст мощный толчок подъёму сельского хозяйства!',
  'Широкая 🐠👩‍👩‍👧 электрификация северных губерний даст мощный толчок подъёму сельского хозяйства!',
  '汉字 🐠👩‍👩‍👧 электрификация северных губерний даст мощный толчок подъёму сельского хозяйства!',
]

export const deltas: readonly Law[] = [
  {
    title:
      '[8.3] of three alike publications the first comes whole, the others as patches, and all as they were',
    inBrowser: true,
    async run(world) {
      const client = world.client()
      await client.connect()
      const channel = world.channel('delta')
      const watched = await client.subscribe(channel, { delta: 'fossil' })
      const values = [1, 2, 3].map((n) => ({ n, padding }))
      for (const value of values) await world.server.publish(channel, value)
      same(await watched.data(3), values)
      const stats = watched.sdk.deltaStats()
      has(stats, { numPublications: 3, numFullPayloads: 1, numDeltaPayloads: 2 })
      holds(stats.bytesReceived < 800, `${stats.bytesReceived} bytes came for ${stats.bytesDecoded}`)
    },
  },
  {
    title: '[8.5] patches of texts in any script round-trip, edit by edit',
    inBrowser: true,
    async run(world) {
      const client = world.client()
      await client.connect()
      const channel = world.channel('delta')
      const watched = await client.subscribe(channel, { delta: 'fossil' })
      const values = drafts.map((text) => ({ text, again: text.toUpperCase() }))
      for (const value of [...values, ...values.toReversed()]) await world.server.publish(channel, value)
      same(await watched.data(16), [...values, ...values.toReversed()])
      holds(watched.sdk.deltaStats().numDeltaPayloads >= 10, 'most of them came as patches')
      same([watched.errors.entries, client.connecting.entries.length], [[], 1])
    },
  },
  {
    title: '[8.4] what has nothing in common with the one before comes whole: a patch would be larger',
    async run(world) {
      const client = world.client()
      await client.connect()
      const channel = world.channel('delta')
      const watched = await client.subscribe(channel, { delta: 'fossil' })
      const values = ['a', 'bb', 'ccc', { d: 4 }]
      for (const value of values) await world.server.publish(channel, value)
      same(await watched.data(4), values)
      has(watched.sdk.deltaStats(), { numFullPayloads: 4, numDeltaPayloads: 0 })
    },
  },
  {
    title: '[8.3] after a recovery patches go on from what was recovered',
    inBrowser: true,
    async run(world) {
      const client = world.client()
      await client.connect()
      const channel = world.channel('delta')
      const watched = await client.subscribe(channel, { delta: 'fossil' })
      const values = [1, 2, 3, 4, 5, 6].map((n) => ({ n, padding }))
      const publish = (n: number): Promise<void> => world.server.publish(channel, values[n])
      await publish(0)
      await watched.data(1)
      await world.server.refuse(true)
      await world.server.cut()
      await client.connecting.at(1)
      await publish(1)
      await publish(2)
      await world.server.refuse(false)
      has(await watched.subscribed.at(1), { recovered: true })
      for (const n of [3, 4, 5]) await publish(n)
      same(await watched.data(6), values)
    },
  },
  {
    title:
      '[8.3] after an empty recovery the next comes whole: who took the position from elsewhere has nothing to patch',
    async run(world) {
      const client = world.client()
      await client.connect()
      const channel = world.channel('delta')
      await world.server.publish(channel, { n: 0, padding })
      const { offset, epoch } = await client.history(channel, { limit: 0 })
      const watched = await client.subscribe(channel, { delta: 'fossil', since: { offset, epoch } })
      has(watched.subscribed.entries[0]!, { recovered: true })
      for (const n of [1, 2]) await world.server.publish(channel, { n, padding })
      same(await watched.data(2), [
        { n: 1, padding },
        { n: 2, padding },
      ])
      has(watched.sdk.deltaStats(), { numFullPayloads: 1, numDeltaPayloads: 1 })
    },
  },
  {
    title: '[8.2] who subscribes later, and who wants no patches, gets each publication in its own form',
    async run(world) {
      const [early, late, plain] = [world.client(), world.client(), world.client()]
      await Promise.all([early, late, plain].map((client) => client.connect()))
      const channel = world.channel('delta')
      const values = [1, 2, 3, 4].map((n) => ({ n, padding }))
      const first = await early.subscribe(channel, { delta: 'fossil' })
      const third = await plain.subscribe(channel)
      for (const value of values.slice(0, 2)) await world.server.publish(channel, value)
      const second = await late.subscribe(channel, { delta: 'fossil' })
      for (const value of values.slice(2)) await world.server.publish(channel, value)
      same(
        [await first.data(4), await second.data(2), await third.data(4)],
        [values, values.slice(2), values],
      )
      has(first.sdk.deltaStats(), { numFullPayloads: 1, numDeltaPayloads: 3 })
      has(second.sdk.deltaStats(), { numFullPayloads: 1, numDeltaPayloads: 1 })
    },
  },
  {
    title: '[8.1] where the namespace has no deltas, asking for them changes nothing',
    async run(world) {
      const client = world.client()
      await client.connect()
      const channel = world.channel('room')
      const watched = await client.subscribe(channel, { delta: 'fossil' })
      for (const n of [1, 2]) await world.server.publish(channel, { n, padding })
      same(await watched.data(2), [
        { n: 1, padding },
        { n: 2, padding },
      ])
      has(watched.sdk.deltaStats(), { numDeltaPayloads: 0 })
    },
  },
]
