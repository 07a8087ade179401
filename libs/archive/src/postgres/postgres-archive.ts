import { messageOf, NatterError, TypedEvents } from '@natter/primitives'
import type { Client, Pool, QueryConfig } from 'pg'
import type { ArchiveEvents } from '../archive-events.js'
import type { Archive, ArchiveClaim, ArchivePage, ArchiveQuery, ArchiveWriter } from '../archive.js'
import {
  away,
  dropClient,
  inTime,
  openClient,
  openPool,
  withPooled,
  type ConnectionOptions,
} from './connection.js'
import { forgetDays } from './forget.js'
import { migrate } from './migrate.js'
import { namesOf, type Names } from './names.js'
import { claimArchive, holdFor } from './owner.js'
import { Partitions } from './partitions.js'
import { readPage } from './reader.js'
import { PostgresWriter } from './writer.js'

export interface PostgresArchiveOptions {
  /** `postgres://user:password@host:port/database`. Not through a pooler that shares connections: they hold locks. */
  url: string
  /** All tables are in it. `[a-z0-9][a-z0-9_-]{0,31}`. Default `natter`. */
  schema?: string
  /** Default: nobody listens. */
  events?: TypedEvents<ArchiveEvents>
  /** Default 5,000. */
  connectTimeoutMs?: number
  /** How long the server may take for one write, one statement of a read or the migration before the connection is given up. Default 60,000. */
  answerTimeoutMs?: number
  /** Shown by `pg_stat_activity`. Default `natter`. */
  applicationName?: string
  /** Connections for reading, opened when needed. Default 4. */
  readers?: number
}

/** Connects when it is first used. Call `migrate` before anything else. @throws InvalidError `bad-schema`. */
export function createPostgresArchive(options: PostgresArchiveOptions): Archive {
  const connection: ConnectionOptions = {
    url: options.url,
    connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
    answerTimeoutMs: options.answerTimeoutMs ?? 60_000,
    applicationName: options.applicationName ?? 'natter',
  }
  const names = namesOf(options.schema ?? 'natter')
  const events = options.events ?? new TypedEvents<ArchiveEvents>()
  return new PostgresArchive(connection, names, events, openPool(connection, options.readers ?? 4))
}

/** Postgres shows the key of a lock in two halves. Those who wait for a lock don't have it. */
const IS_TAKEN = `select exists (select from pg_locks where locktype = 'advisory' and granted and objsubid = 1
  and database = (select oid from pg_database where datname = current_database())
  and ((classid::bigint << 32) | objid::bigint) = $1::bigint) as taken`

class PostgresArchive implements Archive {
  private readonly partitions: Partitions
  private readonly writers = new Set<PostgresWriter>()
  private closing: Promise<void> | undefined

  constructor(
    private readonly connection: ConnectionOptions,
    private readonly names: Names,
    private readonly events: TypedEvents<ArchiveEvents>,
    private readonly pool: Pool,
  ) {
    this.partitions = new Partitions(names, events)
  }

  async migrate(): Promise<void> {
    const client = await openClient(this.connection)
    try {
      await inTime(client, this.connection, () => migrate(client, this.names, this.events))
      await inTime(client, this.connection, () => client.end())
    } catch (error) {
      dropClient(client)
      throw error instanceof NatterError ? error : away(error)
    }
  }

  /**
   * Who waits asks every few seconds, so whether the right is free is looked up through the pool first: a connection of its own,
   * and with it a login, only takes who may get it. What decides is that connection's lock alone (AR4).
   */
  async acquire(stream: string, mesh?: string): Promise<ArchiveWriter | undefined> {
    if (await this.isTaken(stream)) return undefined
    const client = await openClient(this.connection)
    if (!(await this.tryLock(client, stream, mesh))) return undefined
    if (this.closing !== undefined) {
      dropClient(client)
      throw away(new Error('the archive was closed'))
    }
    const writer = new PostgresWriter(stream, {
      mesh,
      client,
      names: this.names,
      partitions: this.partitions,
      events: this.events,
      answerTimeoutMs: this.connection.answerTimeoutMs,
      onEnd: (ended) => this.writers.delete(ended),
    })
    this.writers.add(writer)
    return writer
  }

  /** Of a moment ago. No slower than a connect where the pool's connection leads nowhere: the next one is new. */
  private isTaken(stream: string): Promise<boolean> {
    const key = this.names.lockKey(`stream ${stream}`)
    const { connectTimeoutMs, answerTimeoutMs } = this.connection
    // the driver knows this timeout, its types don't
    const question: QueryConfig & { query_timeout: number } = {
      text: IS_TAKEN,
      values: [key],
      query_timeout: Math.min(connectTimeoutMs, answerTimeoutMs),
    }
    return withPooled(this.pool, async (client) => {
      const { rows } = await client.query<{ taken: boolean }>(question)
      return rows[0]?.taken === true
    })
  }

  private async tryLock(client: Client, stream: string, mesh: string | undefined): Promise<boolean> {
    try {
      const key = this.names.lockKey(`stream ${stream}`)
      const { rows } = await inTime(client, this.connection, () =>
        client.query<{ held: boolean }>('select pg_try_advisory_lock($1) as held', [key]),
      )
      const isMine = (): Promise<boolean> =>
        mesh === undefined
          ? Promise.resolve(true)
          : inTime(client, this.connection, () => holdFor(client, this.names, mesh))
      if (rows[0]?.held === true && (await isMine())) return true
      await inTime(client, this.connection, () => client.end())
      return false
    } catch (error) {
      dropClient(client)
      throw away(error)
    }
  }

  claim(mesh: string, ownerTimeoutMs: number): Promise<ArchiveClaim> {
    return claimArchive(this.pool, this.names, mesh, ownerTimeoutMs)
  }

  read(query: ArchiveQuery): Promise<ArchivePage> {
    return readPage(this.pool, this.names, query)
  }

  forget(namespace: string, olderThanMs: number): Promise<number> {
    const { names, events } = this
    const forgetting = withPooled(this.pool, (client) =>
      forgetDays({ client, names, events }, namespace, olderThanMs),
    )
    return forgetting.finally(() => this.partitions.forgetKnown())
  }

  async problem(): Promise<string | undefined> {
    try {
      await withPooled(this.pool, (client) => client.query('select 1'))
      return undefined
    } catch (error) {
      return messageOf(error)
    }
  }

  close(): Promise<void> {
    this.closing ??= this.closeAll()
    return this.closing
  }

  private async closeAll(): Promise<void> {
    await Promise.all([...this.writers].map((writer) => writer.release()))
    await this.pool.end()
  }
}
