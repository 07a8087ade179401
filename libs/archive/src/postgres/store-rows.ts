/**
 * The rows of one batch, within the transaction of its caller.
 *
 * SR1. First all at once. Only when the store refuses something is the batch halved, with savepoints, until the rows that it refuses
 *      stand alone: they become dead letters, the others are stored.
 * SR2. Writing a dead letter can't be refused for what is in it: bytes, numbers, and a reason without NUL.
 */
import { messageOf } from '@natter/primitives'
import type { ClientBase } from 'pg'
import type { ArchiveRow } from '../archive.js'
import { unstorable } from '../rules.js'
import { isDataError, isNoPartition } from './connection.js'
import { columns, type CopyEncoder } from './copy-encoder.js'
import { copyIn } from './copy-in.js'
import type { Names } from './names.js'

export interface EpochRef {
  stream: string
  epoch: string
  ordinal: number
}

export interface DeadLetter {
  row: ArchiveRow
  reason: string
}

/** All of them or an error. */
export async function copyRows(
  client: ClientBase,
  names: Names,
  encoder: CopyEncoder,
  rows: readonly ArchiveRow[],
  { ordinal }: EpochRef,
): Promise<void> {
  if (rows.length === 0) return
  const sql = `copy ${names.of('publications')} (${columns.join(', ')}) from stdin (format binary)`
  try {
    await copyIn(client, sql, encoder.encode(rows, ordinal))
  } finally {
    encoder.reset()
  }
}

/** SR1. What the store refuses is answered; all else is stored. Throws what isn't about a row. */
export async function copyHalving(
  client: ClientBase,
  names: Names,
  encoder: CopyEncoder,
  rows: readonly ArchiveRow[],
  epoch: EpochRef,
): Promise<DeadLetter[]> {
  const dead: DeadLetter[] = []
  const left: (readonly ArchiveRow[])[] = [rows]
  for (let part = left.pop(); part !== undefined; part = left.pop()) {
    const [only] = part
    if (only === undefined) continue
    const refusal = await tryPart(client, () => copyRows(client, names, encoder, part ?? [], epoch))
    if (refusal === undefined) continue
    if (part.length === 1) dead.push({ row: only, reason: refusal })
    else left.push(part.slice(part.length >> 1), part.slice(0, part.length >> 1))
  }
  return dead
}

async function tryPart(client: ClientBase, act: () => Promise<void>): Promise<string | undefined> {
  await client.query('savepoint part')
  try {
    await act()
    await client.query('release savepoint part')
    return undefined
  } catch (error) {
    if (!isDataError(error) || isNoPartition(error)) throw error // no row's fault
    await client.query('rollback to savepoint part; release savepoint part')
    return `${error.code}: ${messageOf(error)}`
  }
}

/** Those that no table could be named for never get near the COPY. */
export function sift(rows: readonly ArchiveRow[]): { good: readonly ArchiveRow[]; dead: DeadLetter[] } {
  const dead: DeadLetter[] = []
  for (const row of rows) {
    const reason = unstorable(row)
    if (reason !== undefined) dead.push({ row, reason })
  }
  if (dead.length === 0) return { good: rows, dead }
  const refused = new Set(dead.map(({ row }) => row))
  return { good: rows.filter((row) => !refused.has(row)), dead }
}

/** SR2. */
export async function writeDeadLetters(
  client: ClientBase,
  names: Names,
  { stream, epoch }: EpochRef,
  dead: readonly DeadLetter[],
): Promise<void> {
  for (const { row, reason } of dead) {
    await client.query(
      `insert into ${names.of('dead_letter')}
         (stream, epoch, seq, time_ns, namespace, channel, kind, meta, data, reason)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      [
        stream,
        epoch,
        row.seq,
        String(row.timeNs),
        Buffer.from(row.namespace),
        Buffer.from(row.channel),
        row.kind === 'json' ? 'j' : 'b',
        Buffer.from(row.meta),
        Buffer.from(row.data),
        cleanReason(reason),
      ],
    )
  }
}

const cleanReason = (reason: string): string =>
  Buffer.from(reason.replaceAll('\0', '')).toString().slice(0, 1_000)
