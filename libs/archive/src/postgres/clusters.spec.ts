import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { clustersOf, inGrowingRuns, type Span } from './clusters.js'

const spans = fc.uniqueArray(
  fc
    .record({ day: fc.integer({ min: 20_000, max: 20_030 }), min: fc.nat(200), length: fc.nat(40) })
    .map(({ day, min, length }): Span => ({ day, min, max: min + length })),
  { selector: ({ day }) => day, maxLength: 20 },
)

describe('which days are read together', () => {
  it('those whose sequences overlap, however they do: read one after the other their publications would change places', () => {
    fc.assert(
      fc.property(spans, (all) => {
        const clusters = clustersOf(all, 'forward')
        for (const { day, min, max } of all) {
          const holding = clusters.filter((cluster) => cluster.min <= max && cluster.max >= min)
          expect(holding).toHaveLength(1)
          expect(holding[0]!.min <= min && max <= holding[0]!.max).toBe(true)
          expect(holding[0]!.fromDay <= day && day <= holding[0]!.toDay).toBe(true)
        }
        for (const [i, cluster] of clusters.entries()) {
          expect(cluster.min).toBeGreaterThan(clusters[i - 1]?.max ?? -1)
        }
        expect(clustersOf(all, 'backward')).toEqual(clusters.toReversed())
        expect([...inGrowingRuns(clusters)].flat()).toEqual(clusters)
      }),
    )
  })

  it('a few first, because most pages are full after a day, and never more than 64 at a time', () => {
    const quiet = Array.from({ length: 300 }, (_, day) => ({ day, min: day, max: day }))
    const sizes = [...inGrowingRuns(clustersOf(quiet, 'forward'))].map(({ length }) => length)
    expect(sizes).toEqual([1, 2, 4, 8, 16, 32, 64, 64, 64, 45])
  })
})
