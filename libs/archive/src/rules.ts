/** What every implementation checks and says in the same words: pure. */
import { InternalError } from '@natter/primitives'
import type { ArchiveBatch, ArchiveRow, Checkpoint } from './archive.js'

const DAY_NS = 86_400_000_000_000n
const MAX_INT64 = 2n ** 63n - 1n

/** Of the publication before: most are of the same day, and comparing costs less than dividing. */
let lastDay = { day: 0, fromNs: 0n, toNs: DAY_NS }

/** The day of a publication, in whole days since 1970, in UTC. */
export function dayOf(timeNs: bigint): number {
  if (timeNs >= lastDay.fromNs && timeNs < lastDay.toNs) return lastDay.day
  const days = timeNs / DAY_NS
  lastDay = { day: Number(days), fromNs: days * DAY_NS, toNs: (days + 1n) * DAY_NS }
  return lastDay.day
}

/** `2026-11-21`. */
export const dayText = (day: number): string => new Date(day * 86_400_000).toISOString().slice(0, 10)

/** Why no store of this kind can have such a row at all, whatever its data: no table of a day and namespace could be named. */
export function unstorable({ namespace, timeNs }: ArchiveRow): string | undefined {
  if (namespace.includes('\0')) return 'the name of the namespace contains NUL'
  if (timeNs < 0n || timeNs > MAX_INT64) return `the time ${timeNs} is out of range`
  return undefined
}

export function isSameCheckpoint(a: Checkpoint | undefined, b: Checkpoint | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.epoch === b.epoch && a.seq === b.seq && a.rolling === b.rolling
}

export const overtaken = (stream: string): InternalError =>
  new InternalError(
    'archive-overtaken',
    `The archive of ${stream} isn't where this writer left it: release it and read the checkpoint anew`,
  )

export const epochReturned = (stream: string, epoch: string): InternalError =>
  new InternalError(
    'archive-epoch-returned',
    `${stream} is back in epoch ${epoch}, which the archive has closed: reopen it if the stream is still the one of its last checkpoint`,
  )

/** @throws InternalError `archive-bad-batch`: the caller's bug. */
export function requireSound({ after, next, rows }: ArchiveBatch): void {
  let last = after.seq
  for (const { seq } of rows) {
    if (seq <= last) throw badBatch(`${seq} follows ${last}`)
    last = seq
  }
  if (last > next.seq) throw badBatch(`${last} is beyond the next checkpoint, ${next.seq}`)
  if (next.epoch !== after.epoch || next.seq <= after.seq)
    throw badBatch('the checkpoint must move on in its epoch')
}

const badBatch = (why: string): InternalError => new InternalError('archive-bad-batch', `Not a batch: ${why}`)
