/**
 * What is said of many numbers. Pure.
 *
 * ST1. Percentiles are read from all raw samples at once: histograms of processes and runs are merged, their percentiles never averaged.
 */

export interface Summary {
  median: number
  min: number
  max: number
}

/** @throws RangeError when there are no values: nothing was measured, and that is not zero. */
export function summarize(values: readonly number[]): Summary {
  if (values.length === 0) throw new RangeError('No values: nothing was measured')
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const low = sorted[Math.floor(middle)] ?? Number.NaN
  const high = sorted[Math.ceil(middle)] ?? Number.NaN
  return { median: (low + high) / 2, min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN }
}

/** Counts of whole numbers, e.g. microseconds: exact below 2,048, within 0.1 % above. As pairs: it crosses processes and files. */
export type HistogramData = readonly (readonly [value: number, count: number])[]

const exactBelow = 2048
const significantBits = 11

/** The largest value that shares its place, so that a percentile is never told smaller than it was. */
function placeOf(value: number): number {
  const whole = Math.max(0, Math.round(value))
  if (whole < exactBelow) return whole
  const step = 2 ** (Math.floor(Math.log2(whole)) + 1 - significantBits)
  return (Math.floor(whole / step) + 1) * step - 1
}

export class Histogram {
  private readonly counts = new Map<number, number>()
  count = 0

  static merge(parts: readonly HistogramData[]): Histogram {
    const merged = new Histogram()
    for (const part of parts) for (const [value, count] of part) merged.add(value, count)
    return merged
  }

  record(value: number): void {
    this.add(placeOf(value), 1)
  }

  /** The smallest value that at least `share` (0 to 1) of all samples don't exceed. @throws RangeError without samples. */
  percentile(share: number): number {
    if (this.count === 0) throw new RangeError('No samples: nothing was measured')
    const wanted = Math.max(1, Math.ceil(share * this.count))
    let seen = 0
    for (const [value, count] of this.data()) {
      seen += count
      if (seen >= wanted) return value
    }
    throw new RangeError('A share is between 0 and 1')
  }

  data(): HistogramData {
    return [...this.counts].toSorted(([a], [b]) => a - b)
  }

  private add(value: number, count: number): void {
    this.counts.set(value, (this.counts.get(value) ?? 0) + count)
    this.count += count
  }
}
