/**
 * Rows as PostgreSQL's binary COPY format, written into large blocks that are used again.
 *
 * CE1. A block belongs to the driver from when it is handed out until `reset`: it may still be on its way to the socket.
 * CE2. Nothing is escaped: lengths frame every field, so no byte of a publication means anything here.
 */
import type { ArchiveRow } from '../archive.js'

/** The columns in the order they are encoded. */
export const columns = [
  'seq',
  'time_ns',
  'published_at',
  'epoch_ordinal',
  'kind',
  'namespace',
  'channel',
  'meta',
  'data',
  'json',
] as const

const BLOCK_BYTES = 262_144
/** Blocks that are kept for the next batch: 8 MiB. */
const SPARE_BLOCKS = 32
const HEADER = Buffer.from('PGCOPY\n\xFF\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
const TRAILER_BYTES = 2
/** The fields whose size is known, with the lengths of all. */
const FIXED_BYTES = 2 + columns.length * 4 + 8 + 8 + 8 + 4 + 1 + 1
/** Microseconds from 1970 to 2000, where Postgres' time begins. */
const POSTGRES_EPOCH_US = 946_684_800_000_000n
const JSONB_VERSION = 1
const TWO_32 = 4_294_967_296

export class CopyEncoder {
  private readonly spare: Buffer[] = []
  private readonly used: Buffer[] = []
  private block: Buffer = Buffer.alloc(0)
  private at = 0

  /** The server has answered: the blocks are free again. CE1 */
  reset(): void {
    for (const block of this.used.splice(0)) {
      if (this.spare.length < SPARE_BLOCKS && block.length === BLOCK_BYTES) this.spare.push(block)
    }
  }

  /** The blocks of one COPY; encodes as they are asked for. */
  *encode(rows: readonly ArchiveRow[], epochOrdinal: number): Generator<Buffer, void> {
    this.take(BLOCK_BYTES)
    this.at += HEADER.copy(this.block, 0)
    for (const row of rows) {
      const atMost = FIXED_BYTES + boundOf(row)
      if (this.block.length - this.at < atMost + TRAILER_BYTES) {
        yield this.block.subarray(0, this.at)
        this.take(atMost + TRAILER_BYTES)
      }
      this.row(row, epochOrdinal)
    }
    this.at = this.block.writeInt16BE(-1, this.at)
    yield this.block.subarray(0, this.at)
  }

  private take(bytes: number): void {
    const isUsual = bytes <= BLOCK_BYTES
    this.block =
      (isUsual ? this.spare.pop() : undefined) ?? Buffer.allocUnsafeSlow(Math.max(bytes, BLOCK_BYTES))
    this.used.push(this.block)
    this.at = 0
  }

  private row(row: ArchiveRow, epochOrdinal: number): void {
    this.at = this.block.writeInt16BE(columns.length, this.at)
    this.int64(row.seq)
    this.bigint(row.timeNs)
    this.bigint(row.timeNs / 1_000n - POSTGRES_EPOCH_US)
    this.length(4)
    this.at = this.block.writeInt32BE(epochOrdinal, this.at)
    this.text(row.kind === 'json' ? 'j' : 'b')
    this.text(row.namespace)
    this.text(row.channel)
    this.text(row.meta)
    this.bytes(row.data)
    this.json(row.json)
  }

  private length(bytes: number): void {
    this.at = this.block.writeInt32BE(bytes, this.at)
  }

  private int64(value: number): void {
    this.length(8)
    this.at = this.block.writeInt32BE(Math.floor(value / TWO_32), this.at)
    this.at = this.block.writeUInt32BE(value % TWO_32, this.at)
  }

  private bigint(value: bigint): void {
    this.length(8)
    this.at = this.block.writeBigInt64BE(value, this.at)
  }

  private text(value: string): void {
    const start = this.at + 4
    const bytes = this.block.write(value, start)
    this.length(bytes)
    this.at = start + bytes
  }

  private bytes(value: Uint8Array): void {
    this.length(value.length)
    this.block.set(value, this.at)
    this.at += value.length
  }

  private json(value: string | undefined): void {
    if (value === undefined) {
      this.length(-1)
      return
    }
    const start = this.at + 5
    const bytes = this.block.write(value, start)
    this.length(bytes + 1)
    this.block[this.at] = JSONB_VERSION
    this.at = start + bytes
  }
}

/** UTF-8 takes at most three bytes for a unit. */
const boundOf = ({ namespace, channel, meta, data, json = '' }: ArchiveRow): number =>
  (namespace.length + channel.length + meta.length + json.length) * 3 + data.length
