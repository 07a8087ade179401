/**
 * What is kept of a channel, page by page.
 *
 * H1. Ends at what was the newest when it began: a busy channel doesn't hold a reader for ever.
 * H2. A page may be shorter than asked (the server's bounds), so only an empty one is the end.
 * H3. All pages are of one epoch: if the stream is replaced meanwhile, the server refuses (112) rather than mix two.
 */
import type { HistoryOptions, HistoryResult, StreamPosition } from 'centrifuge'
import { publicationOf, type Publication } from './publication.js'

export interface HistoryQuery {
  /** How many at most; absent = all that may be read. */
  limit?: number
  /** Newest first. Default false. */
  isReverse?: boolean
  /** Behind this place; with `isReverse` before it. */
  since?: StreamPosition
  /** Publications asked for at a time, 1–300. Default 100. */
  pageSize?: number
}

export type { StreamPosition }

type Ask = (options: HistoryOptions) => Promise<HistoryResult>

export async function* readHistory<Data, Info>(
  ask: Ask,
  channel: string,
  { limit = Number.POSITIVE_INFINITY, isReverse = false, since, pageSize = 100 }: HistoryQuery = {},
): AsyncGenerator<Publication<Data, Info>, void> {
  let left = limit
  let position = since
  let top: number | undefined
  while (left > 0) {
    const options = { limit: Math.min(left, pageSize), reverse: isReverse }
    const page = await ask(position === undefined ? options : { ...options, since: position })
    top ??= page.offset // H1
    for (const context of page.publications) {
      if (!isReverse && (context.offset ?? 0) > top) return
      yield publicationOf<Data, Info>(context, channel)
      left -= 1
    }
    const last = page.publications.at(-1)?.offset
    if (last === undefined || (!isReverse && last >= top) || (isReverse && last <= 1)) return // H2
    position = { offset: last, epoch: page.epoch } // H3
  }
}
