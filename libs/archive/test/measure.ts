/**
 * Rows per second of the archive's writer and of a bare COPY of the same rows by one connection into the same table, by turns:
 * `node --import ./tools/typescript.mjs libs/archive/test/measure.ts [rows] [fsync]`.
 */
import { startPostgres } from '@natter/testing'
import { Client } from 'pg'
import { createPostgresArchive, type ArchiveRow, type Checkpoint } from '../src/index.js'
import { columns, CopyEncoder } from '../src/postgres/copy-encoder.js'
import { copyIn } from '../src/postgres/copy-in.js'

const [count = 200_000, isSafe = 0] = process.argv.slice(2).map(Number)
const batchRows = 5_000
const body = Buffer.from(`{"text":"${'x'.repeat(186)}"}`)
const meta = '{"user":"u1","client":"c1"}'
const startNs = BigInt(Date.UTC(2026, 10, 21)) * 1_000_000n

const rowsFrom = (first: number): ArchiveRow[] =>
  Array.from({ length: batchRows }, (_, index) => ({
    seq: first + index,
    timeNs: startNs + BigInt(first + index) * 1_000n,
    namespace: 'chat',
    channel: `chat:room-${(first + index) % 1_000}`,
    kind: 'json',
    data: body,
    meta,
  }))
const batches = Array.from({ length: count / batchRows }, (_, index) => rowsFrom(index * batchRows + 1))

const server = await startPostgres({
  settings: {
    shared_buffers: '1GB',
    max_wal_size: '8GB',
    ...(isSafe ? { fsync: 'on', full_page_writes: 'on' } : {}),
  },
})

async function archived(schema: string): Promise<number> {
  const archive = createPostgresArchive({ url: server.url, schema })
  await archive.migrate()
  const writer = await archive.acquire('s')
  if (writer === undefined) throw new Error('held')
  let after: Checkpoint = await writer.beginEpoch('e', undefined, false)
  const start = performance.now()
  for (const rows of batches) {
    const last = rows.at(-1)?.seq ?? 0
    const next: Checkpoint = { ...after, seq: last, timeNs: startNs, digest: 'd'.repeat(64), rolling: last }
    await writer.write({ after, next, rows, gaps: [] })
    after = next
  }
  const seconds = (performance.now() - start) / 1_000
  await archive.close()
  return count / seconds
}

/** Into the table that the run before made, emptied: one COPY a transaction, everything encoded beforehand. */
async function bare(schema: string): Promise<number> {
  const client = new Client({ connectionString: server.url })
  await client.connect()
  await client.query(`truncate ${schema}.publications`)
  const encoded = batches.map((rows) => Array.from(new CopyEncoder().encode(rows, 1)))
  const start = performance.now()
  for (const blocks of encoded) {
    await copyIn(
      client,
      `copy ${schema}.publications (${columns.join(', ')}) from stdin (format binary)`,
      blocks,
    )
  }
  const seconds = (performance.now() - start) / 1_000
  await client.end()
  return count / seconds
}

for (const schema of ['warm', 'one', 'two', 'three']) {
  const [ours, theirs] = [await archived(schema), await bare(schema)]
  const percent = Math.round((ours / theirs) * 100)
  process.stdout.write(
    `${schema}: archive ${Math.round(ours)}, bare COPY ${Math.round(theirs)} rows/s, ${percent} %\n`,
  )
}
await server.stop()
