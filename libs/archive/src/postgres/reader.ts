/**
 * Reads one channel's publications of one epoch.
 *
 * R1. Checkpoint, rows and gaps are of one snapshot: what the checkpoint covers and isn't answered doesn't exist, or is in the gaps.
 * R2. No read touches all days: the spans say which days hold the sequences that are asked for, and they are read a few at a time.
 * R3. Dead letters are publications too: they come in their place.
 * R4. Days that were forgotten, and those whose table is gone or going, are told as gaps. They are looked up last: a day may go
 *     while we read.
 */
import type { ClientBase, Pool } from 'pg'
import type { ArchiveGap, ArchivePage, ArchiveQuery, Publication } from '../archive.js'
import { clipGaps, fitPage } from '../page.js'
import { withPooled } from './connection.js'
import { clustersOf, inGrowingRuns, type Cluster, type Span } from './clusters.js'
import { namespaceTable, type Names } from './names.js'

interface PublicationRow {
  seq: string
  time_ns: string
  kind: string
  /** Null = there, but beyond what was asked for. */
  data: Buffer | null
  meta: Buffer
}

interface Found {
  publications: Publication[]
  /** The rows go on behind the last of them. */
  isCut: boolean
}

export function readPage(pool: Pool, names: Names, asked: ArchiveQuery): Promise<ArchivePage> {
  const query = {
    ...asked,
    after: Math.max(asked.after, 0),
    upTo: Math.min(asked.upTo, Number.MAX_SAFE_INTEGER),
  }
  return withPooled(pool, async (client) => {
    await client.query('begin isolation level repeatable read read only') // R1
    const epoch = await epochOf(client, names, query)
    if (epoch === undefined) {
      await client.query('commit')
      return { publications: [], isComplete: true, checkpointSeq: 0, gaps: [] }
    }
    const found = await publicationsOf(client, names, epoch.ordinal, query)
    const recorded = await gapsOf(client, names, epoch.ordinal, query)
    await client.query('commit')
    const forgotten = await forgottenOf(client, names, epoch.ordinal, query) // R4
    const { taken, isAll } = fitPage(found.publications, query)
    return {
      publications: taken,
      isComplete: isAll && !found.isCut,
      checkpointSeq: epoch.checkpointSeq,
      gaps: clipGaps([...recorded, ...forgotten], query),
    }
  })
}

async function epochOf(
  client: ClientBase,
  names: Names,
  { stream, epoch }: ArchiveQuery,
): Promise<{ ordinal: number; checkpointSeq: number } | undefined> {
  const { rows } = await client.query<{ ordinal: number; seq: string }>(
    `select e.ordinal, coalesce(e.last_seq, c.seq, 0) as seq from ${names.of('archive_epoch')} e
     left join ${names.of('archive_checkpoint')} c on c.stream = e.stream and c.epoch = e.epoch
     where e.stream = $1 and e.epoch = $2`,
    [stream, epoch],
  )
  const [row] = rows
  return row === undefined ? undefined : { ordinal: row.ordinal, checkpointSeq: Number(row.seq) }
}

async function publicationsOf(
  client: ClientBase,
  names: Names,
  ordinal: number,
  query: ArchiveQuery,
): Promise<Found> {
  const dead = await deadLettersOf(client, names, query)
  const stored = await storedOf(client, names, ordinal, query)
  if (dead.publications.length === 0) return { ...stored, isCut: stored.isCut || dead.isCut }
  // R3: only up to where both are known
  const last = (found: Found): number => (found.isCut ? (found.publications.at(-1)?.seq ?? NaN) : NaN)
  const isForward = query.direction === 'forward'
  const ends = [last(dead), last(stored)].filter((seq) => !Number.isNaN(seq))
  const isKnown = ({ seq }: Publication): boolean =>
    ends.every((end) => (isForward ? seq <= end : seq >= end))
  const publications = [...dead.publications, ...stored.publications]
    .filter(isKnown)
    .toSorted((a, b) => (isForward ? a.seq - b.seq : b.seq - a.seq))
  return { publications, isCut: dead.isCut || stored.isCut }
}

async function storedOf(
  client: ClientBase,
  names: Names,
  ordinal: number,
  query: ArchiveQuery,
): Promise<Found> {
  const publications: Publication[] = []
  if (isNameless(query)) return { publications, isCut: false }
  const clusters = clustersOf(await spansOf(client, names, ordinal, query), query.direction)
  let left = { limit: query.limit, maxBytes: query.maxBytes, isFirst: true }
  for (const run of inGrowingRuns(clusters)) {
    const { text, values } = pageQuery(names, ordinal, query, run, left)
    const { rows } = await client.query<PublicationRow>(text, values)
    for (const row of rows) {
      if (row.data === null) return { publications, isCut: true }
      publications.push(publicationOf(row, row.data, query))
      const maxBytes = left.maxBytes - row.data.length
      left = { limit: left.limit - 1, maxBytes, isFirst: false }
    }
  }
  return { publications, isCut: false }
}

/** No table can have such a name: only dead letters do. */
const isNameless = ({ namespace, channel }: ArchiveQuery): boolean => `${namespace}${channel}`.includes('\0')

async function spansOf(
  client: ClientBase,
  names: Names,
  ordinal: number,
  query: ArchiveQuery,
): Promise<Span[]> {
  const { rows } = await client.query<{ day: number; min_seq: string; max_seq: string }>(
    `select day - date '1970-01-01' as day, min_seq, max_seq from ${names.of('archive_span')}
     where epoch_ordinal = $1 and namespace = $2 and max_seq > $3 and min_seq <= $4`,
    [ordinal, query.namespace, query.after, query.upTo],
  )
  return rows.map(({ day, min_seq: min, max_seq: max }) => ({ day, min: Number(min), max: Number(max) }))
}

