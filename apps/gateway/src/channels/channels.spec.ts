import { describe, expect, it, jest } from '@jest/globals'
import { namespaceSchema, resolveNamespace, type Namespace } from '@natter/auth'
import { encodeMeta, MemoryBroker, MemoryMesh } from '@natter/broker'
import { TypedEvents } from '@natter/primitives'
import { defaultFeedOptions } from '@natter/recovery'
import { ManualClock } from '@natter/testing'
import { z } from 'zod'
import type { GatewayEvents } from '../gateway.events.js'
import { Channels, type NodeChannel } from './channels.js'
import { defaultGatherOptions } from './gather.js'

const schema = namespaceSchema({ duration: z.number() })
const durable = resolveNamespace('room', schema.parse({ keep: 'stream' }))
const ephemeral = resolveNamespace('live', schema.parse({}))
const { lingerMs } = defaultFeedOptions
const meta = encodeMeta({ kind: 'json' })
const settled = (): Promise<void> => new Promise(setImmediate)

class Bench {
  readonly clock = new ManualClock()
  readonly mesh = new MemoryMesh({ streams: 2 })
  readonly broker = new MemoryBroker(this.mesh, this.clock)
  readonly wanted = new Set<string>()
  readonly broken: string[] = []
  readonly published: string[] = []
  subscriberCount = 1
  private readonly audience = { deliver: (channel: string) => void this.published.push(channel) }
  readonly channels = new Channels(
    this.broker,
    this.audience,
    {
      broken: (channel) => void this.broken.push(channel),
      isWanted: (channel) => this.wanted.has(channel),
      subscriberCount: () => this.subscriberCount,
    },
    this.clock,
    new TypedEvents<GatewayEvents>(),
    {
      feed: defaultFeedOptions,
      gather: defaultGatherOptions,
      readyTimeoutMs: 3_000,
      sweepSpreadMs: 5_000,
      concurrentReads: 10,
    },
  )

  async open(name: string, namespace: Namespace): Promise<NodeChannel> {
    this.wanted.add(name)
    const channel = this.channels.acquire(name, namespace)
    await channel.whenLive()
    return channel
  }

  leave(name: string): void {
    this.wanted.delete(name)
    this.channels.release(name)
  }

  async publish(namespace: Namespace, name: string): Promise<number> {
    const route = this.broker.route(namespace.name, name)
    const { seq } = await this.broker.log.append(route.subject, Buffer.from('1'), { meta })
    await settled()
    return seq
  }

  /** A channel of that stream. */
  nameIn(stream: number): string {
    const name = (i: number): string => `room:${i}`
    for (let i = 0; ; i += 1)
      if (this.broker.route('room', name(i)).stream === this.broker.streams[stream]) return name(i)
  }
}

