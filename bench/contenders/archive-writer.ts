/** libs/archive without a stream: rows that are in memory, in the batches of the persistence app, written as that writes them. */
import type { ArchiveRow, createPostgresArchive } from '@natter/archive'
import { Client } from 'pg'
import { stopwatch } from '../harness/cpu.js'
import { serve } from '../harness/remote.js'

export interface RowsWish {
  /** Where the rows are now. */
  url: string
  schema: string
  batch: number
}

export interface WriteWish {
  url: string
  schema: string
  /** The built lib. */
  lib: string
}

export interface Written {
  rows: number
  /** Without the first batch, which makes the tables. */
  rowsTimed: number
  tookMs: number
  /** Of this process, for the rows that were timed. */
  cpuUs: number
}

interface Stored extends Omit<ArchiveRow, 'seq' | 'timeNs' | 'kind'> {
  seq: string
  time_ns: string
  kind: string
}

let batches: ArchiveRow[][] = []

async function load({ url, schema, batch }: RowsWish): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  batches = []
  for (let after = 0; ;) {
    const { rows } = await client.query<Stored>(
      `select seq, time_ns, kind, namespace, channel, convert_from(meta, 'UTF8') as meta, data
       from ${schema}.publications where seq > $1 order by seq limit $2`,
      [after, batch],
    )
    if (rows.length === 0) break
    batches.push(rows.map(rowOf))
    after = Number(rows.at(-1)?.seq)
  }
  await client.end()
}

const rowOf = ({ seq, time_ns: timeNs, kind, namespace, channel, meta, data }: Stored): ArchiveRow => ({
  seq: Number(seq),
  timeNs: BigInt(timeNs),
  kind: kind === 'j' ? 'json' : 'bin',
  namespace,
  channel,
  meta,
  data,
})

async function write({ url, schema, lib }: WriteWish): Promise<Written> {
  const module = (await import(lib)) as { createPostgresArchive: typeof createPostgresArchive }
  const archive = module.createPostgresArchive({ url, schema })
  await archive.migrate()
  const writer = await archive.acquire('bench')
  if (writer === undefined) throw new Error('somebody else writes')
  let after = await writer.beginEpoch('bench', undefined, false)
  let [startedAt, rows, cpu] = [0, 0, stopwatch([process.pid])]
  for (const [index, batch] of batches.entries()) {
    if (index === 1) [startedAt, cpu] = [performance.now(), stopwatch([process.pid])]
    const { seq = 0, timeNs = 0n } = batch.at(-1) ?? {}
    const next = { ...after, seq, timeNs, digest: '', rolling: seq }
    rows += (await writer.write({ after, next, rows: batch, gaps: [] })).archived
    after = next
  }
  const [tookMs, [cpuUs = 0]] = [performance.now() - startedAt, cpu()]
  await archive.close()
  return { rows, rowsTimed: rows - (batches[0]?.length ?? 0), tookMs, cpuUs }
}

serve({ load, write })
