/** What of a run of publications fits a page, and what every implementation says of gaps: pure. */
import type { ArchiveGap, ArchiveQuery, Publication } from './archive.js'

/** The first ones within `limit` and `maxBytes` of data, and one at least unless `limit` is 0. */
export function fitPage(
  publications: readonly Publication[],
  { limit, maxBytes }: { limit: number; maxBytes: number },
): { taken: Publication[]; isAll: boolean } {
  const taken: Publication[] = []
  let bytes = 0
  for (const publication of publications) {
    bytes += publication.data.length
    if (taken.length >= limit || (taken.length > 0 && bytes > maxBytes)) return { taken, isAll: false }
    taken.push(publication)
  }
  return { taken, isAll: true }
}

/** The part of each gap that lies within `after < seq ≤ upTo`, ascending. */
export function clipGaps(gaps: readonly ArchiveGap[], { after, upTo }: ArchiveQuery): ArchiveGap[] {
  return gaps
    .map((gap) => ({ ...gap, from: Math.max(gap.from, after + 1), to: Math.min(gap.to, upTo) }))
    .filter(({ from, to }) => from <= to)
    .toSorted((a, b) => a.from - b.from || a.to - b.to)
}
