/**
 * The tables of namespaces and days: made when the first row comes, dropped when a day is forgotten.
 *
 * PT1. A table is filled with its columns first and attached then: attaching lets readers and writers of the parent go on.
 * PT2. One process makes tables at a time, by an advisory lock, each in a transaction of its own: no batch waits for more than one.
 * PT3. A day is marked as forgotten before its rows go: who reads meanwhile is told of too much missing, never of too little.
 */
import type { TypedEvents } from '@natter/primitives'
import type { ClientBase } from 'pg'
import type { ArchiveEvents } from '../archive-events.js'
import type { ArchiveRow } from '../archive.js'
import { dayOf, dayText } from '../rules.js'
import { dayTable, literal, namespaceTable, type Names } from './names.js'

interface Place {
  namespace: string
  day: number
}

export class Partitions {
  /** Those known to exist, by day. One that somebody dropped is found by the write that fails. */
  private readonly known = new Map<string, Set<number>>()

  constructor(
    private readonly names: Names,
    private readonly events: TypedEvents<ArchiveEvents>,
  ) {}

  /** Makes the missing tables for these rows. Outside of any transaction. */
  async ensure(client: ClientBase, rows: readonly ArchiveRow[]): Promise<void> {
    for (const { namespace, timeNs } of rows) {
      const day = dayOf(timeNs)
      const days = this.known.get(namespace)
      if (days?.has(day) === true) continue
      await this.create(client, { namespace, day })
      if (days === undefined) this.known.set(namespace, new Set([day]))
      else days.add(day)
    }
  }

  /** A write said that one of them isn't there. */
  forgetKnown(): void {
    this.known.clear()
  }

  private async create(client: ClientBase, place: Place): Promise<void> {
    await client.query('begin')
    try {
      await client.query('select pg_advisory_xact_lock($1)', [this.names.lockKey('partitions')]) // PT2
      const isNew = await this.createLocked(client, place)
      await client.query('commit')
      const { namespace, day } = place
      if (isNew) this.events.emit('archive:partition:create', { namespace, day: dayText(day) })
    } catch (error) {
      await client.query('rollback').catch(() => {})
      throw error
    }
  }

  private async createLocked(client: ClientBase, { namespace, day }: Place): Promise<boolean> {
    const id = await this.idOf(client, namespace)
    const parent = namespaceTable(id)
    await this.attach(client, 'publications', parent, {
      shape: 'partition by range (published_at)',
      bound: `in (${literal(namespace)})`,
    })
    const [from, to] = [day, day + 1].map((each) => literal(`${dayText(each)}T00:00:00Z`))
    return await this.attach(client, parent, dayTable(id, day), {
      shape: '',
      bound: `from (${from}) to (${to})`,
    })
  }

  private async idOf(client: ClientBase, namespace: string): Promise<number> {
    const table = this.names.of('archive_namespace')
    await client.query(
      `insert into ${table} (name) select $1 where not exists (select from ${table} where name = $1)`,
      [namespace],
    )
    const { rows } = await client.query<{ id: number }>(`select id from ${table} where name = $1`, [
      namespace,
    ])
    return rows[0]?.id ?? 0
  }

  /** PT1. Answers whether it was missing. */
  private async attach(
    client: ClientBase,
    parent: string,
    table: string,
    { shape, bound }: { shape: string; bound: string },
  ): Promise<boolean> {
    const [whole, part] = [this.names.of(parent), this.names.of(table)]
    const { rows } = await client.query<{ attached: boolean }>(
      'select relispartition as attached from pg_class where oid = to_regclass($1)',
      [part],
    )
    if (rows[0]?.attached === true) return false
    await client.query(`drop table if exists ${part}`) // what a `forget` that was cut off has left
    await client.query(`create table ${part} (like ${whole} including defaults including storage) ${shape}`)
    await client.query(`alter table ${whole} attach partition ${part} for values ${bound}`)
    return true
  }

  /** Drops the days of a namespace that ended by `olderThanMs`. Answers how many. */
  async drop(client: ClientBase, namespace: string, olderThanMs: number): Promise<number> {
    const { rows } = await client.query<{ id: number; held: boolean }>(
      `select id, pg_try_advisory_lock($2) as held from ${this.names.of('archive_namespace')} where name = $1`,
      [namespace, this.names.lockKey('forget')],
    )
    const found = rows[0]
    if (found?.held !== true) return 0 // nothing of it, or another process is at it
    try {
      const endDay = Math.floor(olderThanMs / 86_400_000)
      const old = (await this.daysOf(client, found.id)).filter(({ day }) => day < endDay)
      for (const each of old) await this.dropDay(client, namespace, found.id, each)
      await this.dropDeadLetters(client, namespace, endDay)
      return old.length
    } finally {
      await client.query('select pg_advisory_unlock($1)', [this.names.lockKey('forget')])
    }
  }

  private async daysOf(client: ClientBase, id: number): Promise<{ day: number; isPending: boolean }[]> {
    const { rows } = await client.query<{ name: string; pending: boolean }>(
      `select relname as name, inhdetachpending as pending from pg_inherits join pg_class on pg_class.oid = inhrelid
       where inhparent = to_regclass($1) order by relname`,
      [this.names.of(namespaceTable(id))],
    )
    return rows.map(({ name, pending }) => ({ day: dayOfTable(name), isPending: pending }))
  }

  private async dropDay(
    client: ClientBase,
    namespace: string,
    id: number,
    { day, isPending }: { day: number; isPending: boolean },
  ): Promise<void> {
    await client.query(
      `update ${this.names.of('archive_span')} set forgotten = true where namespace = $1 and day = $2::date`,
      [namespace, dayText(day)],
    ) // PT3
    const [parent, table] = [this.names.of(namespaceTable(id)), this.names.of(dayTable(id, day))]
    const mode = isPending ? 'finalize' : 'concurrently'
    await client.query(`alter table ${parent} detach partition ${table} ${mode}`)
    await client.query(`drop table if exists ${table}`)
    this.known.get(namespace)?.delete(day)
    this.events.emit('archive:partition:drop', { namespace, day: dayText(day) })
  }

  private async dropDeadLetters(client: ClientBase, namespace: string, endDay: number): Promise<void> {
    await client.query(
      `with gone as (delete from ${this.names.of('dead_letter')} where namespace = $1 and time_ns < $2
         returning stream, epoch, seq, time_ns)
       insert into ${this.names.of('archive_span')}
       select ordinal, $3::text, to_timestamp(trunc(time_ns / 1000000000))::date, min(seq), max(seq), true
       from gone join ${this.names.of('archive_epoch')} using (stream, epoch) group by 1, 3
       on conflict (epoch_ordinal, namespace, day) do update set forgotten = true,
         min_seq = least(archive_span.min_seq, excluded.min_seq), max_seq = greatest(archive_span.max_seq, excluded.max_seq)`,
      [Buffer.from(namespace), String(BigInt(endDay) * 86_400_000_000_000n), namespace],
    )
  }
}

/** `publications_n3_20261121` → days since 1970. */
function dayOfTable(name: string): number {
  const [, year, month, day] = /_(\d{4,})(\d\d)(\d\d)$/.exec(name) ?? []
  return Date.UTC(Number(year), Number(month) - 1, Number(day)) / 86_400_000
}
