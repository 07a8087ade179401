import { has, holds, same } from '../same.js'
import type { Law } from '../world.js'

export const recovering: readonly Law[] = [
  {
    title: '[7.5] a client that was cut off gets what it missed, once, in order, and goes on live',
    inBrowser: true,
    async run(world) {
      const client = world.client()
      await client.connect()
      const channel = world.channel('room')
      const watched = await client.subscribe(channel)
      has(watched.subscribed.entries[0]!, {
        wasRecovering: false,
        recovered: false,
        recoverable: true,
        positioned: true,
      })
      await world.server.publish(channel, 1)
      await watched.data(1)
      await world.server.refuse(true)
      await world.server.cut()
      await client.connecting.at(1)
      for (const n of [2, 3, 4]) await world.server.publish(channel, n)
      await world.server.refuse(false)
      const again = await watched.subscribed.at(1)
      has(again, { wasRecovering: true, recovered: true, hasRecoveredPublications: true })
      await world.server.publish(channel, 5)
      same(await watched.data(5), [1, 2, 3, 4, 5])
      const offsets = watched.publications.entries.map(({ offset = 0 }) => offset)
      same(
        offsets,
        [...new Set(offsets)].toSorted((a, b) => a - b),
      )
      same(again.streamPosition?.epoch, watched.subscribed.entries[0]?.streamPosition?.epoch)
    },
  },
  {
    title:
      '[7.5] while somebody publishes without pause a reader who is cut off again and again misses and doubles nothing',
    inBrowser: true,
    async run(world) {
      const reader = world.client()
      await reader.connect()
      const channel = world.channel('room')
      const watched = await reader.subscribe(channel)
      const count = 120
      const publishing = async (): Promise<void> => {
        for (let n = 0; n < count; n += 1) await world.server.publish(channel, n)
      }
      const published = publishing()
      for (const cut of [1, 2, 3]) {
        await watched.publications.atLeast(cut * 25)
        await world.server.cut()
        await reader.connected.at(cut)
      }
      await published
      same(
        await watched.data(count),
        Array.from({ length: count }, (_, n) => n),
      )
      for (const { wasRecovering, recovered } of watched.subscribed.entries.slice(1))
        same([wasRecovering, recovered], [true, true])
    },
  },
  {
    title: '[7.5] who unsubscribes and subscribes again gets what came between, also from within a handler',
    async run(world) {
      const client = world.client()
      await client.connect()
      const channel = world.channel('room')
      const watched = await client.subscribe(channel)
      watched.sdk.unsubscribe()
      await watched.unsubscribed.at(0)
      for (const n of [1, 2, 3]) await world.server.publish(channel, n)
      watched.sdk.once('publication', () => watched.sdk.unsubscribe())
      watched.sdk.subscribe()
      await watched.unsubscribed.at(1)
      same(await watched.data(1), [1])
      has(await watched.subscribe(), { wasRecovering: true, recovered: true })
      same(await watched.data(3), [1, 2, 3])
    },
  },
  {
    title: '[7.5] what a capped history no longer has is not recovered, and the client is told so',
    inBrowser: true,
    async run(world) {
      const client = world.client()
      await client.connect()
      const channel = world.channel('capped')
      const watched = await client.subscribe(channel)
      await world.server.publish(channel, 0)
      await watched.data(1)
      watched.sdk.unsubscribe()
      await watched.unsubscribed.at(0)
      for (let n = 1; n <= 8; n += 1) await world.server.publish(channel, n)
      has(await watched.subscribe(), {
        wasRecovering: true,
        recovered: false,
        hasRecoveredPublications: false,
      })
      await world.server.publish(channel, 9)
      same(await watched.data(2), [0, 9])
    },
  },
  {
    title: '[7.4] a position of another epoch is not recovered, and the client goes on with the new one',
    async run(world) {
      const client = world.client()
      await client.connect()
      const channel = world.channel('room')
      await world.server.publish(channel, 0)
      const watched = await client.subscribe(channel, { since: { offset: 1, epoch: 'another' } })
      has(watched.subscribed.entries[0]!, { wasRecovering: true, recovered: false })
      await world.server.publish(channel, 1)
      same(await watched.data(1), [1])
    },
  },
  {
    title: '[7.5] a quiet channel is recovered with nothing: no publication is repeated',
    async run(world) {
      const client = world.client()
      await client.connect()
      const channel = world.channel('room')
      await world.server.publish(channel, 'old')
      const watched = await client.subscribe(channel)
      await world.server.cut()
      has(await watched.subscribed.at(1), {
        wasRecovering: true,
        recovered: true,
        hasRecoveredPublications: false,
      })
      same(watched.publications.entries, [])
    },
  },
  {
    title: '[7.4] since: who brings a position gets what came after it; from the beginning without an epoch',
    async run(world) {
      const client = world.client()
      await client.connect()
      const channel = world.channel('room')
      for (let n = 0; n < 5; n += 1) await client.publish(channel, n)
      const { publications, epoch } = await client.history(channel, { limit: 3 })
      const { offset = 0 } = publications.at(-1) ?? {}
      const watched = await client.subscribe(channel, { since: { offset, epoch } })
      has(watched.subscribed.entries[0]!, { wasRecovering: true, recovered: true })
      same(await watched.data(2), [3, 4])
      const other = world.client()
      await other.connect()
      const whole = await other.subscribe(channel, { since: { offset: 0, epoch: '' } })
      same(await whole.data(5), [0, 1, 2, 3, 4])
    },
  },
  {
    title: '[13.4] position and recovery are granted to who asks where that is allowed, and off elsewhere',
    async run(world) {
      const client = world.client()
      await client.connect()
      const plain = await client.subscribe(world.channel('asked'))
      has(plain.subscribed.entries[0]!, { positioned: false, recoverable: false, streamPosition: undefined })
      const positioned = await client.subscribe(world.channel('asked'), { positioned: true })
      has(positioned.subscribed.entries[0]!, { positioned: true, recoverable: false })
      holds(positioned.subscribed.entries[0]?.streamPosition !== undefined, 'it has a position')
      const recoverable = await client.subscribe(world.channel('asked'), { recoverable: true })
      has(recoverable.subscribed.entries[0]!, { positioned: true, recoverable: true })
      const live = await client.subscribe(world.channel('live'), { recoverable: true, positioned: true })
      has(live.subscribed.entries[0]!, { positioned: false, recoverable: false })
    },
  },
  {
    title: '[7.5] 350 missed publications come whole, because this history has no bound',
    async run(world) {
      const client = world.client()
      await client.connect()
      const channel = world.channel('room')
      const watched = await client.subscribe(channel)
      watched.sdk.unsubscribe()
      await watched.unsubscribed.at(0)
      const writer = world.client({}, { transport: 'websocket', encoding: 'json' })
      await writer.connect()
      const numbers = Array.from({ length: 350 }, (_, n) => n)
      await Promise.all(numbers.map((n) => writer.publish(channel, n)))
      has(await watched.subscribe(), { wasRecovering: true, recovered: true })
      same(await watched.data(350), numbers)
    },
  },
]
