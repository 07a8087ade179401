import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { FeedBench } from '../test/feed-bench.js'
import { ModelLog } from '../test/model-log.js'
import type { HealRange } from './channel-feed.js'
import type { LogMessage } from './message.js'

describe('a channel that opens', () => {
  it('holds what comes until it knows where it stands, then delivers only what lies above', () => {
    const bench = new FeedBench()
    bench.feed.open()
    bench.receive(4, 2).receive(6, 4)
    expect(bench.delivered).toEqual([])
    bench.feed.opened(4)
    expect(bench).toMatchObject({ delivered: [6], told: ['live'] })
  })

  it('heals from a stale position as from any other hole, so a replica that lags loses nothing', () => {
    const bench = new FeedBench()
    bench.feed.open()
    bench.receive(8, 6).feed.opened(2)
    expect(bench.reads).toMatchObject([{ after: 2, upTo: 6, fromLeader: false }])
    expect(bench.told).toEqual([]) // nobody may join across the hole
    expect(bench.answer(4, 6).delivered).toEqual([4, 6, 8])
    expect(bench.told).toEqual(['live'])
  })

  it('begins an empty channel at the top of the stream', () => {
    expect(new FeedBench().openAt(100).receive(103, 0).delivered).toEqual([103])
  })

  it('breaks when too many messages or bytes wait', () => {
    for (const limit of [{ maxHeldCount: 2 }, { maxHeldBytes: 20 }]) {
      const bench = new FeedBench(limit)
      bench.feed.open()
      bench.receive(1, 0).receive(2, 1)
      expect(bench.feed.kind).toBe('opening')
      expect(bench.receive(3, 2)).toMatchObject({ told: ['overflow'], feed: { kind: 'broken' } })
    }
  })

  it('forgets everything it knew before, since the numbering may be another one', () => {
    const bench = new FeedBench().openAt(10)
    bench.feed.break('epoch')
    bench.feed.seen(50)
    bench.openAt(3)
    expect(bench.feed).toMatchObject({ kind: 'live', last: 3, ring: { floor: 3, count: 0 } })
    expect(bench.reads).toEqual([])
  })
})

describe('a live channel', () => {
  it('delivers in order and drops what it had', () => {
    const bench = new FeedBench().openAt(0).receive(1, 0).receive(1, 0).receive(3, 1).receive(1, 0)
    expect(bench.delivered).toEqual([1, 3])
  })

  it('never delivers across a hole', () => {
    const bench = new FeedBench().openAt(2).receive(6, 4).receive(8, 6)
    expect(bench).toMatchObject({ delivered: [], feed: { kind: 'healing', last: 2 } })
    expect(bench.answer(4).delivered).toEqual([4, 6, 8])
    expect(bench.clock.count).toBe(0)
  })

  it('takes a newer sequence seen in the log for a hole, for the newest of a quiet channel has no successor', () => {
    const bench = new FeedBench().openAt(2)
    bench.feed.seen(2)
    expect(bench.reads).toEqual([])
    bench.feed.seen(4)
    expect(bench.answer(4)).toMatchObject({ delivered: [4], feed: { kind: 'live' } })
  })

  it('breaks when a sequence that it holds is given out with another stamp: the stream was rolled back', () => {
    const bench = new FeedBench().openAt(0).receive(1, 0).receive(1, 0, 99n)
    expect(bench).toMatchObject({ delivered: [1], told: ['live', 'rollback'] })
  })

  it('delivers nothing after it broke or closed, until it is opened again', () => {
    const bench = new FeedBench().openAt(0)
    bench.feed.break('epoch')
    bench.receive(1, 0)
    bench.feed.break('epoch')
    expect(bench.told).toEqual(['live', 'epoch'])
    bench.feed.close()
    bench.receive(1, 0).feed.break('hole')
    expect(bench).toMatchObject({ delivered: [], told: ['live', 'epoch'], feed: { last: 0 } })
    expect(bench.openAt(0).receive(1, 0).delivered).toEqual([1])
  })
})

