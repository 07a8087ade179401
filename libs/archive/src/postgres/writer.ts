/**
 * One stream's writer. The connection that holds the advisory lock is the one that writes, so who lost the right can't write.
 *
 * W1. The checkpoint moves first, and only from where the batch stands: nothing else of the batch is sent before.
 * W2. Rows, spans, gaps, dead letters and checkpoint are one transaction.
 * W3. One thing at a time on the connection: calls wait for each other.
 * W4. Whatever isn't about a row ends the connection, and with it the right: the stored checkpoint says what became of the batch.
 */
import { InternalError, NatterError, type TypedEvents } from '@natter/primitives'
import type { Client } from 'pg'
import type { ArchiveEvents } from '../archive-events.js'
import type { ArchiveBatch, ArchiveRow, ArchiveWriter, BatchReport, Checkpoint } from '../archive.js'
import { dayOf, dayText, epochReturned, isSameCheckpoint, overtaken, requireSound } from '../rules.js'
import { away, dropClient, inTime, isDataError, isNoPartition } from './connection.js'
import { CopyEncoder } from './copy-encoder.js'
import type { Names } from './names.js'
import type { Partitions } from './partitions.js'
import {
  copyHalving,
  copyRows,
  sift,
  writeDeadLetters,
  type DeadLetter,
  type EpochRef,
} from './store-rows.js'

export interface WriterParts {
  mesh: string | undefined
  client: Client
  names: Names
  partitions: Partitions
  events: TypedEvents<ArchiveEvents>
  answerTimeoutMs: number
  /** Called once, when the right is gone. */
  onEnd: (writer: PostgresWriter) => void
}

interface CheckpointRow {
  epoch: string
  seq: string
  time_ns: string
  digest: string
  rolling: string
}

/** How the rows of a batch are sent: all at once, or so that those which are refused are found. */
type Storing = (rows: readonly ArchiveRow[], epoch: EpochRef) => Promise<DeadLetter[]>

/** How often a batch finds a day dropped between making it and writing into it, before the connection is given up. */
const TABLE_TRIES = 3
const LEAVING = 'its day is being forgotten'

export class PostgresWriter implements ArchiveWriter {
  private state: 'held' | 'lost' | 'released' = 'held'
  private turn: Promise<unknown> = Promise.resolve()
  private released: Promise<void> = Promise.resolve()
  private readonly encoder = new CopyEncoder()
  private epoch: EpochRef | undefined

  constructor(
    readonly stream: string,
    private readonly parts: WriterParts,
  ) {
    parts.client.once('end', () => this.lose(new Error('the connection was closed')))
  }

  get mesh(): string | undefined {
    return this.parts.mesh
  }

  get isHeld(): boolean {
    return this.state === 'held'
  }

  checkpoint(): Promise<Checkpoint | undefined> {
    return this.inTurn(() => this.readCheckpoint())
  }

  beginEpoch(epoch: string, after: Checkpoint | undefined, isLossless: boolean): Promise<Checkpoint> {
    return this.inTurn(() => this.inTransaction(() => this.openEpoch(epoch, after, isLossless)))
  }

  closedCheckpoint(epoch: string): Promise<Checkpoint | undefined> {
    return this.inTurn(() => this.readClosed(epoch))
  }

  reopenEpoch(closed: Checkpoint, after: Checkpoint, isLossless: boolean): Promise<Checkpoint> {
    return this.inTurn(() => this.inTransaction(() => this.returnTo(closed, after, isLossless)))
  }

  write(batch: ArchiveBatch): Promise<BatchReport> {
    return this.inTurn(async () => {
      requireSound(batch)
      const { good, dead } = sift(batch.rows)
      const found = await this.store(batch, good, dead)
      for (const { row, reason } of found) {
        const letter = { stream: this.stream, epoch: batch.next.epoch, seq: row.seq, reason }
        this.parts.events.emit('archive:dead-letter:write', letter)
      }
      const deadLetters = found.map(({ row, reason }) => ({ seq: row.seq, reason }))
      return { archived: batch.rows.length - found.length, deadLetters }
    })
  }

  release(): Promise<void> {
    if (this.state === 'held') {
      this.state = 'released'
      this.released = this.end()
    }
    return this.released
  }

  private async end(): Promise<void> {
    const { client, onEnd } = this.parts
    await inTime(client, this.parts, async () => {
      await this.turn.catch(() => {}) // the turn under way may hang as well
      await client.end().catch(() => {}) // the lock goes with the connection
    })
    onEnd(this)
  }

