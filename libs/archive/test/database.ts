import { eventually, type PostgresServer } from '@natter/testing'
import { Client, type QueryResultRow } from 'pg'

/** A fresh database and a look into it from outside. */
export class Database {
  static async create(server: PostgresServer): Promise<Database> {
    const url = await server.createDatabase()
    const client = new Client({ connectionString: url })
    client.on('error', () => {})
    await client.connect()
    return new Database(url, client)
  }

  private constructor(
    readonly url: string,
    private readonly client: Client,
  ) {}

  async query<T extends QueryResultRow>(sql: string, values: unknown[] = []): Promise<T[]> {
    const { rows } = await this.client.query<T>(sql, values)
    return rows
  }

  async one(sql: string, values: unknown[] = []): Promise<unknown> {
    const [row] = await this.query<Record<string, unknown>>(sql, values)
    return Object.values(row ?? {})[0]
  }

  /** Ends every connection that holds an advisory lock of a session. */
  async cutWriters(): Promise<void> {
    await this.query(`select pg_terminate_backend(pid) from pg_locks where ${heldHere}`)
    await eventually(
      async () => (await this.one(`select count(*)::int from pg_locks where ${heldHere}`)) === 0,
    )
  }

  close(): Promise<void> {
    return this.client.end()
  }
}

const heldHere = `locktype = 'advisory' and granted
  and database = (select oid from pg_database where datname = current_database())`