/**
 * The publications of some clusters, one more than fits: the data of those that don't fit is left out. R2: the days are given as
 * values, so that the planner sees which partitions there are to read.
 */
export function pageQuery(
  names: Names,
  ordinal: number,
  { namespace, channel, after, upTo, direction }: ArchiveQuery,
  run: readonly Cluster[],
  { limit, maxBytes, isFirst }: { limit: number; maxBytes: number; isFirst: boolean },
): { text: string; values: unknown[] } {
  const order = direction === 'forward' ? 'asc' : 'desc'
  const atLeast = isFirst && limit > 0 ? 1 : 0
  const text = `select seq, time_ns, kind, meta,
      case when nth <= $9 and (nth <= $11 or bytes <= $10) then data end as data
    from (
      select *, row_number() over same as nth, sum(octet_length(data)) over same as bytes
      from (
        select seq, time_ns, kind, meta, data from ${names.of('publications')}
        where namespace = $1 and channel = $2 and epoch_ordinal = $3 and seq > $4 and seq <= $5
          and published_at >= $6 and published_at < $7
        order by seq ${order} limit $8
      ) few window same as (order by seq ${order} rows unbounded preceding)
    ) summed order by seq ${order}`
  const minSeq = Math.min(...run.map(({ min }) => min))
  const maxSeq = Math.max(...run.map(({ max }) => max))
  const values = [
    namespace,
    channel,
    ordinal,
    Math.max(after, minSeq - 1),
    Math.min(upTo, maxSeq),
    new Date(Math.min(...run.map(({ fromDay }) => fromDay)) * 86_400_000).toISOString(),
    new Date((Math.max(...run.map(({ toDay }) => toDay)) + 1) * 86_400_000).toISOString(),
    limit + 1,
    limit,
    Math.max(maxBytes, 0),
    atLeast,
  ]
  return { text, values }
}

/** Bounded as those of the tables are: the data of what doesn't fit stays where it is. */
async function deadLettersOf(client: ClientBase, names: Names, query: ArchiveQuery): Promise<Found> {
  const order = query.direction === 'forward' ? 'asc' : 'desc'
  const { rows } = await client.query<PublicationRow>(
    `select seq, time_ns, kind, meta, case when nth <= $7 and (nth = 1 or bytes <= $8) then data end as data
     from (
       select *, row_number() over same as nth, sum(octet_length(data)) over same as bytes
       from (
         select seq, time_ns, kind, meta, data from ${names.of('dead_letter')}
         where stream = $1 and epoch = $2 and seq > $3 and seq <= $4 and channel = $5 and namespace = $6
         order by seq ${order} limit $7::int + 1
       ) few window same as (order by seq ${order} rows unbounded preceding)
     ) summed order by seq ${order}`,
    [
      query.stream,
      query.epoch,
      query.after,
      query.upTo,
      Buffer.from(query.channel),
      Buffer.from(query.namespace),
      query.limit,
      query.maxBytes,
    ],
  )
  const cutAt = rows.findIndex(({ data }) => data === null)
  const publications = rows
    .slice(0, cutAt === -1 ? rows.length : cutAt)
    .flatMap((row) => (row.data === null ? [] : [publicationOf(row, row.data, query)]))
  return { publications, isCut: cutAt !== -1 }
}

const publicationOf = (
  row: PublicationRow,
  data: Buffer,
  { namespace, channel }: ArchiveQuery,
): Publication => ({
  seq: Number(row.seq),
  timeNs: BigInt(row.time_ns),
  namespace,
  channel,
  kind: row.kind === 'j' ? 'json' : 'bin',
  data,
  meta: row.meta.toString(),
})

async function gapsOf(
  client: ClientBase,
  names: Names,
  ordinal: number,
  query: ArchiveQuery,
): Promise<ArchiveGap[]> {
  const { rows } = await client.query<{ from: string; to: string; reason: ArchiveGap['reason'] }>(
    `select from_seq as from, to_seq as to, reason from ${names.of('archive_gap')}
     where epoch_ordinal = $1 and to_seq > $2 and from_seq <= $3`,
    [ordinal, query.after, query.upTo],
  )
  return rows.map(({ from, to, reason }) => ({ from: Number(from), to: Number(to), reason }))
}

async function forgottenOf(
  client: ClientBase,
  names: Names,
  ordinal: number,
  query: ArchiveQuery,
): Promise<ArchiveGap[]> {
  if (query.namespace.includes('\0')) return []
  const { rows } = await client.query<{ from: string; to: string }>(
    `select min_seq as from, max_seq as to from ${names.of('archive_span')}
     where epoch_ordinal = $1 and namespace = $2 and max_seq > $3 and min_seq <= $4
       and (forgotten or not exists (
         select from pg_inherits join pg_class on pg_class.oid = inhrelid
         where not inhdetachpending and relnamespace = to_regnamespace($5) and relname =
           (select $6 || id from ${names.of('archive_namespace')} where name = $2) || to_char(day, '_YYYYMMDD')))`,
    [ordinal, query.namespace, query.after, query.upTo, names.schema, namespaceTable('')],
  )
  return rows.map(({ from, to }) => ({ from: Number(from), to: Number(to), reason: 'forgotten' }))
}
