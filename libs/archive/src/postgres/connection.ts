/** Connections, and what their errors mean. */
import { messageOf, NatterError, UnavailableError } from '@natter/primitives'
import { Client, DatabaseError, Pool, type ClientBase, type PoolClient } from 'pg'

export interface ConnectionOptions {
  url: string
  connectTimeoutMs: number
  /** How long a statement may take before its connection counts as lost. */
  answerTimeoutMs: number
  applicationName: string
}

/** Times of Postgres go through text, in UTC. A peer that is gone without a word loses its locks within half a minute. */
const SESSION = `set timezone = 'UTC'; set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3;
  set idle_in_transaction_session_timeout = '60s'`

const configOf = (options: ConnectionOptions): object => ({
  connectionString: options.url,
  connectionTimeoutMillis: options.connectTimeoutMs,
  application_name: options.applicationName,
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
})

/** @throws UnavailableError `archive-away`. */
export async function openClient(options: ConnectionOptions): Promise<Client> {
  const client = new Client(configOf(options))
  client.on('error', () => {}) // told by `end` and by the statement that waits
  try {
    await client.connect()
    await inTime(client, options, () => client.query(SESSION))
    return client
  } catch (error) {
    dropClient(client)
    throw away(error)
  }
}

/** Ends the connection when it hasn't answered in time: what waits for it then fails. */
export async function inTime<T>(
  client: Client,
  { answerTimeoutMs }: Pick<ConnectionOptions, 'answerTimeoutMs'>,
  act: () => Promise<T>,
): Promise<T> {
  const timer = setTimeout(() => dropClient(client), answerTimeoutMs)
  try {
    return await act()
  } finally {
    clearTimeout(timer)
  }
}

export function openPool(options: ConnectionOptions, size: number): Pool {
  const pool = new Pool({
    ...configOf(options),
    max: size,
    // oxlint-disable-next-line typescript/no-misused-promises -- the pool waits for it, its types don't say so
    onConnect: async (client: ClientBase) => {
      client.on('error', () => {}) // while it is in use the pool doesn't listen, and an error would end the process
      await client.query(SESSION)
    },
    query_timeout: options.answerTimeoutMs,
    idleTimeoutMillis: 30_000,
    allowExitOnIdle: true,
  })
  pool.on('error', () => {}) // an idle connection went: the next one is new
  return pool
}

/** Runs with a connection of the pool; one that failed isn't used again. @throws UnavailableError `archive-away`. */
export async function withPooled<T>(pool: Pool, act: (client: PoolClient) => Promise<T>): Promise<T> {
  let client: PoolClient
  try {
    client = await pool.connect()
  } catch (error) {
    throw away(error)
  }
  try {
    const result = await act(client)
    client.release()
    return result
  } catch (error) {
    client.release(true)
    throw error instanceof NatterError ? error : away(error)
  }
}

/** Without a word to the server: it may not be listening. */
export function dropClient(client: Client): void {
  streamOf(client)?.destroy()
  void client.end().catch(() => {})
}

const streamOf = (client: ClientBase): { destroy(): void } | undefined =>
  (client as unknown as { connection?: { stream?: { destroy(): void } } }).connection?.stream

export function away(error: unknown): UnavailableError {
  const what = error instanceof AggregateError ? error.errors.map(String).join('; ') : messageOf(error)
  return new UnavailableError('archive-away', `Postgres can't be used now: ${what}`, { cause: error })
}

/** Data exceptions, broken constraints, limits of the program: what a row causes, not the connection or the machine. */
const DATA_CLASSES = new Set(['22', '23', '54'])

export const isDataError = (error: unknown): error is DatabaseError =>
  error instanceof DatabaseError && DATA_CLASSES.has(error.code?.slice(0, 2) ?? '')

/** A row has no table to go to. The code is that of a check which failed, but no check is named. */
export const isNoPartition = (error: unknown): boolean =>
  error instanceof DatabaseError && error.code === '23514' && error.constraint === undefined
