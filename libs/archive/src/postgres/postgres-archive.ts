import { NatterError, TypedEvents } from '@natter/primitives'
import type { Client, Pool } from 'pg'
import type { ArchiveEvents } from '../archive-events.js'
import type { Archive, ArchivePage, ArchiveQuery, ArchiveWriter } from '../archive.js'
import { away, openClient, openPool, withPooled, type ConnectionOptions } from './connection.js'
import { migrate } from './migrate.js'
import { namesOf, type Names } from './names.js'
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
  /** How long the server may take for one write or one statement before the connection is given up. Default 60,000. */
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
      await migrate(client, this.names, this.events)
    } catch (error) {
      throw error instanceof NatterError ? error : away(error)
    } finally {
      await client.end().catch(() => {})
    }
  }

  async acquire(stream: string): Promise<ArchiveWriter | undefined> {
    const client = await openClient(this.connection)
    if (!(await this.tryLock(client, stream))) return undefined
    const writer = new PostgresWriter(stream, {
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

  private async tryLock(client: Client, stream: string): Promise<boolean> {
    try {
      const { rows } = await client.query<{ held: boolean }>('select pg_try_advisory_lock($1) as held', [
        this.names.lockKey(`stream ${stream}`),
      ])
      if (rows[0]?.held === true) return true
      await client.end().catch(() => {})
      return false
    } catch (error) {
      void client.end().catch(() => {})
      throw away(error)
    }
  }

  read(query: ArchiveQuery): Promise<ArchivePage> {
    return readPage(this.pool, this.names, query)
  }

  forget(namespace: string, olderThanMs: number): Promise<number> {
    return withPooled(this.pool, (client) => this.partitions.drop(client, namespace, olderThanMs))
  }

  async problem(): Promise<string | undefined> {
    try {
      await withPooled(this.pool, (client) => client.query('select 1'))
      return undefined
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
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