  private async store(
    batch: ArchiveBatch,
    good: readonly ArchiveRow[],
    sifted: readonly DeadLetter[],
  ): Promise<DeadLetter[]> {
    const { client, names, partitions } = this.parts
    const plain: Storing = async (rows, epoch) => {
      await copyRows(client, names, this.encoder, rows, epoch)
      return []
    }
    const halving: Storing = (rows, epoch) => copyHalving(client, names, this.encoder, rows, epoch)
    let storing = plain
    for (let triesLeft = TABLE_TRIES; ;) {
      const homeless = new Set(await partitions.ensure(client, good))
      const rows = homeless.size === 0 ? good : good.filter((row) => !homeless.has(row))
      const dead = [...sifted, ...[...homeless].map((row) => ({ row, reason: LEAVING }))]
      try {
        return await this.inTransaction(() => this.writeInOrder(batch, rows, dead, storing))
      } catch (error) {
        if (isNoPartition(error)) {
          // a day was dropped since we made it
          if ((triesLeft -= 1) === 0) throw error
          partitions.forgetKnown()
        } else if (isDataError(error) && storing === plain) storing = halving
        else throw error
      }
    }
  }

  /** W1, W2. */
  private async writeInOrder(
    { after, next, gaps }: ArchiveBatch,
    rows: readonly ArchiveRow[],
    sifted: readonly DeadLetter[],
    storing: Storing,
  ): Promise<DeadLetter[]> {
    if (!(await this.moveCheckpoint(after, next))) throw overtaken(this.stream)
    const { client, names } = this.parts
    const epoch = await this.epochRef(next.epoch)
    const dead = [...sifted, ...(await storing(rows, epoch))].toSorted((a, b) => a.row.seq - b.row.seq)
    await this.writeSpans(rows, epoch)
    for (const { from, to, reason } of gaps) {
      await client.query(
        `insert into ${names.of('archive_gap')} (epoch_ordinal, from_seq, to_seq, reason) values ($1, $2, $3, $4)
         on conflict (epoch_ordinal, from_seq) do update set to_seq = greatest(archive_gap.to_seq, excluded.to_seq)`,
        [epoch.ordinal, from, to, reason],
      )
    }
    await writeDeadLetters(client, names, epoch, dead)
    return dead
  }

  private async moveCheckpoint(after: Checkpoint, next: Checkpoint): Promise<boolean> {
    const { rowCount } = await this.parts.client.query(
      `update ${this.parts.names.of('archive_checkpoint')}
       set epoch = $1, seq = $2, time_ns = $3, digest = $4, rolling = $5, moved_at = now()
       where stream = $6 and epoch = $7 and seq = $8 and rolling = $9`,
      [...checkpointValues(next), this.stream, after.epoch, after.seq, after.rolling],
    )
    return rowCount === 1
  }

  private async writeSpans(rows: readonly ArchiveRow[], { ordinal }: EpochRef): Promise<void> {
    for (const { namespace, day, min, max } of spansOf(rows)) {
      await this.parts.client.query(
        `insert into ${this.parts.names.of('archive_span')} as s (epoch_ordinal, namespace, day, min_seq, max_seq)
         values ($1, $2, $3::date, $4, $5) on conflict (epoch_ordinal, namespace, day)
         do update set min_seq = least(s.min_seq, excluded.min_seq), max_seq = greatest(s.max_seq, excluded.max_seq)`,
        [ordinal, namespace, dayText(day), min, max],
      )
    }
  }

  private async openEpoch(
    epoch: string,
    after: Checkpoint | undefined,
    isLossless: boolean,
  ): Promise<Checkpoint> {
    const { client, names } = this.parts
    const fresh: Checkpoint = { epoch, seq: 0, timeNs: 0n, digest: '', rolling: 0 }
    if (!isSameCheckpoint(await this.readCheckpoint(), after)) throw overtaken(this.stream)
    const epochs = names.of('archive_epoch')
    const { rows } = await client.query(`select from ${epochs} where stream = $1 and epoch = $2`, [
      this.stream,
      epoch,
    ])
    if (rows.length > 0) throw epochReturned(this.stream, epoch)
    if (after === undefined) {
      await client.query(
        `insert into ${names.of('archive_checkpoint')} (epoch, seq, time_ns, digest, rolling, stream)
         values ($1, $2, $3, $4, $5, $6)`,
        [...checkpointValues(fresh), this.stream],
      )
    } else {
      await this.closeEpoch(after, fresh, isLossless)
    }
    await client.query(`insert into ${epochs} (stream, epoch) values ($1, $2)`, [this.stream, epoch])
    return fresh
  }

  private async returnTo(closed: Checkpoint, after: Checkpoint, isLossless: boolean): Promise<Checkpoint> {
    if (!isSameCheckpoint(await this.readClosed(closed.epoch), closed)) throw overtaken(this.stream)
    await this.closeEpoch(after, closed, isLossless)
    await this.parts.client.query(
      `update ${this.parts.names.of('archive_epoch')} set last_seq = null, lossless = null, last_time_ns = null,
         last_digest = null, last_rolling = null where stream = $1 and epoch = $2`,
      [this.stream, closed.epoch],
    )
    return closed
  }

