/**
 * What a room shows: stored messages, and own ones that have not come back yet.
 *
 * T1. `stored` rises in offset, whatever order pages of history, recovered and live publications arrive in.
 * T2. Each message (sender and id) is there once; of two publications of one message the earlier stays.
 * T3. An own message is in `own` or in `stored`, never in both.
 * T4. One that the server has said its last word on, without storing it, keeps its place among those that are stored.
 */
import type { StoredMessage } from './chat-message.js'

export interface OwnMessage {
  key: string
  id: string
  text: string
  name: string
  at: number
  delivery:
    | { kind: 'sending' }
    /** Sent at least once without an answer, or not sent for want of a connection: it will be sent again. */
    | { kind: 'waiting'; /** The server itself said "not now". */ isHeld: boolean }
    /** Acknowledged: stored, its publication is on the way. */
    | { kind: 'stored' }
    | { kind: 'refused'; reason: string }
    /** A question to the bot: not stored, and seen by its writer alone, as the answer is. */
    | { kind: 'answered'; answer: string }
}

/** `after`: the offset that it stands behind; absent = behind all (T4). */
export interface PlacedMessage extends OwnMessage {
  after?: number
}

export interface Timeline {
  readonly stored: readonly StoredMessage[]
  readonly own: readonly PlacedMessage[]
  /** Of the newest history page; '' before the first. */
  readonly epoch: string
  readonly hasOlder: boolean
  /** After each of these offsets something may be missing. */
  readonly gapsAfter: readonly number[]
}

export const EMPTY_TIMELINE: Timeline = { stored: [], own: [], epoch: '', hasOlder: false, gapsAfter: [] }

export interface HistoryPage {
  readonly messages: readonly StoredMessage[]
  readonly epoch: string
  /** Whether the server may have more before it. */
  readonly hasOlder: boolean
}

export function addStored(timeline: Timeline, messages: readonly StoredMessage[]): Timeline {
  if (messages.length === 0) return timeline
  return {
    ...timeline,
    stored: merge(timeline.stored, messages),
    own: withoutArrived(timeline.own, messages),
  }
}

/** A page of history: the newest one also tells the epoch; each tells whether there is more before it. */
export function addHistory(timeline: Timeline, page: HistoryPage): Timeline {
  return { ...addStored(timeline, page.messages), epoch: page.epoch, hasOlder: page.hasOlder }
}

/**
 * Starts again from the newest page after the server could not prove that nothing was missed since `lastSeen` (an offset).
 * What was on the page before is dropped with it: its offsets may belong to another epoch, and older pages can be read
 * again.
 */
export function restartFrom(timeline: Timeline, page: HistoryPage, lastSeen: number): Timeline {
  const isSameLog = page.epoch === timeline.epoch
  const gapsAfter = isSameLog ? [...timeline.gapsAfter, lastSeen] : [0]
  const restarted = { ...addHistory({ ...EMPTY_TIMELINE, own: timeline.own }, page), gapsAfter }
  return isSameLog
    ? restarted
    : { ...restarted, own: restarted.own.map((each) => placed(each, restarted.stored)) }
}

/** Own messages change only here. What has already come back is not taken in again (T3). */
export function withOwn(timeline: Timeline, own: readonly OwnMessage[]): Timeline {
  const known = new Set(timeline.stored.map(({ key }) => key))
  const places = new Map(timeline.own.map(({ key, after }) => [key, after]))
  const unknown = own.filter(({ key }) => !known.has(key))
  return { ...timeline, own: unknown.map((each) => placed(each, timeline.stored, places.get(each.key))) }
}

/** T4 */
function placed(
  message: OwnMessage,
  stored: readonly StoredMessage[],
  after = stored.at(-1)?.offset ?? 0,
): PlacedMessage {
  const { kind } = message.delivery
  const { after: _before, ...plain } = message as PlacedMessage
  return kind === 'refused' || kind === 'answered' ? { ...plain, after } : plain
}

function merge(stored: readonly StoredMessage[], fresh: readonly StoredMessage[]): StoredMessage[] {
  const rising = [...stored, ...fresh].toSorted((a, b) => a.offset - b.offset)
  const seen = new Set<string>()
  const offsets = new Set<number>()
  return rising.filter(({ key, offset }) => {
    if (seen.has(key) || offsets.has(offset)) return false
    seen.add(key)
    offsets.add(offset)
    return true
  })
}

function withoutArrived(
  own: readonly PlacedMessage[],
  fresh: readonly StoredMessage[],
): readonly PlacedMessage[] {
  if (own.length === 0) return own
  const arrived = new Set(fresh.map(({ key }) => key))
  return own.filter(({ key }) => !arrived.has(key))
}
