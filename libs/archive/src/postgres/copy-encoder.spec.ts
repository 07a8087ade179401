import { describe, expect, it } from '@jest/globals'
import type { ArchiveRow } from '../archive.js'
import { columns, CopyEncoder } from './copy-encoder.js'

const noonNs = 1_795_262_400_123_456_789n

const rowOf = (seq: number, dataBytes: number, json?: string): ArchiveRow => ({
  seq,
  timeNs: noonNs + BigInt(seq),
  namespace: 'chat',
  channel: `chat:räume/${seq}`,
  kind: seq % 2 === 0 ? 'json' : 'bin',
  meta: '',
  data: new Uint8Array(dataBytes).fill(seq),
  ...(json === undefined ? {} : { json }),
})

/** The fields of each tuple of a COPY in PostgreSQL's binary format, by its documentation. */
function tuplesOf(copy: Buffer): (Buffer | null)[][] {
  const tuples: (Buffer | null)[][] = []
  let at = 19
  for (let count = copy.readInt16BE(at); count !== -1; count = copy.readInt16BE(at)) {
    at += 2
    const fields: (Buffer | null)[] = []
    for (let n = 0; n < count; n += 1) {
      const length = copy.readInt32BE(at)
      at += 4
      fields.push(length === -1 ? null : copy.subarray(at, at + length))
      at += Math.max(0, length)
    }
    tuples.push(fields)
  }
  expect(at + 2).toBe(copy.length)
  return tuples
}

/** As the driver takes them: each block is only its own until the next `reset`. */
const encoded = (encoder: CopyEncoder, rows: readonly ArchiveRow[]): Buffer =>
  Buffer.concat([...encoder.encode(rows, 7)])

describe('rows for a COPY', () => {
  const column = (fields: (Buffer | null)[], name: (typeof columns)[number]): Buffer | null =>
    fields[columns.indexOf(name)] ?? null

  it('are whole wherever a block ends, also where a row fits no block, and when blocks are used again', () => {
    const encoder = new CopyEncoder()
    const sizes = [0, 0, 300_000, 1, 262_144, ...Array.from({ length: 4_000 }, (_, i) => i % 200)]
    const rows = sizes.map((size, i) => rowOf(2 ** 32 + i, size))
    for (let round = 0; round < 3; round += 1) {
      const tuples = tuplesOf(encoded(encoder, rows))
      encoder.reset()
      expect(tuples).toHaveLength(rows.length)
      for (const [i, fields] of tuples.entries()) {
        expect(column(fields, 'seq')?.readBigInt64BE()).toBe(BigInt(rows[i]!.seq))
        expect(column(fields, 'channel')?.toString()).toBe(rows[i]!.channel)
        expect(column(fields, 'data')?.equals(rows[i]!.data)).toBe(true)
      }
    }
  })

  it('say when to the microsecond since 2000, their nanoseconds beside it, and nothing where there is no JSON', () => {
    const [plain = [], asked = []] = tuplesOf(
      encoded(new CopyEncoder(), [rowOf(1, 3), rowOf(2, 3, '{"ä":1}')]),
    )
    const year2000Us = 946_684_800_000_000n
    expect(column(plain, 'published_at')?.readBigInt64BE()).toBe(noonNs / 1_000n - year2000Us)
    expect(column(plain, 'time_ns')?.readBigInt64BE()).toBe(noonNs + 1n)
    expect([column(plain, 'kind')?.toString(), column(asked, 'kind')?.toString()]).toEqual(['b', 'j'])
    expect([column(plain, 'json'), column(asked, 'json')?.toString()]).toEqual([null, '\u0001{"ä":1}'])
  })
})
