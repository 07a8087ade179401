/** What a run leaves for its judgement, and what the judgement may say. */
import type { HistoryEvent } from './history.js'

export interface StoredPublication {
  seq: number
  /** By the clock of NATS, the same machine's. */
  atMs: number
  channel: string
  /** The publisher's, from the data; '' when there is none. */
  id: string
  hash: string
}

export interface StreamContent {
  epoch: string
  /** Of all messages, also of those that are no publications. */
  lastSeq: number
  /** Ascending. */
  publications: readonly StoredPublication[]
}

export interface ArchivedRow {
  seq: number
  channel: string
  hash: string
}

export interface ArchiveContent {
  checkpointSeq: number
  rows: readonly ArchivedRow[]
  /** Rows that Postgres refused. */
  deadLetters: number
}

export interface Evidence {
  /** Read once, in order. */
  events: Iterable<HistoryEvent>
  stream: StreamContent
  /** Absent: nothing was archived in this run. */
  archive?: ArchiveContent
}

export type Rule =
  | 'acknowledged-not-stored'
  | 'acknowledged-before-stored'
  | 'refused-but-stored'
  | 'stored-twice'
  | 'order-of-calls'
  | 'invented'
  | 'altered'
  | 'misattributed'
  | 'missed'
  | 'doubled'
  | 'late'
  | 'uninvited'
  | 'unserved'
  | 'unrecovered'
  | 'other-epoch'
  | 'position-ahead'
  | 'archive-missing'
  | 'archive-twice'
  | 'archive-invented'
  | 'archive-checkpoint'

export interface Violation {
  rule: Rule
  /** Who, what, and between which events. */
  text: string
}

export type Report = (rule: Rule, text: string) => void

export const named = ({ id, seq, channel }: StoredPublication): string => `${id} (seq ${seq} of ${channel})`

/** The first few, and how many more. */
export const listed = (items: readonly string[]): string =>
  items.length <= 5 ? items.join(', ') : `${items.slice(0, 5).join(', ')} and ${items.length - 5} more`

export function grouped<T>(items: Iterable<T>, keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return groups
}
