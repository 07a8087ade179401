/** COPY by one connection and nothing else: rows that are in memory, in batches, each in a transaction of its own. */
import { Client } from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { pipeline } from 'node:stream/promises'
import { stopwatch } from '../harness/cpu.js'
import { serve } from '../harness/remote.js'

export interface LoadWish {
  /** Where the rows are now. */
  url: string
  schema: string
  batch: number
}

export interface Copied {
  rows: number
  /** Without the first batch, which finds everything cold. */
  rowsTimed: number
  tookMs: number
  /** Of the server's process behind the connection, for the rows that were timed. */
  postgresCpuUs: number
}

const columns = 'seq, time_ns, published_at, epoch_ordinal, kind, namespace, channel, meta, data, json'

let batches: { bytes: Buffer; rows: number }[] = []

async function withClient<T>(url: string, act: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return await act(client)
  } finally {
    await client.end()
  }
}

/** The rows as the server itself encodes them, so that encoding costs nothing later. */
const load = ({ url, schema, batch }: LoadWish): Promise<void> =>
  withClient(url, async (client) => {
    const { rows } = await client.query<{ from: string; to: string; count: string }>(
      `select min(seq) as from, max(seq) as to, count(*) as count
       from (select seq, (row_number() over (order by seq) - 1) / ${batch} as part from ${schema}.publications) as parts
       group by part order by part`,
    )
    batches = []
    for (const { from, to, count } of rows) {
      const chunks: Buffer[] = []
      const sql = `copy (select ${columns} from ${schema}.publications where seq between ${from} and ${to} order by seq)
        to stdout (format binary)`
      for await (const chunk of client.query(copyTo(sql)) as AsyncIterable<Buffer>) chunks.push(chunk)
      batches.push({ bytes: Buffer.concat(chunks), rows: Number(count) })
    }
  })

const copy = ({ url, schema }: Omit<LoadWish, 'batch'>): Promise<Copied> =>
  withClient(url, async (client) => {
    const found = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    const backend = found.rows.map(({ pid }) => pid)
    let [startedAt, rows, cpu] = [0, 0, stopwatch(backend)]
    for (const [index, batch] of batches.entries()) {
      if (index === 1) [startedAt, cpu] = [performance.now(), stopwatch(backend)]
      await client.query('begin')
      const stream = client.query(
        copyFrom(`copy ${schema}.publications (${columns}) from stdin (format binary)`),
      )
      await pipeline([batch.bytes], stream)
      await client.query('commit')
      rows += batch.rows
    }
    const [tookMs, [postgresCpuUs = 0]] = [performance.now() - startedAt, cpu()]
    return { rows, rowsTimed: rows - (batches[0]?.rows ?? 0), tookMs, postgresCpuUs }
  })

serve({ load, copy })
