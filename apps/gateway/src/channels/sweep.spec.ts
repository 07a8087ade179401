import { describe, expect, it, jest } from '@jest/globals'
import type { Tops } from '@natter/broker'
import { MemoryBroker, MemoryMesh } from '@natter/broker'
import { UnavailableError } from '@natter/primitives'
import { ManualClock } from '@natter/testing'
import fc from 'fast-check'
import type { DurableChannel } from './durable-channel.js'
import { Sweep } from './sweep.js'

const away = new UnavailableError('nats-away', 'Cut off')
const almostOne = 1 - Number.EPSILON

type Look = { stream: string; subjects: readonly string[]; atMs: number }

/** What a sweep sees of a channel. */
class FakeChannel implements Pick<DurableChannel, 'kind' | 'route' | 'compare'> {
  kind: DurableChannel['kind'] = 'live'
  readonly compare = jest.fn<DurableChannel['compare']>()

  constructor(
    stream: string,
    readonly subject: string,
  ) {
    this.route = { stream, subject, epoch: '', shard: 0, liveSubject: '' }
  }

  readonly route: DurableChannel['route']
}

function start(maxSpreadMs: number, random: () => number = () => almostOne) {
  const clock = new ManualClock(0)
  const broker = new MemoryBroker(new MemoryMesh(), clock)
  const looks: Look[] = []
  const answer: { newest: Tops['newest']; fails: boolean } = { newest: new Map(), fails: false }
  jest.spyOn(broker.log, 'tops').mockImplementation(async (stream, subjects) => {
    looks.push({ stream, subjects, atMs: clock.now() })
    if (answer.fails) throw away
    return { upTo: 9, newest: answer.newest }
  })
  const sweep = new Sweep(broker, clock, maxSpreadMs, random)
  const run = (channels: FakeChannel[]): void => sweep.run(channels as unknown as DurableChannel[])
  return { answer, broker, clock, looks, run, sweep }
}

const channelsOf = (stream: string, count: number): FakeChannel[] =>
  Array.from({ length: count }, (_, n) => new FakeChannel(stream, `${stream}.${n}`))

const settled = (): Promise<void> => new Promise(setImmediate)

describe('the sweep after a reconnect', () => {
  it('asks for every open channel once, within 2 ms per channel and maxSpreadMs, so that many gateways do not ask at once', async () => {
    const counts = fc.array(fc.nat(1_200), { minLength: 1, maxLength: 3 })
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    await fc.assert(
      fc.asyncProperty(counts, random, fc.nat(3_000), async (sizes, fraction, maxSpreadMs) => {
        const { clock, looks, run } = start(maxSpreadMs, () => fraction)
        const channels = sizes.flatMap((size, i) => channelsOf(`S${i}`, size))
        run(channels)
        expect(looks).toEqual([]) // not in the turn of the reconnect
        await clock.advanceAsync(Math.min(maxSpreadMs, channels.length * 2))
        expect(looks.flatMap(({ subjects }) => subjects).toSorted()).toEqual(
          channels.map(({ subject }) => subject).toSorted(),
        )
        for (const { stream, subjects, atMs } of looks) {
          expect(subjects.length).toBeLessThanOrEqual(500)
          expect(subjects.every((subject) => subject.startsWith(`${stream}.`))).toBe(true)
          expect(atMs).toBeCloseTo(fraction * Math.min(maxSpreadMs, channels.length * 2))
        }
        expect(clock.pendingTimers).toBe(0)
      }),
      { numRuns: 20 },
    )
  })

  it('tells each channel what is newest in the log, and those nothing that have nothing there', async () => {
    const { answer, clock, run } = start(100)
    const [full, empty] = [new FakeChannel('S', 'S.full'), new FakeChannel('S', 'S.empty')]
    const top = { seq: 7, timeNs: 70n }
    answer.newest.set('S.full', top)
    run([full, empty])
    await clock.advanceAsync(100)
    expect(full.compare.mock.calls).toEqual([[top]])
    expect(empty.compare).not.toHaveBeenCalled()
  })

  it('leaves out channels that were closed before their look', async () => {
    const { clock, looks, run } = start(100)
    const [open, closed] = [new FakeChannel('S', 'S.open'), new FakeChannel('S', 'S.closed')]
    run([open, closed])
    closed.kind = 'closed'
    await clock.advanceAsync(100)
    expect(looks.map(({ subjects }) => subjects)).toEqual([['S.open']])
  })

  it('repeats a look that failed until it succeeds: a quiet channel’s missed message is found by nothing else', async () => {
    const { answer, clock, looks, run } = start(0)
    const channel = new FakeChannel('S', 'S.0')
    answer.newest.set('S.0', { seq: 7, timeNs: 70n })
    answer.fails = true
    run([channel])
    await clock.advanceAsync(2_000)
    await settled()
    expect(looks.length).toBeGreaterThanOrEqual(3)
    expect(channel.compare).not.toHaveBeenCalled()
    answer.fails = false
    await clock.advanceAsync(1_000)
    expect(channel.compare).toHaveBeenCalledTimes(1)
    expect(clock.pendingTimers).toBe(0)
  })

  it('begins anew with the next reconnect: looks of the one before do not run beside it', async () => {
    const { clock, looks, run } = start(1_000)
    run(channelsOf('S', 300))
    clock.advance(100)
    run(channelsOf('S', 300))
    await clock.advanceAsync(1_000)
    expect(looks).toHaveLength(1)
  })

  it('does not repeat a failed look of the sweep before beside a new one, or they add up with every reconnect', async () => {
    const { broker, clock, run } = start(0)
    let fail: () => void = () => {}
    const tops = jest
      .spyOn(broker.log, 'tops')
      .mockImplementationOnce(() => new Promise((_, reject) => (fail = () => reject(away))))
    run(channelsOf('S', 1))
    await clock.advanceAsync(0)
    run(channelsOf('S', 1))
    fail()
    await settled()
    await clock.advanceAsync(5_000)
    expect(tops).toHaveBeenCalledTimes(2)
  })
})

describe('after stop', () => {
  it('no look is made and no timer is left', async () => {
    const { clock, looks, run, sweep } = start(1_000)
    run(channelsOf('S', 300))
    sweep.stop()
    expect(clock.pendingTimers).toBe(0)
    await clock.advanceAsync(5_000)
    expect(looks).toEqual([])
  })

  it('a look that was under way and fails is not repeated', async () => {
    const { broker, clock, run, sweep } = start(0)
    let fail: () => void = () => {}
    const tops = jest
      .spyOn(broker.log, 'tops')
      .mockImplementation(() => new Promise((_, reject) => (fail = () => reject(away))))
    run(channelsOf('S', 1))
    await clock.advanceAsync(0)
    expect(tops).toHaveBeenCalledTimes(1)
    sweep.stop()
    fail()
    await settled()
    expect(clock.pendingTimers).toBe(0)
  })
})
