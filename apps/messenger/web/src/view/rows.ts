/**
 * A timeline as the rows that people see: day lines, notices, messages grouped by sender.
 */
import type { StoredMessage } from '../rooms/chat-message.js'
import type { OwnMessage, PlacedMessage, Timeline } from '../rooms/timeline.js'

export interface MessageRow {
  kind: 'message'
  key: string
  user: string
  name: string
  text: string
  at: number
  isMine: boolean
  /** The first of a group shows who wrote it. */
  startsGroup: boolean
  delivery: OwnMessage['delivery'] | undefined
}

export type Row = MessageRow | { kind: 'day'; key: string; at: number } | { kind: 'gap'; key: string }

/** A pause longer than this begins a new group. */
const GROUP_MS = 5 * 60_000

export function rowsOf(timeline: Timeline, me: string): Row[] {
  const rows: Row[] = []
  let previous: MessageRow | undefined
  let lastOffset = 0
  const add = (message: StoredMessage | OwnMessage, user: string, delivery: MessageRow['delivery']): void => {
    const { key, name, text, at } = message
    const isNewDay = at > 0 && !isSameDay(at, previous?.at ?? 0)
    if (isNewDay) rows.push({ kind: 'day', key: `day before ${key}`, at })
    const isSameSender = previous?.user === user && Math.abs(at - previous.at) < GROUP_MS
    const startsGroup = isNewDay || !isSameSender || rows.at(-1)?.kind !== 'message'
    previous = { kind: 'message', key, user, name, text, at, isMine: user === me, startsGroup, delivery }
    rows.push(previous)
  }
  const settled = timeline.own
    .filter(({ after }) => after !== undefined)
    .toSorted((a, b) => placeOf(a) - placeOf(b))
  const addSettled = (before: number): void => {
    for (let [next] = settled; next && placeOf(next) < before; [next] = settled) {
      add(next, me, next.delivery)
      settled.shift()
    }
  }
  for (const message of timeline.stored) {
    const { offset } = message
    addSettled(offset)
    if (timeline.gapsAfter.some((gap) => gap >= lastOffset && gap < offset))
      rows.push({ kind: 'gap', key: `gap before ${message.key}` })
    lastOffset = offset
    add(message, message.user, undefined)
  }
  if (timeline.gapsAfter.some((gap) => gap >= lastOffset)) rows.push({ kind: 'gap', key: 'gap at the end' })
  addSettled(Infinity)
  const waiting = timeline.own.find(({ delivery }) => delivery.kind === 'waiting')?.delivery
  for (const { delivery, ...message } of timeline.own.filter(({ after }) => after === undefined))
    add({ ...message, delivery }, me, delivery.kind === 'sending' ? (waiting ?? delivery) : delivery) // they wait for it
  return rows
}

const placeOf = ({ after = 0 }: PlacedMessage): number => after

function isSameDay(a: number, b: number): boolean {
  return new Date(a).toDateString() === new Date(b).toDateString()
}
