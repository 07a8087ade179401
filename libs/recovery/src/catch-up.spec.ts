import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { settled, SpliceWorld, type Subscriber, type WorldOptions } from '../test/splice-world.js'

const wide: WorldOptions = { ringCount: 128, page: { count: 100, bytes: 65_536 } }

/** A live channel with `count` messages, the first at sequence 2, all odd sequences being another channel's. */
async function liveWorld(count: number, options: WorldOptions = wide): Promise<SpliceWorld> {
  const world = new SpliceWorld(options)
  world.open()
  await world.turn(0)
  for (let n = 0; n < count; n++) world.publish(1, 1)
  while (world.turns.length > 0) await world.turn(0)
  return world
}

/** As `liveWorld`, but the node opened the channel after the messages: its ring is empty. */
async function freshWorld(count: number, options: WorldOptions = wide): Promise<SpliceWorld> {
  const world = new SpliceWorld(options)
  for (let n = 0; n < count; n++) world.log.append(1)
  world.open()
  await world.turn(0)
  return world
}

async function finish(world: SpliceWorld, subscriber: Subscriber): Promise<Subscriber> {
  await settled()
  while (subscriber.end === undefined && world.turns.length > 0) await world.turn(0)
  return subscriber
}

describe('the way into a channel', () => {
  it('joins at the newest position when nothing is to be recovered', async () => {
    const world = await liveWorld(3)
    const ana = await finish(world, world.subscribe(undefined))
    expect(ana.outcome).toEqual({ messages: [], offset: 6 })
    world.publish(0, 1)
    await world.turn(0)
    expect(ana.received).toEqual([7])
  })

  it('recovers from the ring without asking the log', async () => {
    const world = await liveWorld(3)
    const ana = world.subscribe(2)
    await settled()
    expect(world.turns).toHaveLength(0)
    expect(ana).toMatchObject({ end: 'joined', outcome: { recovered: true, offset: 2 }, received: [4, 6] })
  })

  it('takes a position between two messages for what it is: a position', async () => {
    const world = await liveWorld(3)
    const ana = await finish(world, world.subscribe(3))
    expect(ana).toMatchObject({ outcome: { recovered: true }, received: [4, 6] })
  })

  it('recovers from the log what the ring does not cover, and the rest from the ring', async () => {
    const world = await freshWorld(3)
    const ana = world.subscribe(2)
    await settled()
    world.publish(1, 0) // stored and delivered while the log is asked
    world.feed.receive(world.log.messages[3] as never)
    await finish(world, ana)
    expect(ana).toMatchObject({ end: 'joined', outcome: { recovered: true }, received: [4, 6, 8] })
  })

  it('follows a client that is ahead of this node instead of sending it what it has', async () => {
    const world = await liveWorld(2)
    world.publish(1, 0)
    const ana = await finish(world, world.subscribe(6))
    expect(ana).toMatchObject({ end: 'joined', outcome: { recovered: true, messages: [] }, received: [] })
    expect(world.last).toBe(6)
  })

  it("does not recover a position beyond the stream's end, for it is of another numbering", async () => {
    const world = await liveWorld(2)
    const ana = await finish(world, world.subscribe(99))
    expect(ana.outcome).toEqual({ recovered: false, messages: [], offset: 4 })
  })

  it('joins nobody into a channel that opens anew while it looked for the end', async () => {
    const world = await liveWorld(2)
    const ana = world.subscribe(99)
    await settled()
    await world.turn(0)
    world.feed.break('hole')
    const [answer, opened] = world.turns
    world.turns.length = 0
    answer?.()
    await settled()
    expect(ana.outcome).toBeUndefined() // its offset would be 0: a later resume would recover the whole archive
    opened?.()
    await settled()
    expect(ana).toMatchObject({ problems: [], outcome: { recovered: false, offset: 4 } })
  })

  it('sends nothing twice when the channel opens anew at a stale position behind the client', async () => {
    const world = await freshWorld(4, { ...wide, ringCount: 2 })
    const ana = world.subscribe(4)
    await settled()
    world.lag = 2
    world.feed.break('hole') // reopens at 4, and so `last` falls below what the read brings
    await world.settle()
    expect(ana.received).toEqual([6, 8])
    expect(world.last).toBe(8)
  })

  it.each([
    ['exactly the cap is recovered', 2, true, [6, 8]],
    ['one more than the cap is not', 1, false, []],
  ])('%s, from the log as from the ring', async (_, count, recovered, received) => {
    for (const build of [liveWorld, freshWorld]) {
      const world = await build(4, { ...wide, cap: { count, bytes: 65_536 } })
      const ana = await finish(world, world.subscribe(4))
      expect(ana).toMatchObject({ end: 'joined', outcome: { recovered }, received })
    }
  })

  it('counts what the ring gained during the read towards the cap', async () => {
    const world = await freshWorld(3, { ...wide, cap: { count: 2, bytes: 65_536 } })
    const ana = world.subscribe(2)
    await settled()
    world.feed.receive(world.log.append())
    await finish(world, ana)
    expect(ana.outcome).toEqual({ recovered: false, messages: [], offset: 7 })
  })

  it('does not recover what is larger than the cap', async () => {
    const world = await freshWorld(4, { ...wide, cap: { count: 10, bytes: 15 } })
    expect((await finish(world, world.subscribe(4))).outcome?.recovered).toBe(false)
  })

  it('does not recover what is older than the history may be', async () => {
    for (const build of [liveWorld, freshWorld]) {
      const world = await build(4, { ...wide, cap: { count: 10, bytes: 65_536 }, oldestNs: 6_000n })
      expect((await finish(world, world.subscribe(4))).outcome?.recovered).toBe(true)
      expect((await finish(world, world.subscribe(2))).outcome?.recovered).toBe(false)
    }
  })

  it('does not recover what the stream may have forgotten, even if what it still has looks complete', async () => {
    const world = await freshWorld(4)
    world.log.evictBelow(6)
    expect((await finish(world, world.subscribe(3))).outcome?.recovered).toBe(false)
    expect(await finish(world, world.subscribe(5))).toMatchObject({
      outcome: { recovered: true },
      received: [6, 8],
    })
  })

  it('looks at the oldest sequence after the messages, because the stream forgets meanwhile', async () => {
    const world = await freshWorld(4)
    const ana = world.subscribe(4)
    await settled()
    await world.turn(0)
    world.log.evictBelow(8)
    await finish(world, ana)
    expect(ana.outcome).toEqual({ recovered: false, messages: [], offset: 8 })
  })

  it('sends a long recovery in pages, the first with the reply, and joins after the last', async () => {
    const world = await freshWorld(5, { ...wide, page: { count: 2, bytes: 65_536 } })
    const ana = await finish(world, world.subscribe(0))
    expect(ana.outcome?.messages.map(({ seq }) => seq)).toEqual([2, 4])
    expect(ana).toMatchObject({ end: 'joined', received: [2, 4, 6, 8, 10], largestSend: 2 })
  })

  it('never sends more than a page at once, whatever the ring gained during the read', async () => {
    const world = await freshWorld(2, { ...wide, page: { count: 2, bytes: 65_536 } })
    const ana = world.subscribe(0)
    await settled()
    for (let n = 0; n < 3; n++) world.feed.receive(world.log.append())
    await finish(world, ana)
    expect(ana).toMatchObject({ end: 'joined', received: [2, 4, 5, 6, 7], largestSend: 2 })
  })

  it('tells of a hole that is found after the reply, so that the client resumes from where it stands', async () => {
    const world = await freshWorld(5, { ...wide, page: { count: 2, bytes: 65_536 } })
    const ana = world.subscribe(0)
    await settled()
    while (ana.outcome === undefined) await world.turn(0)
    world.log.evictBelow(8)
    await finish(world, ana)
    expect(ana).toMatchObject({ end: 'hole', received: [2, 4], hasJoined: false })
  })

  it('ends with a hole when the log goes away after the reply, because a command is answered once', async () => {
    const world = await freshWorld(5, { ...wide, page: { count: 2, bytes: 65_536 } })
    const ana = world.subscribe(0)
    await settled()
    while (ana.outcome === undefined) await world.turn(0)
    world.failures = 1
    await finish(world, ana)
    expect(ana).toMatchObject({ end: 'hole', problems: [] })
  })

  it('refuses when the log is away before anything was replied', async () => {
    const world = await freshWorld(5)
    const ana = world.subscribe(0)
    world.failures = 1
    await finish(world, ana)
    expect(ana).toMatchObject({ end: 'refused', outcome: undefined })
  })

  it.each([undefined, 2, 4, 8, 99])('leaves alone who went away at any turn (from %s)', async (from) => {
    for (let turnsBefore = 0; turnsBefore < 12; turnsBefore++) {
      const world = await freshWorld(4, { ...wide, page: { count: 1, bytes: 65_536 } })
      const ana = world.subscribe(from)
      if (turnsBefore > 0) await settled()
      for (let n = 1; n < turnsBefore; n++) await world.turn(0)
      if (ana.end !== undefined) break
      world.leave(ana)
      await finish(world, ana)
      expect(ana).toMatchObject({ end: 'left', problems: [], hasJoined: false })
    }
  })

  it('waits while the channel heals, and answers with what was healed', async () => {
    const world = await liveWorld(2)
    world.publish(1, 0)
    world.publish(1, 1)
    await world.turn(0)
    const ana = world.subscribe(2)
    await settled()
    expect(world.kind).toBe('healing')
    expect(ana.outcome).toBeUndefined()
    await world.settle()
    expect(ana.received).toEqual([4, 6, 8])
  })
})

