import type { ArchiveGap } from '@natter/archive'

/**
 * Which holes between messages that were read are losses, and not the trace of a channel that was removed.
 *
 * A stream evicts from its start. So a hole that eviction made ends at the oldest message of that moment, and `firstSeq`, read
 * after the messages, is at or beyond that end. (A hole that was there before and that eviction has passed since is told as a gap
 * too: too much told is safe, too little is not.)
 *
 * @param after Sequence of the message before the first one.
 * @param seqs Of the messages read, ascending.
 */
export function evictedBetween(after: number, seqs: readonly number[], firstSeq: number): ArchiveGap[] {
  const gaps: ArchiveGap[] = []
  let before = after
  for (const seq of seqs) {
    if (seq > firstSeq) break
    if (seq > before + 1) gaps.push({ from: before + 1, to: seq - 1, reason: 'evicted' })
    before = seq
  }
  return gaps
}
