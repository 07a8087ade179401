/**
 * Whether a stream still stores what it is sent, judged by how appends end. Pure; `stalls.ts` keeps it and tells.
 *
 * T1. A stream stalls when several appends in a row ended unknown over some seconds and none was stored meanwhile. One lost answer is
 *     no trouble, and nor is a stream that nobody writes into.
 * T2. Only an append that was stored proves that it stores: a duplicate is recognised and a refusal given without writing anything.
 * T3. What nobody tried for `FORGET_MS` isn't known any more: neither a doubt nor a stall lives longer than that without a try. Each
 *     costs its sender seconds, so the mesh doesn't try by itself.
 */
export interface Stall {
  is: 'doubted' | 'stalled'
  /** When the first of these appends was given up. */
  sinceMs: number
  /** When the last one was. */
  lastMs: number
  tries: number
}

/** An append is given up after 3 s: this long after the first, nothing was stored for 10 s. */
const STALL_MS = 7_000
const STALL_TRIES = 3
export const FORGET_MS = 60_000

/** The sentence for who has to mend it. */
export const STALL_ADVICE =
  'NATS is connected and stores nothing: look at its disk and its log; if the disk has room, restart nats-server. What was acknowledged is stored'

/** After one more append that ended unknown; undefined = the stream was trusted. */
export function afterUnknown(before: Stall | undefined, nowMs: number): Stall {
  if (before === undefined || isForgotten(before, nowMs)) {
    return { is: 'doubted', sinceMs: nowMs, lastMs: nowMs, tries: 1 } // T3
  }
  const tries = before.tries + 1
  const isLong = nowMs - before.sinceMs >= STALL_MS && tries >= STALL_TRIES
  const is = before.is === 'stalled' || isLong ? 'stalled' : 'doubted' // T1
  return { is, sinceMs: before.sinceMs, lastMs: nowMs, tries }
}

/** T3 */
export function isForgotten({ lastMs }: Stall, nowMs: number): boolean {
  return nowMs - lastMs >= FORGET_MS
}
