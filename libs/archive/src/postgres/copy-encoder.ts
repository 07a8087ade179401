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
const POSTGRES_EPOCH_US = 946_684_800_000_000
const JSONB_VERSION = 1
const TWO_32 = 4_294_967_296
const LETTER_B = 98
const LETTER_J = 106
/** Names of channels that are kept encoded, so that most rows copy theirs. */
const MAX_NAMES = 10_000

interface Block {
  bytes: Buffer
  view: DataView
}

export class CopyEncoder {
  private readonly spare: Block[] = []
  private readonly used: Block[] = []
  private readonly names = new Map<string, { namespace: string; bytes: Uint8Array }>()
  private bytes: Buffer = Buffer.alloc(0)
  private view: DataView = new DataView(this.bytes.buffer)
  private at = 0

  /** The server has answered: the blocks are free again. CE1 */
  reset(): void {
    for (const block of this.used.splice(0)) {
      if (this.spare.length < SPARE_BLOCKS && block.bytes.length === BLOCK_BYTES) this.spare.push(block)
    }
  }

  /** The blocks of one COPY; encodes as they are asked for. */
  *encode(rows: readonly ArchiveRow[], epochOrdinal: number): Generator<Buffer, void> {
    this.take(BLOCK_BYTES)
    this.at += HEADER.copy(this.bytes, 0)
    for (const row of rows) {
      const atMost = FIXED_BYTES + boundOf(row)
      if (this.bytes.length - this.at < atMost + TRAILER_BYTES) {
        yield this.bytes.subarray(0, this.at)
        this.take(atMost + TRAILER_BYTES)
      }
      this.row(row, epochOrdinal)
    }
    this.at = this.bytes.writeInt16BE(-1, this.at)
    yield this.bytes.subarray(0, this.at)
  }

  private take(size: number): void {
    const isUsual = size <= BLOCK_BYTES
    const block = (isUsual ? this.spare.pop() : undefined) ?? newBlock(Math.max(size, BLOCK_BYTES))
    this.used.push(block)
    this.bytes = block.bytes
    this.view = block.view
    this.at = 0
  }

  private row(row: ArchiveRow, epochOrdinal: number): void {
    this.fixed(row, epochOrdinal)
    const names = this.namesOf(row)
    this.bytes.set(names, this.at)
    this.at += names.length
    this.text(row.meta)
    this.length(row.data.length)
    this.bytes.set(row.data, this.at)
    this.at += row.data.length
    this.json(row.json)
  }

  /** All up to the kind: whole numbers and one letter, each behind its length. */
  private fixed({ seq, timeNs, kind }: ArchiveRow, epochOrdinal: number): void {
    const { view, at } = this
    view.setInt16(at, columns.length)
    view.setInt32(at + 2, 8)
    this.int64(at + 6, seq)
    view.setInt32(at + 14, 8)
    view.setBigInt64(at + 18, timeNs)
    view.setInt32(at + 26, 8)
    this.int64(at + 30, Number(timeNs / 1_000n) - POSTGRES_EPOCH_US)
    view.setInt32(at + 38, 4)
    view.setInt32(at + 42, epochOrdinal)
    view.setInt32(at + 46, 1)
    view.setUint8(at + 50, kind === 'json' ? LETTER_J : LETTER_B)
    this.at = at + 51
  }

  private int64(at: number, value: number): void {
    const high = Math.floor(value / TWO_32)
    this.view.setInt32(at, high)
    this.view.setUint32(at + 4, value - high * TWO_32)
  }

  /** Both names with their lengths. */
  private namesOf({ namespace, channel }: ArchiveRow): Uint8Array {
    const known = this.names.get(channel)
    if (known?.namespace === namespace) return known.bytes
    if (this.names.size >= MAX_NAMES) this.names.clear()
    const bytes = Buffer.concat([field(namespace), field(channel)])
    this.names.set(channel, { namespace, bytes })
    return bytes
  }

  private length(bytes: number): void {
    this.view.setInt32(this.at, bytes)
    this.at += 4
  }

  private text(value: string): void {
    const bytes = this.bytes.write(value, this.at + 4)
    this.length(bytes)
    this.at += bytes
  }

  private json(value: string | undefined): void {
    if (value === undefined) {
      this.length(-1)
      return
    }
    const bytes = this.bytes.write(value, this.at + 5)
    this.length(bytes + 1)
    this.bytes[this.at] = JSONB_VERSION
    this.at += bytes + 1
  }
}

function newBlock(size: number): Block {
  const bytes = Buffer.allocUnsafeSlow(size)
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, size) }
}

function field(text: string): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(Buffer.byteLength(text))
  return Buffer.concat([length, Buffer.from(text)])
}

/** UTF-8 takes at most three bytes for a unit. */
const boundOf = ({ namespace, channel, meta, data, json = '' }: ArchiveRow): number =>
  (namespace.length + channel.length + meta.length + json.length) * 3 + data.length