describe('the channels of a node', () => {
  it.each([
    ['durable', 'room:a', durable],
    ['ephemeral', 'live:a', ephemeral],
  ])(
    'nobody wants a channel (%s): it lingers, then closes and stops listening',
    async (_, name, namespace) => {
      const bench = new Bench()
      await bench.open(name, namespace)
      bench.leave(name)
      bench.clock.advance(lingerMs - 1)
      expect(bench.channels.count).toBe(1)
      bench.clock.advance(1)
      expect([bench.channels.count, bench.channels.find(name)]).toEqual([0, undefined])
      expect(bench.clock.pendingTimers).toBe(0)
      const { liveSubject } = bench.broker.route(namespace.name, name)
      const heardBy = bench.mesh.publish({
        subject: liveSubject,
        body: new Uint8Array(),
        meta,
        stored: undefined,
        reply: undefined,
      })
      expect(heardBy).toBe(0)
    },
  )

  it('who comes back while it lingers finds the same channel, and it stays', async () => {
    const bench = new Bench()
    const channel = await bench.open('room:a', durable)
    bench.leave('room:a')
    bench.clock.advance(lingerMs - 1)
    expect(await bench.open('room:a', durable)).toBe(channel)
    bench.clock.advance(lingerMs * 2)
    expect(bench.channels.find('room:a')).toBe(channel)
  })

  it('leaving while others stay changes nothing', async () => {
    const bench = new Bench()
    await bench.open('room:a', durable)
    bench.channels.release('room:a') // one of two left: it is still wanted
    bench.clock.advance(lingerMs * 2)
    expect(bench.channels.count).toBe(1)
  })

  it('a lingering channel still follows: a ring with a hole would be worth nothing to who comes back', async () => {
    const bench = new Bench()
    await bench.open('room:a', durable)
    bench.leave('room:a')
    const seq = await bench.publish(durable, 'room:a')
    const channel = await bench.open('room:a', durable)
    expect(channel.isDurable && channel.last).toBe(seq)
  })

  it('what waits for more has not arrived: `last` moves when it is handed on, so whoever joins meanwhile gets it live (G3)', async () => {
    const bench = new Bench()
    const channel = await bench.open('room:a', durable)
    bench.subscriberCount = defaultGatherOptions.fromSubscribers
    const first = await bench.publish(durable, 'room:a') // alone: it doesn't wait
    const second = await bench.publish(durable, 'room:a')
    expect([channel.isDurable && channel.last, bench.published.length]).toEqual([first, 1])
    bench.clock.advance(defaultGatherOptions.forMs)
    expect([channel.isDurable && channel.last, bench.published.length]).toEqual([second, 2])
  })

  it('what waited under another numbering is no hole of the new one (G4)', async () => {
    const bench = new Bench()
    const channel = await bench.open('room:a', durable)
    bench.subscriberCount = defaultGatherOptions.fromSubscribers
    await bench.publish(durable, 'room:a') // alone: it doesn't wait
    await bench.publish(durable, 'room:a')
    bench.mesh.wipe()
    bench.mesh.verify()
    for (const stream of bench.broker.streams) bench.channels.renumber(stream)
    await channel.whenLive()
    bench.clock.advance(defaultGatherOptions.forMs)
    expect(channel.isDurable && [channel.kind, channel.last]).toEqual(['live', 0])
    expect(bench.published).toHaveLength(1)
  })

  it('another numbering breaks the channels of its stream, and of no other', async () => {
    const bench = new Bench()
    const [first, second] = [bench.nameIn(0), bench.nameIn(1)]
    await bench.open(first, durable)
    await bench.open(second, durable)
    bench.channels.renumber(bench.broker.streams[0] ?? '')
    expect(bench.broken).toEqual([first])
  })

  it('a broken channel that is still wanted opens anew, and goes on', async () => {
    const bench = new Bench()
    const name = bench.nameIn(0)
    const channel = await bench.open(name, durable)
    bench.channels.renumber(bench.broker.streams[0] ?? '')
    await channel.whenLive()
    expect(bench.channels.find(name)).toBe(channel)
    bench.published.length = 0
    await bench.publish(durable, name)
    expect(bench.published).toHaveLength(1)
  })

  it('what was read of a numbering that is over opens nothing: all of the new one would seem to be old', async () => {
    const bench = new Bench()
    const name = bench.nameIn(0)
    await bench.publish(durable, name)
    await bench.publish(durable, name)
    const { tops } = bench.broker.log
    let answer = (): void => {}
    const held = new Promise<void>((resolve) => (answer = resolve))
    const look = jest.spyOn(bench.broker.log, 'tops').mockImplementationOnce(async (...args) => {
      const old = await tops.apply(bench.broker.log, args)
      await held
      return old
    })
    bench.wanted.add(name)
    const channel = bench.channels.acquire(name, durable)
    while (look.mock.calls.length === 0) await settled()
    bench.mesh.wipe()
    bench.mesh.verify()
    look.mockImplementationOnce(() => new Promise(() => {})) // the look of who broke takes longer
    bench.channels.renumber(bench.broker.streams[0] ?? '')
    answer()
    await channel.whenLive()
    expect(channel.isDurable && channel.last).toBe(0)
  })

  it('close ends everything, also what is opening: nothing of it ticks or listens any more', async () => {
    const bench = new Bench()
    await bench.open('room:a', durable)
    bench.wanted.add('room:b')
    const opening = bench.channels.acquire('room:b', durable).whenLive()
    const other = bench.channels.acquire('live:c', ephemeral).whenLive()
    bench.channels.close()
    await expect(opening).rejects.toMatchObject({ code: 'channel-closed' })
    await expect(other).rejects.toMatchObject({ code: 'channel-closed' })
    expect([bench.channels.count, bench.clock.pendingTimers]).toEqual([0, 0])
  })
})
