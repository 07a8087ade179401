/**
 * A history, read page by page: a page of the API is bounded by the gateway, whatever is asked for.
 *
 * RH1. What was shown has been in one page each, with offsets that only go one way: nothing is shown twice.
 */
import type { Position } from '../cli/values.js'
import type { ApiPublication, HistoryPage } from './methods.js'

export interface HistoryQuery {
  /** 0: only the position. */
  readonly limit: number
  readonly reverse?: boolean
  readonly since?: Position
}

export type AskHistory = (query: HistoryQuery) => Promise<HistoryPage>

/** Up to `limit` of them in the order of the query, and the position of the channel when the last page was read. */
export async function readHistory(
  ask: AskHistory,
  { limit, reverse = false, since }: HistoryQuery,
): Promise<HistoryPage> {
  const publications: ApiPublication[] = []
  let from = since
  for (;;) {
    const page = await ask({
      limit: limit - publications.length,
      ...(reverse ? { reverse } : {}),
      ...(from === undefined ? {} : { since: from }),
    })
    publications.push(...page.publications)
    const last = page.publications.at(-1)
    const isEnd =
      last === undefined || publications.length >= limit || (!reverse && last.offset >= page.offset)
    if (isEnd || last.offset <= 1) return { ...page, publications: publications.slice(0, limit) }
    from = { offset: last.offset, epoch: page.epoch }
  }
}
