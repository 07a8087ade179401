import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { Histogram, summarize } from '../../../bench/harness/statistics.js'

const samples = fc.array(fc.integer({ min: 0, max: 60_000_000 }), {
  minLength: 1,
  maxLength: 300,
  size: 'max',
})

function histogramOf(values: readonly number[]): Histogram {
  const histogram = new Histogram()
  for (const value of values) histogram.record(value)
  return histogram
}

describe('percentiles', () => {
  it('are those of the sorted samples, never below them and at most 0.1 % above, because a bar is judged by them', () => {
    fc.assert(
      fc.property(samples, fc.constantFrom(0.5, 0.9, 0.99, 1), (values, share) => {
        const sorted = values.toSorted((a, b) => a - b)
        const exact = sorted[Math.max(1, Math.ceil(share * values.length)) - 1] ?? 0
        const told = histogramOf(values).percentile(share)
        expect(told).toBeGreaterThanOrEqual(exact)
        expect(told).toBeLessThanOrEqual(exact * 1.001 + 1)
      }),
    )
  })

  it('of several processes are read from all samples at once, as if one process had seen them', () => {
    fc.assert(
      fc.property(samples, samples, fc.double({ min: 0.01, max: 1, noNaN: true }), (one, other, share) => {
        const merged = Histogram.merge([histogramOf(one).data(), histogramOf(other).data()])
        expect(merged.percentile(share)).toBe(histogramOf([...one, ...other]).percentile(share))
        expect(merged.count).toBe(one.length + other.length)
      }),
    )
  })

  it('of nothing are an error, because no sample is not a fast one', () => {
    expect(() => new Histogram().percentile(0.5)).toThrow('nothing was measured')
    expect(() => summarize([])).toThrow('nothing was measured')
  })
})

describe('a summary of runs', () => {
  it('is the middle run and the two outermost, whatever their order', () => {
    expect(summarize([5, 1, 3])).toEqual({ median: 3, min: 1, max: 5 })
    expect(summarize([4, 2])).toEqual({ median: 3, min: 2, max: 4 })
  })
})
