import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { evictedBetween } from './gaps.js'

describe('which holes are losses', () => {
  it('what eviction took before the first message that was read', () => {
    expect(evictedBetween(4, [9, 10], 9)).toEqual([{ from: 5, to: 8, reason: 'evicted' }])
  })

  it('what eviction took while the page was read', () => {
    expect(evictedBetween(4, [5, 6, 20, 21], 20)).toEqual([{ from: 7, to: 19, reason: 'evicted' }])
  })

  it('no hole that begins behind a message which is still there: a channel was removed', () => {
    expect(evictedBetween(4, [7, 9, 12], 1)).toEqual([])
    expect(evictedBetween(4, [7, 9, 12], 6)).toEqual([])
  })

  it('every sequence that eviction took is told, wherever in the page it came to it', () => {
    const stream = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), {
      minLength: 1,
      maxLength: 40,
      size: 'max',
    })
    fc.assert(
      fc.property(
        stream,
        fc.integer({ min: 0, max: 60 }),
        fc.array(fc.integer({ min: 0, max: 8 }), { maxLength: 40, size: 'max' }),
        (all, after, steps) => {
          let kept = all.toSorted((a, b) => a - b)
          const evicted = new Set<number>()
          const read: number[] = []
          for (let at = after, turn = 0; ; turn += 1) {
            for (const seq of kept.slice(0, steps[turn] ?? 0)) evicted.add(seq)
            kept = kept.slice(steps[turn] ?? 0)
            const next = kept.find((seq) => seq > at)
            if (next === undefined) break
            read.push(next)
            at = next
          }
          const gaps = evictedBetween(after, read, kept[0] ?? 61)
          const missed = [...evicted].filter(
            (seq) => seq > after && seq < (read.at(-1) ?? 0) && !read.includes(seq),
          )
          for (const seq of missed) expect(gaps.some(({ from, to }) => from <= seq && seq <= to)).toBe(true)
          for (const seq of read) expect(gaps.some(({ from, to }) => from <= seq && seq <= to)).toBe(false)
        },
      ),
    )
  })
})
