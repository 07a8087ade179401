/** The Postgres of a run, and what the archive wrote there: read as tables, not by the archive's own reader. */
import { startPostgres, withClient } from '@natter/testing'
import type { Client } from 'pg'
import type { ArchiveContent } from './evidence.js'
import { hashOf } from './history.js'

export interface Database {
  readonly url: string
  signal(signal: NodeJS.Signals): Promise<void>
  /** Where the archive of a stream stands; 0 before it began. */
  checkpointSeq(schema: string, stream: string): Promise<number>
  content(schema: string, stream: string): Promise<ArchiveContent>
  stop(): Promise<void>
}

/** Rows at a time: their data may be large. */
const pageRows = 2_000

export async function startDatabase(): Promise<Database> {
  const server = await startPostgres()
  const url = await server.createDatabase()
  return {
    url,
    signal: (signal) => server.kill(signal),
    checkpointSeq: (schema, stream) => checkpointAt(url, schema, stream),
    content: (schema, stream) => contentAt(url, schema, stream),
    stop: () => server.stop(),
  }
}

/** Where the archive of a stream stands; 0 before it began. */
export const checkpointAt = (url: string, schema: string, stream: string): Promise<number> =>
  withClient(url, (client) => checkpointOf(client, schema, stream))

export const contentAt = (url: string, schema: string, stream: string): Promise<ArchiveContent> =>
  withClient(url, async (client) => ({
    checkpointSeq: await checkpointOf(client, schema, stream),
    rows: await rowsOf(client, schema),
    deadLetters: await countOf(client, schema, 'dead_letter'),
  }))

async function checkpointOf(client: Client, schema: string, stream: string): Promise<number> {
  const { rows: tables } = await client.query<{ found: string | null }>('select to_regclass($1) as found', [
    `${schema}.archive_checkpoint`,
  ])
  if (tables[0]?.found == null) return 0
  const { rows } = await client.query<{ seq: string }>(
    `select seq from ${client.escapeIdentifier(schema)}.archive_checkpoint where stream = $1`,
    [stream],
  )
  return Number(rows[0]?.seq ?? 0)
}

async function rowsOf(client: Client, schema: string): Promise<ArchiveContent['rows']> {
  const rows: { seq: number; channel: string; hash: string }[] = []
  await client.query('begin')
  await client.query(
    `declare everything cursor for select seq, channel, data from ${client.escapeIdentifier(schema)}.publications`,
  )
  for (;;) {
    const page = await client.query<{ seq: string; channel: string; data: Buffer }>(
      `fetch ${pageRows} from everything`,
    )
    for (const { seq, channel, data } of page.rows)
      rows.push({ seq: Number(seq), channel, hash: hashOf(data) })
    if (page.rows.length < pageRows) break
  }
  await client.query('commit')
  return rows
}

async function countOf(client: Client, schema: string, table: string): Promise<number> {
  const { rows } = await client.query<{ count: string }>(
    `select count(*) from ${client.escapeIdentifier(schema)}.${client.escapeIdentifier(table)}`,
  )
  return Number(rows[0]?.count ?? 0)
}
