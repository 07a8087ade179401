/**
 * How fast the persistence app writes a backlog, beside COPY of the same rows; and how late a publication is under steady load.
 *
 * AR1. Both write into a database of the same server with the same tables, in batches of the same size, a transaction each. The clock
 *      starts when the first batch is in: boot, tables and cold caches stay out on both sides.
 * AR2. Archived is what the stored checkpoint says. It is looked at every few milliseconds, so lags are told a little too long. A
 *      look is one short query: it takes from the cores that are measured.
 * AR3. All write into WAL files that were there before, and right behind a checkpoint: a server that has just been made fills new ones
 *      with zeroes first, which would be the cost of whoever comes first, and no server that runs for a day pays it again.
 * AR4. The CPU of each process beside the rates: what they sum up to, on the cores there are, is the most that a rate can be.
 */
import { Subjects } from '@natter/broker'
import { Client } from 'pg'
import type { RowsWish, WriteWish, Written } from '../contenders/archive-writer.js'
import type { Copied, LoadWish } from '../contenders/copy.js'
import type { PacedWish, Published, PublishWish } from '../contenders/broker-publisher.js'
import type { PipelineEnd } from '../contenders/pipeline.js'
import type { Bench, Context } from '../harness/bench.js'
import type { Child } from '../harness/child.js'
import { stopwatch } from '../harness/cpu.js'
import { nowUs } from '../harness/payload.js'
import type { Sample } from '../harness/results.js'
import { Histogram } from '../harness/statistics.js'
import { join } from 'node:path'

const bytes = 200
const batch = 5_000
const channels = 100
const lagRate = 5_000
const schema = 'natter'
const meta = '{"k":"json","i":{"u":"publisher-1","c":"0b6c2a2e-3f3c-4a53-9d5c-0f2f6d1c7a55"}}'
const lookEveryMs = 10

/** As people run it: what is committed survives. */
const postgresSettings = {
  fsync: 'on',
  full_page_writes: 'on',
  shared_buffers: '256MB',
  max_wal_size: '4GB',
  min_wal_size: '2GB', // AR3: a checkpoint keeps the files that were filled before
}

/** More than all contenders write. */
const warmWalBytes = 1_200_000_000

const counts = (isQuick: boolean) =>
  isQuick ? { backlog: 15_000, lagSeconds: 1 } : { backlog: 200_000, lagSeconds: 10 }

const backlogShape = `${bytes} bytes, batches of ${batch}`
const lagShape = `${lagRate} publications/s`

const subjects = Array.from({ length: channels }, (_, index) =>
  new Subjects('natter').stored('filed', `filed:bench-${index}`),
)

/** AR3. */
async function fillWal(server: { url: string }): Promise<void> {
  await using admin = await connected(server.url)
  const pieceBytes = 1_000_000
  await admin.client.query(
    `select count(pg_logical_emit_message(false, 'warm', repeat('x', ${pieceBytes})))
     from generate_series(1, ${warmWalBytes / pieceBytes})`,
  )
  await admin.client.query('checkpoint')
}

async function checkpointNow(server: { url: string }): Promise<void> {
  await using admin = await connected(server.url)
  await admin.client.query('checkpoint')
}

interface Look {
  atUs: number
  seq: number
}

interface Watched {
  upTo: () => number
  withinMs: number
  /** Called when the first batch is in. */
  onFirst?: () => Promise<void>
}