describe('a channel that heals', () => {
  const healing = (options = {}) => new FeedBench(options).openAt(2).receive(8, 6)

  it('asks the leader after the retries, because a replica may lag for long', () => {
    const bench = healing()
    for (const waitMs of [50, 200, 800]) {
      bench.answer() // empty
      bench.clock.advance(waitMs - 1)
      const { length } = bench.reads
      bench.clock.advance(1)
      expect(bench.reads).toHaveLength(length + 1)
    }
    expect(bench.reads.map(({ fromLeader }) => fromLeader)).toEqual([false, false, false, true])
    expect(bench.answer(4, 6).delivered).toEqual([4, 6, 8])
  })

  it('breaks when the leader has lost the messages, but not when the leader could not be asked', () => {
    const bench = healing({ healRetryMs: [] })
    bench.fail()
    expect(bench.feed.kind).toBe('healing')
    bench.clock.advance(0)
    expect(bench.answer().told).toEqual(['live', 'hole'])
  })

  it('takes the prefix that a lagging replica has and asks for the rest at once, with a new deadline', () => {
    const bench = healing()
    bench.clock.advance(4_999)
    bench.answer(4)
    expect(bench).toMatchObject({ delivered: [4], feed: { last: 4 } })
    expect(bench.reads.at(-1)).toMatchObject({ after: 4, upTo: 6, fromLeader: false })
    bench.clock.advance(4_999)
    expect(bench.answer(6).delivered).toEqual([4, 6, 8])
  })

  it('counts only what it did not have as progress, or a read that repeats itself would be asked for ever', () => {
    const bench = healing()
    bench.answer(2)
    expect(bench.reads).toHaveLength(1)
  })

  it('breaks at the deadline, and ignores the answer that comes after', () => {
    const bench = healing()
    bench.clock.advance(5_000)
    expect(bench.told).toEqual(['live', 'hole'])
    expect(bench.answer(4, 6).delivered).toEqual([])
    expect(bench.clock.count).toBe(0)
  })

  it('ignores answers to earlier questions and second answers', () => {
    const bench = healing()
    const [first] = bench.reads
    bench.fail().fail()
    bench.answer(4, 6) // while the retry waits
    expect(bench.delivered).toEqual([])
    bench.clock.advance(50)
    bench.feed.readDone(first?.question ?? -1, [])
    expect(bench.reads).toHaveLength(2)
    bench.openAt(2).receive(8, 6)
    bench.feed.readDone(bench.reads[1]?.question ?? -1, [])
    expect(bench.clock.count).toBe(1) // still the deadline alone: no retry was begun
  })

  it('breaks when too much waits, the message that showed the hole included', () => {
    const bench = healing({ maxHeldCount: 2 }).receive(10, 8)
    expect(bench.feed.kind).toBe('healing')
    expect(bench.receive(12, 10).told).toEqual(['live', 'overflow'])
  })

  it('finds the next hole among what waited, and what was seen meanwhile', () => {
    const bench = healing().receive(12, 10)
    bench.feed.seen(14)
    bench.answer(4, 6)
    expect(bench.reads.at(-1)).toMatchObject({ after: 8, upTo: 10 })
    bench.answer(10)
    expect(bench.reads.at(-1)).toMatchObject({ after: 12, upTo: 14 })
    expect(bench.answer(14)).toMatchObject({ delivered: [4, 6, 8, 10, 12, 14], told: ['live', 'live'] })
  })

  it('stops in the middle of a read when a delivery ends it', () => {
    const bench = healing()
    bench.onDeliver = () => bench.feed.close()
    expect(bench.answer(4, 6)).toMatchObject({ delivered: [4], feed: { kind: 'closed', last: 0 } })
  })

  it('carries nothing that waited into a new opening, since its numbering may be another one', () => {
    const bench = healing().receive(8, 6, 99n).receive(10, 8)
    bench.onBroken = () => bench.feed.open()
    bench.answer(4, 6)
    expect(bench).toMatchObject({ delivered: [4, 6, 8], told: ['live', 'rollback'] })
    bench.feed.opened(3)
    expect(bench.reads).toHaveLength(1) // nothing to heal: 10 came before the break
    expect(bench.feed.kind).toBe('live')
  })
})

