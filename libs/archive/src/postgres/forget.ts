/**
 * Forgets whole days of a namespace by dropping their tables, while others read and write.
 *
 * F1. A day is marked as forgotten before its rows go: who reads meanwhile is told of too much missing, never of too little.
 * F2. It is marked again once the table is detached. A writer whose transaction was open at the first mark may have brought a span
 *     that wasn't there to be marked; detaching waits for that transaction. Until the second mark readers go by the catalogue: a
 *     span without an attached table is missing (`reader.ts`, R4).
 * F3. What died halfway is finished by the next one, whatever that was asked to forget: Postgres detaches one at a time, and a
 *     detached table is found by nobody else.
 */
import type { TypedEvents } from '@natter/primitives'
import type { ClientBase } from 'pg'
import type { ArchiveEvents } from '../archive-events.js'
import { dayText } from '../rules.js'
import { dayTable, namespaceTable, type Names } from './names.js'
import { dropDetached, markForgotten, underLock } from './partitions.js'

interface Parts {
  client: ClientBase
  names: Names
  events: TypedEvents<ArchiveEvents>
}

interface DayTable {
  day: number
  state: 'leaving' | 'detached' | 'attached'
}

/** Drops the days of a namespace that ended by `olderThanMs`. Answers how many; 0 while another process is at it. */
export async function forgetDays(parts: Parts, namespace: string, olderThanMs: number): Promise<number> {
  const { client, names } = parts
  const { rows } = await client.query<{ id: number; held: boolean }>(
    `select id, pg_try_advisory_lock($2) as held from ${names.of('archive_namespace')} where name = $1`,
    [namespace, names.lockKey('forget')],
  )
  const found = rows[0]
  if (found?.held !== true) return 0
  try {
    const endDay = Math.floor(olderThanMs / 86_400_000)
    const tables = await tablesOf(parts, found.id)
    const old = tables.filter(({ day, state }) => day < endDay || state !== 'attached') // F3
    for (const table of old) await forgetDay(parts, namespace, found.id, table)
    await dropDeadLetters(parts, namespace, endDay)
    return old.length
  } finally {
    await client.query('select pg_advisory_unlock($1)', [names.lockKey('forget')])
  }
}

/** Those in the middle of being forgotten first: Postgres refuses to detach another one beside them. */
async function tablesOf({ client, names }: Parts, id: number): Promise<DayTable[]> {
  const { rows } = await client.query<{ name: string; state: DayTable['state'] }>(
    `select relname as name,
       case when inhrelid is null then 'detached' when inhdetachpending then 'leaving' else 'attached' end as state
     from pg_class left join pg_inherits on inhrelid = pg_class.oid
     where relnamespace = to_regnamespace($1) and relkind = 'r' and relname ~ $2
     order by inhdetachpending is not true, relname`,
    [names.schema, `^${namespaceTable(id)}_[0-9]{8}$`],
  )
  return rows.map(({ name, state }) => ({ day: dayOfTable(name), state }))
}

async function forgetDay(
  { client, names, events }: Parts,
  namespace: string,
  id: number,
  { day, state }: DayTable,
): Promise<void> {
  const table = dayTable(id, day)
  await markForgotten(client, names, { namespace, day }) // F1
  if (state !== 'detached') {
    const mode = state === 'leaving' ? 'finalize' : 'concurrently'
    await client.query(
      `alter table ${names.of(namespaceTable(id))} detach partition ${names.of(table)} ${mode}`,
    )
  }
  await underLock(client, names, () => dropDetached(client, names, { namespace, day, table })) // F2
  events.emit('archive:partition:drop', { namespace, day: dayText(day) })
}

async function dropDeadLetters({ client, names }: Parts, namespace: string, endDay: number): Promise<void> {
  await client.query(
    `with gone as (delete from ${names.of('dead_letter')} where namespace = $1 and time_ns < $2
       returning stream, epoch, seq, greatest(time_ns, 0) as time_ns)
     insert into ${names.of('archive_span')}
     select ordinal, $3::text, to_timestamp(trunc(time_ns / 1000000000))::date, min(seq), max(seq), true
     from gone join ${names.of('archive_epoch')} using (stream, epoch) group by 1, 3
     on conflict (epoch_ordinal, namespace, day) do update set forgotten = true,
       min_seq = least(archive_span.min_seq, excluded.min_seq), max_seq = greatest(archive_span.max_seq, excluded.max_seq)`,
    [Buffer.from(namespace), String(BigInt(endDay) * 86_400_000_000_000n), namespace],
  )
}

/** `publications_n3_20261121` → days since 1970. */
function dayOfTable(name: string): number {
  const [, year, month, day] = /_(\d{4})(\d\d)(\d\d)$/.exec(name) ?? []
  return Date.UTC(Number(year), Number(month) - 1, Number(day)) / 86_400_000
}