/** AR2. Looks until the checkpoint has reached `upTo()`; answers each look that saw it move. */
async function watch(client: Client, { upTo, withinMs, onFirst }: Watched): Promise<Look[]> {
  const looks: Look[] = []
  const endUs = nowUs() + withinMs * 1000
  await tableThere(client, endUs)
  for (;;) {
    const seq = await checkpoint(client)
    const atUs = nowUs()
    if (seq > (looks.at(-1)?.seq ?? 0)) looks.push({ atUs, seq })
    if (seq >= upTo()) return looks
    if (looks.length === 1 && looks[0]?.atUs === atUs) await onFirst?.()
    if (atUs > endUs) throw new Error(`The archive is at ${seq} of ${upTo()} after ${withinMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
  }
}

async function tableThere(client: Client, endUs: number): Promise<void> {
  const question = `select to_regclass('${schema}.archive_checkpoint') as there`
  for (;;) {
    const { rows } = await client.query<{ there: string | null }>(question)
    if (rows[0]?.there != null) return
    if (nowUs() > endUs) throw new Error('The archive has made no tables')
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
  }
}

/** 0 while there is none. */
async function checkpoint(client: Client): Promise<number> {
  const found = await client.query<{ seq: string }>(
    `select max(seq) as seq from ${schema}.archive_checkpoint`,
  )
  return Number(found.rows[0]?.seq ?? 0)
}

async function archived(client: Client): Promise<number> {
  const { rows } = await client.query<{ count: string }>(`select count(*) from ${schema}.publications`)
  return Number(rows[0]?.count ?? 0)
}

/** The server's processes for the other connections to this database: those of the archive. */
async function backends(client: Client): Promise<number[]> {
  const { rows } = await client.query<{ pid: number }>(
    'select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  )
  return rows.map(({ pid }) => pid)
}

interface BacklogWish {
  publisher: Child
  client: Client
  start: () => Promise<Child>
  natsPid: number
  count: number
}

async function backlog({ publisher, client, start, natsPid, count }: BacklogWish): Promise<Sample> {
  const wish = { subjects, bytes, meta, count, inFlight: 1_000 } satisfies PublishWish
  const end = await publisher.ask<PipelineEnd>('publish', wish)
  if (end.firstError !== undefined) throw new Error(end.firstError)
  const { pid } = await start()
  let cpu = stopwatch([])
  const onFirst = async (): Promise<void> => {
    cpu = stopwatch([pid, natsPid, ...(await backends(client))]) // AR4
  }
  const looks = await watch(client, { upTo: () => end.largest, withinMs: 120_000, onFirst })
  const [appUs = 0, natsUs = 0, ...postgresUs] = cpu()
  const [first, last] = [looks[0], looks.at(-1)]
  if (first === undefined || last === undefined || last.seq === first.seq)
    throw new Error('The whole backlog was one batch: there is no rate to read from that')
  const rows = last.seq - first.seq
  const rowsPerSecond = (rows / (last.atUs - first.atUs)) * 1_000_000 // AR1
  const postgres = postgresUs.reduce((sum, us) => sum + us, 0)
  const sample: Sample = {
    contender: 'persistence',
    shape: backlogShape,
    expected: count,
    delivered: await archived(client),
    figures: {
      rowsPerSecond,
      cpuPerRowUs: appUs / rows,
      natsServerCpuPerRowUs: natsUs / rows,
      postgresCpuPerRowUs: postgres / rows,
    },
  }
  return sample
}

async function lag(publisher: Child, client: Client, seconds: number): Promise<Sample> {
  const before = await archived(client)
  const count = lagRate * seconds
  const wish = { subjects, bytes, meta, perSecond: lagRate, count } satisfies PacedWish
  let target = Number.POSITIVE_INFINITY
  const publishing = publisher.ask<Published>('paced', wish).then((all) => {
    target = Math.max(...all.slice(-1_000).map(([seq]) => seq))
    return all
  })
  const [published, looks] = await Promise.all([
    publishing,
    watch(client, { upTo: () => target, withinMs: seconds * 1000 + 30_000 }),
  ])
  const delays = new Histogram()
  let at = 0
  for (const [seq, dueUs] of published.toSorted(([a], [b]) => a - b)) {
    while ((looks[at]?.seq ?? Number.POSITIVE_INFINITY) < seq) at += 1
    delays.record((looks[at]?.atUs ?? Number.POSITIVE_INFINITY) - dueUs)
  }
  const ms = (share: number): number => delays.percentile(share) / 1000
  return {
    contender: 'persistence',
    shape: lagShape,
    expected: count,
    delivered: (await archived(client)) - before,
    figures: { p50Ms: ms(0.5), p99Ms: ms(0.99), maxMs: ms(1) },
    histogram: delays.data(),
  }
}

/** COPY into a copy of the database whose rows were removed: the same tables, partitions and indexes. */
async function copied(
  context: Context,
  server: { url: string },
  source: string,
  count: number,
): Promise<Sample> {
  const child = await context.stage.process('contenders/copy', 'measured')
  await child.ask('load', { url: source, schema, batch } satisfies LoadWish)
  const target = new URL(source)
  target.pathname = '/copied'
  await using admin = await connected(server.url)
  await admin.client.query(`create database copied template ${new URL(source).pathname.slice(1)}`)
  await using client = await connected(target.href)
  await client.client.query(`truncate ${schema}.publications`)
  await checkpointNow(server)
  const { rows, rowsTimed, tookMs, postgresCpuUs } = await child.ask<Copied>('copy', {
    url: target.href,
    schema,
  })
  return {
    contender: 'COPY',
    shape: backlogShape,
    expected: count,
    delivered: rows === (await archived(client.client)) ? rows : 0,
    figures: { rowsPerSecond: (rowsTimed / tookMs) * 1000, postgresCpuPerRowUs: postgresCpuUs / rowsTimed },
  }
}

/** The archive's writer alone, into a database of its own: what is left when nothing has to be read. */
async function fromMemory(
  { stage }: Context,
  server: { url: string; createDatabase(name: string): Promise<string> },
  source: string,
  count: number,
): Promise<Sample> {
  const child = await stage.process('contenders/archive-writer', 'measured')
  await child.ask('load', { url: source, schema, batch } satisfies RowsWish)
  const url = await server.createDatabase('written')
  const lib = stage.built.lib('archive', 'persistence')
  await checkpointNow(server)
  const { rowsTimed, tookMs, cpuUs } = await child.ask<Written>('write', {
    url,
    schema,
    lib,
  } satisfies WriteWish)
  await using target = await connected(url)
  return {
    contender: 'libs/archive, from memory',
    shape: backlogShape,
    expected: count,
    delivered: await archived(target.client),
    figures: { rowsPerSecond: (rowsTimed / tookMs) * 1000, cpuPerRowUs: cpuUs / rowsTimed },
  }
}

async function connected(url: string) {
  const client = new Client({ connectionString: url })
  await client.connect()
  return { client, [Symbol.asyncDispose]: () => client.end() }
}

async function run(context: Context): Promise<Sample[]> {
  const { stage, isQuick, say } = context
  const { backlog: count, lagSeconds } = counts(isQuick)
  const [nats, server] = [await stage.nats(), await stage.postgres(postgresSettings)]
  await fillWal(server)
  const url = await server.createDatabase('archived')
  const publisher = await stage.process('contenders/broker-publisher', 'load')
  await publisher.ask('connect', { url: nats.url, lib: stage.built.lib('broker') })
  const settings = {
    NATS_URL: nats.url,
    POSTGRES_URL: url,
    CONFIG: join(import.meta.dirname, '../harness/natter.yaml'),
    LOG_LEVEL: 'warn',
  }
  const samples: Sample[] = []
  const persistence: Child[] = []
  const start = async (): Promise<Child> => {
    const child = await stage.app('persistence', settings, 'measured')
    persistence.push(child)
    return child
  }
  {
    await using client = await connected(url)
    await checkpointNow(server)
    const wish = { publisher, client: client.client, start, natsPid: nats.pid, count }
    samples.push(await backlog(wish))
    say('persistence: backlog')
    samples.push(await lag(publisher, client.client, lagSeconds))
    say('persistence: lag')
  }
  await Promise.all(persistence.map((child) => child.end()))
  const rows = count + lagRate * lagSeconds
  samples.push(await fromMemory(context, server, url, rows))
  say('libs/archive, from memory')
  samples.push(await copied(context, server, url, rows))
  say('COPY')
  return samples
}

export const archive: Bench = {
  name: 'archive',
  title: 'Archive',
  apps: ['gateway', 'persistence'],
  isPlaced: false,
  withinMs: 240_000,
  load: (isQuick) => {
    const { backlog: count, lagSeconds } = counts(isQuick)
    return (
      `a backlog of ${count} publications of ${bytes} bytes over ${channels} channels, then ${lagRate} a second for ${lagSeconds} s; ` +
      'Postgres with fsync and full_page_writes on, shared_buffers 256 MB, max_wal_size 4 GB, WAL files that are there before'
    )
  },
  inside: {
    persistence:
      'from the first batch in Postgres to the last: reading JetStream, digest, encoding, COPY, spans and checkpoint, in one transaction per batch',
    'libs/archive, from memory':
      'one process that gives the same rows, which it holds, to the writer of the built lib, in the same batches: no NATS, no digest',
    COPY: 'one connection that copies the same rows, already encoded, into the same partitioned, indexed table of another database',
  },
  bars: [
    {
      what: 'rate of the archive, reading included ÷ COPY',
      limit: 0.7,
      unit: '×',
      holds: 'at least',
      of: { contender: 'persistence', shape: backlogShape, figure: 'rowsPerSecond' },
      baseline: { contender: 'COPY', shape: backlogShape, figure: 'rowsPerSecond' },
    },
    {
      what: 'rate of libs/archive from memory ÷ COPY',
      limit: 0.7,
      unit: '×',
      holds: 'at least',
      of: { contender: 'libs/archive, from memory', shape: backlogShape, figure: 'rowsPerSecond' },
      baseline: { contender: 'COPY', shape: backlogShape, figure: 'rowsPerSecond' },
    },
    {
      what: `lag of the archive, p99, at ${lagShape}`,
      limit: 2_000,
      unit: 'ms',
      holds: 'at most',
      of: { contender: 'persistence', shape: lagShape, figure: 'p99Ms' },
    },
  ],
  run,
}