describe('a channel that lingers', () => {
  const lingering = () => {
    const bench = new FeedBench().openAt(2)
    bench.feed.want(false)
    return bench
  }

  it('stays complete, so that who comes back resumes from the ring', () => {
    const bench = lingering().receive(4, 2)
    bench.feed.want(true)
    expect(bench).toMatchObject({ delivered: [4], feed: { kind: 'live' }, clock: { count: 0 } })
    expect(bench.feed.ring.after(2)).toHaveLength(1)
  })

  it('closes after its time and forgets where it stood', () => {
    const bench = lingering()
    bench.clock.advance(30_000)
    expect(bench).toMatchObject({ told: ['live', 'idle'], feed: { kind: 'closed', last: 0 } })
  })

  it('gives up on a gap and on a newer sequence seen, rather than heal for nobody', () => {
    expect(lingering().receive(8, 6)).toMatchObject({
      told: ['live', 'idle'],
      reads: [],
      clock: { count: 0 },
    })
    const bench = lingering()
    bench.feed.seen(4)
    expect(bench).toMatchObject({ told: ['live', 'idle'], reads: [], clock: { count: 0 } })
  })

  it('begins after healing or opening when everybody left meanwhile', () => {
    const bench = new FeedBench().openAt(2).receive(8, 6)
    bench.feed.want(false)
    expect(bench.answer(4, 6).feed.kind).toBe('lingering')
    bench.feed.close()
    expect(bench.openAt(2).feed.kind).toBe('lingering')
  })
})