  /** The epoch of `after` ends there, and `next` is where the stream's archive stands. */
  private async closeEpoch(after: Checkpoint, next: Checkpoint, isLossless: boolean): Promise<void> {
    if (!(await this.moveCheckpoint(after, next))) throw overtaken(this.stream) // W1
    const { epoch, seq, timeNs, digest, rolling } = after
    await this.parts.client.query(
      `update ${this.parts.names.of('archive_epoch')} set last_seq = $3, lossless = $4, last_time_ns = $5,
         last_digest = $6, last_rolling = $7 where stream = $1 and epoch = $2`,
      [this.stream, epoch, seq, isLossless, String(timeNs), digest, rolling],
    )
  }

  private async readClosed(epoch: string): Promise<Checkpoint | undefined> {
    const { rows } = await this.parts.client.query<CheckpointRow>(
      `select epoch, last_seq as seq, last_time_ns as time_ns, last_digest as digest, last_rolling as rolling
       from ${this.parts.names.of('archive_epoch')}
       where stream = $1 and epoch = $2 and last_seq is not null and last_digest is not null`,
      [this.stream, epoch],
    )
    return checkpointOf(rows[0])
  }

  private async epochRef(epoch: string): Promise<EpochRef> {
    if (this.epoch?.epoch === epoch) return this.epoch
    const { rows } = await this.parts.client.query<{ ordinal: number }>(
      `select ordinal from ${this.parts.names.of('archive_epoch')} where stream = $1 and epoch = $2`,
      [this.stream, epoch],
    )
    const [found] = rows
    if (found === undefined)
      throw new InternalError('archive-no-epoch', `${this.stream} has no epoch ${epoch}: begin it`)
    this.epoch = { stream: this.stream, epoch, ordinal: found.ordinal }
    return this.epoch
  }

  private async readCheckpoint(): Promise<Checkpoint | undefined> {
    const { rows } = await this.parts.client.query<CheckpointRow>(
      `select epoch, seq, time_ns, digest, rolling from ${this.parts.names.of('archive_checkpoint')} where stream = $1`,
      [this.stream],
    )
    return checkpointOf(rows[0])
  }

  private async inTransaction<T>(act: () => Promise<T>): Promise<T> {
    const { client } = this.parts
    await client.query('begin')
    try {
      const result = await act()
      await client.query('commit')
      return result
    } catch (error) {
      if (error instanceof NatterError || isDataError(error)) await client.query('rollback')
      throw error
    }
  }

  /** W3, W4. */
  private inTurn<T>(act: () => Promise<T>): Promise<T> {
    const mine = this.turn.then(async () => {
      if (!this.isHeld) throw away(new Error(`the right to write ${this.stream} is lost`))
      const timer = setTimeout(() => this.lose(new Error('no answer in time')), this.parts.answerTimeoutMs)
      try {
        return await act()
      } catch (error) {
        if (error instanceof NatterError) throw error
        this.lose(error)
        throw away(error)
      } finally {
        clearTimeout(timer)
      }
    })
    this.turn = mine.catch(() => {})
    return mine
  }

  private lose(error: unknown): void {
    if (this.state !== 'held') return
    this.state = 'lost'
    dropClient(this.parts.client)
    this.parts.events.emit('archive:writer:lose', { stream: this.stream, error })
    this.parts.onEnd(this)
  }
}

function checkpointOf(row: CheckpointRow | undefined): Checkpoint | undefined {
  if (row === undefined) return undefined
  const { epoch, seq, time_ns: timeNs, digest, rolling } = row
  return { epoch, seq: Number(seq), timeNs: BigInt(timeNs), digest, rolling: Number(rolling) }
}

const checkpointValues = ({ epoch, seq, timeNs, digest, rolling }: Checkpoint): unknown[] => [
  epoch,
  seq,
  String(timeNs),
  digest,
  rolling,
]

interface Span {
  namespace: string
  day: number
  min: number
  max: number
}

/** The rows come in ascending order. Of those that were refused too: a span may be wider than what is in it, never narrower. */
function spansOf(rows: readonly ArchiveRow[]): Span[] {
  const spans: Span[] = []
  let last: Span | undefined
  for (const { namespace, timeNs, seq } of rows) {
    const day = dayOf(timeNs)
    if (last?.day !== day || last.namespace !== namespace) {
      last = spans.find((span) => span.day === day && span.namespace === namespace)
      if (last === undefined) spans.push((last = { namespace, day, min: seq, max: seq }))
    }
    last.max = seq
  }
  return spans
}