const action = fc.oneof(
  { weight: 12, arbitrary: fc.record({ verb: fc.constant('turn' as const), n: fc.nat(50) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      verb: fc.constant('publish' as const),
      n: fc.nat(2),
      copies: fc.constantFrom(0, 1, 1, 1, 2),
    }),
  },
  { weight: 4, arbitrary: fc.record({ verb: fc.constant('subscribe' as const), n: fc.nat(30) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      verb: fc.constantFrom(
        'fresh',
        'leave',
        'break',
        'lag',
        'fail',
        'tire',
        'timer',
        'pad',
        'evict',
        'seen',
      ),
      n: fc.nat(3),
    }),
  },
)
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never

async function act(world: SpliceWorld, step: Action): Promise<void> {
  const { log } = world
  switch (step.verb) {
    case 'turn':
      return world.turn(step.n)
    case 'publish':
      return world.publish(step.n, step.copies)
    case 'subscribe': // any position up to the end, and now and then one beyond it
      return void world.subscribe(Math.max(0, log.top + 1 - step.n))
    case 'fresh':
      return void world.subscribe(undefined)
    case 'leave': {
      const leaving = world.subscribers.at(-1 - step.n)
      return leaving && world.leave(leaving)
    }
    case 'break':
      return world.feed.break('hole')
    case 'lag':
      world.lag = step.n
      return
    case 'fail':
      world.failures += step.n
      return
    case 'tire':
      return world.tire()
    case 'timer':
      return world.clock.fire(step.n)
    case 'pad':
      return log.pad(step.n)
    case 'evict':
      return log.evictBelow(log.messages.at(-4 - 4 * step.n)?.seq ?? 1)
    case 'seen':
      return world.feed.seen(log.newest())
  }
}

