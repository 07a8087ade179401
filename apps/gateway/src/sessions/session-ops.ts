/**
 * What a gateway writes down of the connections and subscriptions that apps want to hear the end of. Pure: how it is written, and what
 * is still open by it.
 *
 * O1. An operation says the same twice: what is read may begin in the middle of a snapshot, or hold a batch two times.
 * O2. A connection ends after its subscriptions: they need to know who it was.
 */
import type { Caller } from '@natter/hooks'

/** Numbers are given once in a life. */
export type SessionOp =
  | { op: 'connection'; n: number; caller: Caller }
  | { op: 'subscription'; n: number; connection: number; namespace: string; channel: string }
  | { op: 'end'; n: number }

export type OpenOp = Exclude<SessionOp, { op: 'end' }>

/** One entry holds at most about this much. */
export const maxEntryBytes = 262_144

/** The entries that hold these operations: JSON texts of arrays. */
export function entriesOf(texts: readonly string[]): Uint8Array[] {
  const entries: Uint8Array[] = []
  for (let from = 0; from < texts.length;) {
    const count = fitting(texts, from)
    entries.push(Buffer.from(`[${texts.slice(from, from + count).join(',')}]`, 'utf8'))
    from += count
  }
  return entries
}

/** How many of the texts from there on go into one entry: one at least. */
export function fitting(texts: readonly string[], from: number): number {
  let bytes = 0
  for (let at = from; at < texts.length; at += 1) {
    bytes += Buffer.byteLength(texts[at] ?? '') + 1
    if (bytes > maxEntryBytes && at > from) return at - from
  }
  return texts.length - from
}

/** What is open after all of them, in the order of the numbers. Entries that are none of ours are left out. */
export function openAfter(entries: Iterable<Uint8Array>): OpenOp[] {
  const open = new Map<number, OpenOp>()
  const ended = new Set<number>()
  for (const entry of entries) {
    for (const op of parse(entry)) {
      if (op.op !== 'end') open.set(op.n, op)
      else {
        open.delete(op.n)
        ended.add(op.n)
      }
    }
  }
  return [...open.values()].filter(({ n }) => !ended.has(n)).toSorted((a, b) => a.n - b.n)
}

function parse(entry: Uint8Array): SessionOp[] {
  try {
    const ops: unknown = JSON.parse(Buffer.from(entry).toString('utf8'))
    return Array.isArray(ops) ? (ops as SessionOp[]).filter((op) => Number.isSafeInteger(op?.n)) : []
  } catch {
    return []
  }
}

/** The same for who ends it and for who replays it: a repeat is recognised by it. */
export function eventId(node: string, life: string, op: Pick<OpenOp, 'n' | 'op'>, client: string): string {
  return `${node}.${life}.${client}.${op.op === 'connection' ? 'disconnect' : `unsubscribe.${op.n}`}`
}
