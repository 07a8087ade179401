import { describe, expect, it, jest } from '@jest/globals'
import { namespaceSchema, resolveNamespace } from '@natter/auth'
import { MemoryBroker, MemoryMesh } from '@natter/broker'
import { UnavailableError } from '@natter/primitives'
import { defaultFeedOptions } from '@natter/recovery'
import { ManualClock } from '@natter/testing'
import { z } from 'zod'
import { DurableChannel, type DurableChannelParts } from './durable-channel.js'
import { defaultGatherOptions, Gather } from './gather.js'
import { Opener } from './opener.js'

const namespace = resolveNamespace(
  'chat',
  namespaceSchema({ duration: z.number() }).parse({ keep: 'stream' }),
)
const away = new UnavailableError('nats-away', 'Cut off')

/** Channels on a mesh of several streams, and every call that opening them makes, in order. */
function start(streams = 3) {
  const clock = new ManualClock(0)
  const broker = new MemoryBroker(new MemoryMesh({ streams }), clock)
  const calls: { call: string; atMs: number }[] = []
  const { flush } = broker.bus
  const { tops } = broker.log
  const spies = {
    flush: jest.spyOn(broker.bus, 'flush').mockImplementation(async () => {
      calls.push({ call: 'flush', atMs: clock.now() })
      await flush.call(broker.bus)
      calls.push({ call: 'flushed', atMs: clock.now() })
    }),
    tops: jest.spyOn(broker.log, 'tops').mockImplementation((stream, subjects) => {
      calls.push({ call: `look ${stream}`, atMs: clock.now() })
      return tops.call(broker.log, stream, subjects)
    }),
  }
  const opener = new Opener(broker, clock)
  const delivered: string[] = []
  const parts = {
    broker,
    audience: { deliver: (channel: string) => void delivered.push(channel) },
    owner: { broken() {}, closed() {}, isWanted: () => true },
    opener,
    gather: new Gather({ subscriberCount: () => 1, failed() {} }, clock, defaultGatherOptions),
    clock,
    feed: defaultFeedOptions,
    readyTimeoutMs: 600_000,
    onStray() {},
    onHeal() {},
  }
  const channel = (name: string) =>
    new DurableChannel(`chat:${name}`, namespace, parts as unknown as DurableChannelParts)
  const names = (): string[] => calls.map(({ call }) => call)
  return { broker, calls, names, channel, clock, delivered, opener, spies }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

describe('channels that are opened in one turn', () => {
  it('share one flush and one look at each of their streams, because a reconnecting crowd opens thousands (O1)', async () => {
    const { broker, channel, names, spies } = start()
    const channels = Array.from({ length: 200 }, (_, n) => channel(String(n)))
    await Promise.all(channels.map((each) => each.whenLive()))
    expect(names().slice(0, 2)).toEqual(['flush', 'flushed'])
    expect(names().slice(2).toSorted()).toEqual(broker.streams.map((stream) => `look ${stream}`).toSorted())
    const asked = spies.tops.mock.calls.flatMap(([, subjects]) => subjects)
    expect(asked.toSorted()).toEqual(channels.map(({ route }) => route.subject).toSorted())
  })

  it('do not wait for those of another turn, which make a round of their own', async () => {
    const { channel, names } = start(1)
    await channel('a').whenLive()
    await channel('b').whenLive()
    expect(names().filter((call) => call === 'flush')).toHaveLength(2)
  })

  it('begin at what is in the log and hear what is published during the look: nothing falls between (O1)', async () => {
    const { broker, channel, delivered, spies } = start(1)
    const { subject } = broker.route('chat', 'chat:a')
    const data = new TextEncoder().encode('1')
    await broker.log.append(subject, data)
    const look = spies.tops.getMockImplementation()
    if (look === undefined) throw new Error('not spied')
    spies.tops.mockImplementation(async (...args) => {
      const answer = await look(...args)
      await broker.log.append(subject, data) // after the answer was made: only the live subject can bring it
      await settled()
      return answer
    })
    const opened = channel('a')
    await opened.whenLive()
    await settled()
    expect(opened.last).toBe(2)
    expect(delivered).toEqual(['chat:a'])
  })
})

describe('an attempt that failed (O2)', () => {
  it('is repeated, each time after a longer wait up to a second, until the channel is open', async () => {
    const { calls, channel, clock, spies } = start(1)
    const tries: number[] = []
    const flush = spies.flush.getMockImplementation()
    spies.flush.mockImplementation(() => {
      tries.push(clock.now())
      return Promise.reject(away)
    })
    const opened = channel('a')
    await clock.advanceAsync(10_000)
    const waits = tries.map((at, i) => at - (tries[i - 1] ?? 0)).slice(1)
    expect(waits.length).toBeGreaterThanOrEqual(10)
    for (const [i, wait] of waits.entries()) {
      const fullMs = Math.min(1_000, 50 * 2 ** i)
      expect(wait).toBeGreaterThanOrEqual(fullMs / 2)
      expect(wait).toBeLessThanOrEqual(fullMs)
    }
    expect([opened.kind, calls]).toEqual(['opening', []]) // no look without a flush
    if (flush !== undefined) spies.flush.mockImplementation(flush)
    await clock.advanceAsync(1_000)
    await settled()
    expect(opened.kind).toBe('live')
    expect(clock.pendingTimers).toBe(0)
  })

  it('is repeated for the streams that failed alone: the others’ channels are live meanwhile', async () => {
    const { broker, channel, clock, spies } = start(3)
    const [broken = ''] = broker.streams
    const look = spies.tops.getMockImplementation()
    spies.tops.mockImplementation((stream, subjects) =>
      stream === broken || look === undefined ? Promise.reject(away) : look(stream, subjects),
    )
    const channels = Array.from({ length: 30 }, (_, n) => channel(String(n)))
    await settled()
    for (const { kind, route } of channels) expect(kind).toBe(route.stream === broken ? 'opening' : 'live')
    spies.tops.mockClear()
    await clock.advanceAsync(50)
    await settled()
    expect(new Set(spies.tops.mock.calls.map(([stream]) => stream))).toEqual(new Set([broken]))
  })

  it('is repeated at once when the way to NATS is back, not after the wait', async () => {
    const { broker, channel, clock, opener } = start(1)
    broker.disconnect()
    const opened = channel('a')
    await settled()
    expect([opened.kind, clock.pendingTimers]).toEqual(['opening', 1])
    broker.reconnect()
    opener.retryNow()
    await opened.whenLive()
    expect(clock.pendingTimers).toBe(0)
  })
})

describe('a channel that is forgotten', () => {
  it('is not asked for, neither in its own turn nor when its failed attempt is repeated', async () => {
    const { broker, channel, clock, spies } = start(1)
    const [first, second, third] = [channel('a'), channel('b'), channel('c')]
    first.close()
    broker.disconnect()
    await settled()
    second.close()
    broker.reconnect()
    await clock.advanceAsync(100)
    await third.whenLive()
    expect(spies.tops.mock.calls.flatMap(([, subjects]) => subjects)).toEqual([third.route.subject])
    expect([first.kind, second.kind]).toEqual(['closed', 'closed'])
  })

  it('stays closed when it was closed during the look', async () => {
    const { channel } = start(1)
    const opened = channel('a')
    const ready = jest.fn()
    void opened.whenLive().then(ready, ready)
    await Promise.resolve()
    opened.close()
    await settled()
    expect(opened.kind).toBe('closed')
  })
})

describe('after stop', () => {
  it('nothing is tried again and no timer is left, also when an attempt fails only then', async () => {
    const { broker, channel, clock, opener, spies } = start(1)
    broker.disconnect()
    channel('a')
    await settled()
    channel('b') // asked for, not yet tried
    opener.stop()
    await settled()
    expect(clock.pendingTimers).toBe(0)
    spies.flush.mockClear()
    await clock.advanceAsync(10_000)
    expect(spies.flush).not.toHaveBeenCalled()
  })

  it('an attempt that is under way and fails starts no timer', async () => {
    const { channel, clock, opener, spies } = start(1)
    let fail: () => void = () => {}
    spies.flush.mockImplementation(() => new Promise((_, reject) => (fail = () => reject(away))))
    channel('a')
    await settled()
    opener.stop()
    fail()
    await settled()
    expect(clock.pendingTimers).toBe(0)
  })
})
