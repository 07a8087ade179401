/**
 * Which days to read, in which order: pure. Time isn't order (a clock may be set back), so the days of a run of sequences may
 * overlap; those that do are read as one.
 */
export interface Span {
  /** Days since 1970. */
  day: number
  /** The sequences it holds lie between these, both included. */
  min: number
  max: number
}

/** Days whose sequences overlap. Those of two clusters don't. */
export interface Cluster {
  fromDay: number
  toDay: number
  min: number
  max: number
}

/** In reading order. */
export function clustersOf(spans: readonly Span[], direction: 'forward' | 'backward'): Cluster[] {
  const clusters: Cluster[] = []
  for (const { day, min, max } of spans.toSorted((a, b) => a.min - b.min)) {
    const last = clusters.at(-1)
    if (last === undefined || min > last.max) {
      clusters.push({ fromDay: day, toDay: day, min, max })
    } else {
      last.fromDay = Math.min(last.fromDay, day)
      last.toDay = Math.max(last.toDay, day)
      last.max = Math.max(last.max, max)
    }
  }
  return direction === 'forward' ? clusters : clusters.toReversed()
}

const LONGEST_RUN = 64

/** Most pages are full after the first day; a quiet channel shouldn't cost one query for each of a thousand. */
export function* inGrowingRuns(clusters: readonly Cluster[]): Generator<readonly Cluster[]> {
  let size = 1
  for (let at = 0; at < clusters.length;) {
    yield clusters.slice(at, at + size)
    at += size
    size = Math.min(size * 2, LONGEST_RUN)
  }
}
