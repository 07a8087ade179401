import { describe, expect, it } from '@jest/globals'
import { ManualClock } from '@natter/testing'
import fc from 'fast-check'
import { Gather, type GatherOptions, type GatherTarget } from './gather.js'
import type { NodeMessage } from './node-message.js'

const options: GatherOptions = { fromSubscribers: 100, forMs: 1, maxCount: 4 }

function start(counts: Record<string, number>) {
  const clock = new ManualClock(0)
  const arrived: string[] = []
  const failures: string[] = []
  const gather = new Gather(
    {
      subscriberCount: (channel) => counts[channel] ?? 0,
      failed: ({ name }, error) => void failures.push(`${name}: ${String(error)}`),
    },
    clock,
    options,
  )
  const target = (name: string): GatherTarget => ({
    name,
    route: { stream: 'S', subject: 's', liveSubject: `l.${name}`, epoch: 'e', shard: 0 },
    arrived: ({ seq }) => {
      if (seq === 0) throw new Error('no')
      arrived.push(`${name}${seq}`)
    },
  })
  /** A burst was there, and is over: the next may be one again. */
  const afterBurst = () => {
    const other = target('other')
    counts['other'] = options.fromSubscribers
    for (const seq of [1, 2]) gather.take(other, message(seq))
    clock.advance(10)
    arrived.splice(0)
  }
  return { afterBurst, arrived, clock, failures, gather, target }
}

const message = (seq: number): NodeMessage => ({
  seq,
  prev: seq - 1,
  timeNs: 0n,
  bytes: 1,
  publication: { data: Buffer.from('1') },
})

describe('a publication that arrived', () => {
  it('goes on at once where few subscribe, because a wait would cost more than a write', () => {
    const { arrived, gather, target } = start({ few: 99 })
    gather.take(target('few'), message(1))
    expect(arrived).toEqual(['few1'])
  })

  it('waits for what follows where many subscribe, so that a burst is one write to each', () => {
    const { afterBurst, arrived, clock, gather, target } = start({ many: 100 })
    afterBurst()
    const many = target('many')
    gather.take(many, message(1))
    gather.take(many, message(2))
    expect(arrived).toEqual([])
    clock.advance(1)
    expect(arrived).toEqual(['many1', 'many2'])
  })

  it('goes on at once where many subscribe and it comes alone, because nothing would follow (G5)', () => {
    const { afterBurst, arrived, clock, gather, target } = start({ many: 100 })
    const many = target('many')
    gather.take(many, message(1))
    expect(arrived).toEqual(['many1'])
    clock.advance(20)
    gather.take(many, message(2))
    expect(arrived).toEqual(['many1', 'many2'])
    afterBurst()
    gather.take(many, message(3))
    clock.advance(1)
    expect(arrived).toEqual(['many3'])
    clock.advance(20)
    gather.take(many, message(4))
    expect(arrived).toEqual(['many3', 'many4'])
  })

  it('waits for no more than the bound, because what waits is held twice (G2)', () => {
    const { afterBurst, arrived, clock, gather, target } = start({ many: 100 })
    afterBurst()
    const many = target('many')
    for (const seq of [1, 2, 3, 4, 5]) gather.take(many, message(seq))
    expect(arrived).toEqual(['many1', 'many2', 'many3', 'many4'])
    clock.advance(1)
    expect(arrived).toHaveLength(5)
  })

  it('is not held up by one whose channel fails', () => {
    const { afterBurst, arrived, clock, failures, gather, target } = start({ many: 100 })
    afterBurst()
    gather.take(target('many'), message(0))
    gather.take(target('many'), message(1))
    clock.advance(1)
    expect(failures).toEqual(['many: Error: no'])
    expect(arrived).toEqual(['many1'])
  })

  it('never reaches a channel that was forgotten while it waited, and reaches the others (G4)', () => {
    const { afterBurst, arrived, clock, gather, target } = start({ many: 100 })
    afterBurst()
    const [gone, here] = [target('many'), target('many')]
    gather.take(gone, message(1))
    gather.take(here, message(2))
    gather.forget(gone)
    clock.advance(1)
    expect(arrived).toEqual(['many2'])
  })

  it('never arrives after a stop', () => {
    const { afterBurst, arrived, clock, gather, target } = start({ many: 100 })
    afterBurst()
    gather.take(target('many'), message(1))
    gather.stop()
    clock.advance(10)
    expect(arrived).toEqual([])
  })

  it('keeps its place, however many subscribe when it comes (G1)', () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('take' as const),
        name: fc.constantFrom('a', 'b'),
        count: fc.constantFrom(1, 100),
      }),
      fc.record({ kind: fc.constant('wait' as const) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
        const counts: Record<string, number> = {}
        const { afterBurst, arrived, clock, gather, target } = start(counts)
        afterBurst()
        const targets = { a: target('a'), b: target('b') }
        const sent: string[] = []
        for (const one of steps) {
          if (one.kind === 'wait') clock.advance(1)
          else {
            counts[one.name] = one.count
            sent.push(`${one.name}${sent.length + 1}`)
            gather.take(targets[one.name], message(sent.length))
          }
        }
        clock.advance(1)
        expect(arrived).toEqual(sent)
      }),
    )
  })
})
