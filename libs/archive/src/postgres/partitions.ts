/**
 * The tables of namespaces and days: made when the first row comes. `forget.ts` drops them.
 *
 * PT1. A table is filled with its columns first and attached then: attaching lets readers and writers of the parent go on.
 * PT2. One process makes tables at a time, by an advisory lock, each in a transaction of its own: no batch waits for more than one.
 * PT3. A table that isn't attached is dropped only where its day is marked as forgotten, in the same transaction and under the same
 *      lock: whoever makes it anew can't hide what was in it.
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

/** `leaving`: a `forget` is in the middle of it, and nothing can be written there until it is through. */
type TableState = 'attached' | 'leaving' | 'detached' | 'none'

export class Partitions {
  /** Those known to exist, by day. One that somebody dropped is found by the write that fails. */
  private readonly known = new Map<string, Set<number>>()

  constructor(
    private readonly names: Names,
    private readonly events: TypedEvents<ArchiveEvents>,
  ) {}

  /** Makes the missing tables for these rows. Answers the rows whose day is just being forgotten. Outside of any transaction. */
  async ensure(client: ClientBase, rows: readonly ArchiveRow[]): Promise<ArchiveRow[]> {
    const leaving = new Map<string, Set<number>>()
    const homeless: ArchiveRow[] = []
    for (const row of rows) {
      const { namespace } = row
      const day = dayOf(row.timeNs)
      if (this.known.get(namespace)?.has(day) === true) continue
      const isLeaving = leaving.get(namespace)?.has(day) ?? !(await this.create(client, { namespace, day }))
      note(isLeaving ? leaving : this.known, namespace, day)
      if (isLeaving) homeless.push(row)
    }
    return homeless
  }

  /** A write said that one of them isn't there, or some were dropped. */
  forgetKnown(): void {
    this.known.clear()
  }

  /** False when its day is just being forgotten. */
  private async create(client: ClientBase, place: Place): Promise<boolean> {
    const before = await underLock(client, this.names, () => this.createLocked(client, place))
    const { namespace, day } = place
    const isNew = before === 'none' || before === 'detached'
    if (isNew) this.events.emit('archive:partition:create', { namespace, day: dayText(day) })
    return before !== 'leaving'
  }

  /** Answers what there was before. */
  private async createLocked(client: ClientBase, { namespace, day }: Place): Promise<TableState> {
    const id = await this.idOf(client, namespace)
    const [parent, table] = [namespaceTable(id), dayTable(id, day)]
    if ((await stateOf(client, this.names, parent)) === 'none') {
      const shape = 'partition by range (published_at)'
      await this.attach(client, 'publications', parent, { shape, bound: `in (${literal(namespace)})` })
    }
    const state = await stateOf(client, this.names, table)
    if (state === 'attached' || state === 'leaving') return state
    await dropDetached(client, this.names, { namespace, day, table })
    const [from, to] = [day, day + 1].map((each) => literal(`${dayText(each)}T00:00:00Z`))
    await this.attach(client, parent, table, { shape: '', bound: `from (${from}) to (${to})` })
    return state
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

  /** PT1 */
  private async attach(
    client: ClientBase,
    parent: string,
    table: string,
    { shape, bound }: { shape: string; bound: string },
  ): Promise<void> {
    const [whole, part] = [this.names.of(parent), this.names.of(table)]
    await client.query(`create table ${part} (like ${whole} including defaults including storage) ${shape}`)
    await client.query(`alter table ${whole} attach partition ${part} for values ${bound}`)
  }
}

function note(days: Map<string, Set<number>>, namespace: string, day: number): void {
  const found = days.get(namespace)
  if (found === undefined) days.set(namespace, new Set([day]))
  else found.add(day)
}

/** PT2. A transaction in which nobody else makes or drops tables. */
export async function underLock<T>(client: ClientBase, names: Names, act: () => Promise<T>): Promise<T> {
  await client.query('begin')
  try {
    await client.query('select pg_advisory_xact_lock($1)', [names.lockKey('partitions')])
    const result = await act()
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  }
}

async function stateOf(client: ClientBase, names: Names, table: string): Promise<TableState> {
  const { rows } = await client.query<{ state: TableState }>(
    `select case when i.inhrelid is null then 'detached' when i.inhdetachpending then 'leaving' else 'attached' end as state
     from pg_class c left join pg_inherits i on i.inhrelid = c.oid where c.oid = to_regclass($1)`,
    [names.of(table)],
  )
  return rows[0]?.state ?? 'none'
}

/** PT3. What a `forget` has detached, whether it is still there or died. Within `underLock`. Answers whether there was any. */
export async function dropDetached(
  client: ClientBase,
  names: Names,
  { namespace, day, table }: Place & { table: string },
): Promise<boolean> {
  if ((await stateOf(client, names, table)) !== 'detached') return false
  await markForgotten(client, names, { namespace, day })
  await client.query(`drop table ${names.of(table)}`)
  return true
}

export async function markForgotten(
  client: ClientBase,
  names: Names,
  { namespace, day }: Place,
): Promise<void> {
  await client.query(
    `update ${names.of('archive_span')} set forgotten = true where namespace = $1 and day = $2::date and not forgotten`,
    [namespace, dayText(day)],
  )
}