/** Whatever was sent so far is what the log has above the position, from its first message on, in order. */
function checkSoFar(world: SpliceWorld): void {
  for (const { base, received, problems } of world.subscribers) {
    if (problems.length > 0) throw new Error(problems.join(', '))
    const due = base === undefined ? [] : world.log.seqs(base)
    if (received.some((seq, index) => seq !== due[index]))
      throw new Error(`above ${base}: got ${received.join()} of ${due.join()}`)
  }
}

describe('the splice', () => {
  it('gives each subscriber each message above its position once and in order, in any interleaving', async () => {
    const worlds = fc.record({
      ringCount: fc.constantFrom(1, 2, 4, 100),
      pageCount: fc.constantFrom(1, 2, 3, 50),
      cap: fc.option(fc.integer({ min: 1, max: 8 }), { freq: 3, nil: undefined }),
      before: fc.nat(6),
      actions: fc.array(action, { maxLength: 70, size: 'max' }),
    })
    await fc.assert(
      fc.asyncProperty(worlds, async ({ ringCount, pageCount, cap, before, actions }) => {
        const world = new SpliceWorld({
          ringCount,
          page: { count: pageCount, bytes: 65_536 },
          ...(cap === undefined ? {} : { cap: { count: cap, bytes: 65_536 } }),
        })
        for (let n = 0; n < before; n++) world.log.append(n % 3)
        world.open()
        for (const step of actions) {
          await act(world, step)
          checkSoFar(world)
        }
        await world.settle()
        checkSoFar(world)
        for (const subscriber of world.subscribers) {
          const { base, received, end, hasJoined, isHere, largestSend } = subscriber
          expect(end).toBeDefined()
          if (cap === undefined) expect(largestSend).toBeLessThanOrEqual(pageCount)
          if (end !== 'joined' || !isHere) continue
          expect(hasJoined).toBe(true)
          expect(received).toEqual(world.log.seqs(base ?? NaN))
        }
      }),
      { numRuns: 1_000 },
    )
  }, 60_000)
})
