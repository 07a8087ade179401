import type { ArchiveBatch, ArchiveRow, Checkpoint } from '@natter/archive'
import { kindOfMeta, type StreamMessage } from '@natter/broker'
import { crc32 } from 'node:zlib'
import { evictedBetween } from './gaps.js'
import type { Selection } from './selection.js'
import { digestOf } from './verdict.js'

export interface BatchSource {
  after: Checkpoint
  /** At least one, ascending, above `after`. */
  messages: readonly StreamMessage[]
  /** The stream's oldest sequence, read after the messages. */
  firstSeq: number
}

/** Text for the store's JSON column, or undefined where it can't hold the data. */
export type ToJson = (data: Uint8Array) => string | undefined

/** What one transaction writes of a page of messages. */
export function batchOf(source: BatchSource, selection: Selection, toJson: ToJson): ArchiveBatch {
  const { after, messages, firstSeq } = source
  const rows: ArchiveRow[] = []
  for (const message of messages) {
    const row = rowOf(message, selection, toJson)
    if (row !== undefined) rows.push(row)
  }
  const seqs = messages.map(({ seq }) => seq)
  return {
    after,
    next: checkpointAfter(after, messages),
    rows,
    gaps: evictedBetween(after.seq, seqs, firstSeq),
  }
}

function checkpointAfter(after: Checkpoint, messages: readonly StreamMessage[]): Checkpoint {
  const last = messages.at(-1)
  if (last === undefined) return after
  let { rolling } = after
  for (const { body } of messages) rolling = crc32(body, rolling)
  return { epoch: after.epoch, seq: last.seq, timeNs: last.timeNs, digest: digestOf(last.body), rolling }
}

function rowOf(message: StreamMessage, selection: Selection, toJson: ToJson): ArchiveRow | undefined {
  const selected = selection.of(message.subject)
  if (selected === undefined) return undefined
  const { seq, timeNs, body, meta } = message
  // Who published without our header said nothing of a kind: bytes are always right.
  const kind = kindOfMeta(meta) ?? 'bin'
  const json = selected.hasJson && kind === 'json' ? toJson(body) : undefined
  const { namespace, channel } = selected
  const row: ArchiveRow = { seq, timeNs, namespace, channel, kind, data: body, meta: meta ?? '' }
  if (json !== undefined) row.json = json
  return row
}