const step = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      verb: fc.constantFrom('publish', 'arrive', 'answer'),
      n: fc.nat(9),
      how: fc.constantFrom('right', 'right', 'right', 'again', 'not'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      verb: fc.constantFrom('opened', 'open', 'seen'),
      n: fc.nat(3),
      how: fc.constant('right'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      verb: fc.constantFrom('timer', 'want', 'unwant', 'break', 'close'),
      n: fc.nat(2),
      how: fc.constant('right'),
    }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** Drives a feed at random and knows what it must have delivered. */
class Drive {
  readonly log = new ModelLog()
  readonly bench: FeedBench
  private readonly arriving: LogMessage[] = []
  private base = 0
  private before = { kind: 'closed', last: 0 }
  private heldSince = 0
  private received = 0

  constructor(private readonly maxHeldCount: number) {
    this.bench = new FeedBench({ maxHeldCount, ring: { maxCount: 3, maxBytes: 1_000 } })
    this.bench.onDeliver = ({ seq }) => {
      const { kind, last } = this.bench.feed
      if (kind !== 'live' && kind !== 'healing' && kind !== 'lingering')
        throw new Error(`F5: delivered while ${kind}`)
      if (last !== seq) throw new Error('F2')
    }
  }

  take({ verb, n, how }: Step): void {
    const { feed, clock } = this.bench
    if (verb === 'publish') this.publish(n % 3, how)
    else if (verb === 'arrive') this.arrive(n, how)
    else if (verb === 'answer') this.answer(n, how)
    else if (verb === 'open' && (feed.kind === 'closed' || feed.kind === 'broken')) this.open()
    else if (verb === 'opened') this.opened(n)
    else if (verb === 'seen') feed.seen(this.log.newest(n))
    else if (verb === 'timer') clock.fire(n)
    else if (verb === 'want') feed.want(true)
    else if (verb === 'unwant') feed.want(false)
    else if (verb === 'break') feed.break('epoch')
    else if (verb === 'close') feed.close()
    this.check(verb)
  }

  /** From here on everything is answered honestly. True when the channel got through without a break. */
  settle(): boolean {
    const { feed, clock } = this.bench
    feed.want(true)
    if (feed.kind === 'opening') this.opened(0)
    while (this.arriving.length > 0) this.take({ verb: 'arrive', n: 0, how: 'right' })
    feed.seen(this.log.newest())
    for (let turn = 0; feed.kind === 'healing'; turn++) {
      if (turn > 200) throw new Error('it never heals')
      if (this.bench.reads.length > 0) this.answer(0, 'right')
      else clock.fire(clock.count - 1)
      this.check('answer')
    }
    return feed.kind === 'live'
  }

  checkComplete(): void {
    expect(this.bench.delivered).toEqual(this.log.seqs(this.base))
    expect(this.bench.clock.count).toBe(0)
  }

  private publish(others: number, how: string): void {
    const message = this.log.append(others)
    if (how !== 'not') this.arriving.push(message)
    if (how === 'again') this.arriving.push(message)
  }

  private arrive(n: number, how: string): void {
    const index = n % Math.max(1, this.arriving.length)
    const message = this.arriving[index]
    if (message === undefined) return
    if (how !== 'again') this.arriving.splice(index, 1)
    if (how === 'not') return
    this.received += 1
    this.bench.feed.receive(message)
  }

  /** `again`: a prefix, or what a stale replica has; `not`: it failed. The leader is never stale. */
  private answer(n: number, how: string): void {
    const [range] = this.bench.reads.splice(n % Math.max(1, this.bench.reads.length), 1)
    if (range === undefined) return
    const { question, after, upTo, fromLeader }: HealRange = range
    const all = this.log.kept(after, upTo)
    const part = fromLeader ? all.slice(0, 1 + (n % 3)) : all.slice(0, n % 3)
    this.bench.feed.readDone(question, how === 'not' ? undefined : how === 'again' ? part : all)
  }

  private open(): void {
    this.bench.feed.open()
    this.bench.delivered.length = 0
    this.before = { ...this.before, last: 0 }
  }

  private opened(lag: number): void {
    if (this.bench.feed.kind === 'opening') this.base = this.log.position(lag)
    this.bench.feed.opened(this.log.position(lag))
  }

  private check(verb: string): void {
    const { feed, delivered, clock, reads } = this.bench
    const { kind, last } = feed
    if (kind === 'live' || kind === 'lingering' || kind === 'healing') {
      expect(delivered).toEqual(this.log.seqs(this.base, last)) // F1 and F2
      if (last < Math.max(this.base, this.before.last)) throw new Error('F2: last fell')
      const ring = feed.ring.after(feed.ring.floor)?.map(({ seq }) => seq)
      expect(ring).toEqual(this.log.seqs(feed.ring.floor, last))
    }
    const timers = { closed: [0], broken: [0], opening: [0], live: [0], lingering: [1], healing: [1, 2] }[
      kind
    ]
    if (!timers.includes(clock.count)) throw new Error(`F4: ${clock.count} timers while ${kind}`)
    if (kind === 'healing') for (const { upTo, after } of reads.slice(-1)) expect(upTo).toBeGreaterThan(after)
    const isStill = kind === this.before.kind && (kind === 'opening' || kind === 'healing')
    if (!isStill || verb === 'answer') this.heldSince = 0
    else this.heldSince += this.received
    this.received = 0
    if (this.heldSince > this.maxHeldCount) throw new Error('F3')
    this.before = { kind, last: kind === 'closed' || kind === 'opening' ? 0 : last }
  }
}

describe('under any order of events', () => {
  it('F1 to F5 hold, and what is answered honestly in the end is delivered whole', () => {
    let throughs = 0
    const steps = fc.array(step, { maxLength: 80, size: 'max' })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.nat(4), steps, (maxHeldCount, before, taken) => {
        const drive = new Drive(maxHeldCount)
        for (let n = 0; n < before; n++) drive.log.append(n)
        drive.take({ verb: 'open', n: 0, how: 'right' })
        for (const one of taken) drive.take(one)
        if (!drive.settle()) return
        throughs += 1
        drive.checkComplete()
      }),
      { numRuns: 1_000 },
    )
    expect(throughs).toBeGreaterThan(100) // else the law above was hardly tried
  }, 60_000)
})
