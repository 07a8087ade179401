/** What the image `postgres` does with its environment, done by the Postgres of libs/testing on a container's address. */
import { startPostgres, withClient, type ExitInfo, type PostgresServer } from '@natter/testing'
import { rmSync } from 'node:fs'
import { chmod, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunningContainer } from './local-container.js'

export interface PostgresWish {
  address: string
  port?: number
  /** `POSTGRES_USER`, `POSTGRES_PASSWORD` or `…_FILE`, `POSTGRES_DB`: put through `localEnv` before. */
  env: Readonly<Record<string, string>>
}

export interface PostgresContainer extends RunningContainer {
  /** Starts it again on the same data, when it has exited. */
  again(): Promise<PostgresContainer>
  /** Ends it and removes its data. */
  remove(): Promise<void>
}

/** Resolves when it takes connections by the password, and by nothing else. @throws Error without a password, as the image does. */
export async function startPostgresContainer({
  address,
  port = 5432,
  env,
}: PostgresWish): Promise<PostgresContainer> {
  const { user, password, database } = await accountOf(env)
  const folder = await mkdtemp(join(tmpdir(), 'natter-pg-hba-'))
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true })
  process.once('exit', removeFolder) // also when the test is interrupted
  const rules = join(folder, 'pg_hba.conf')
  await chmod(folder, 0o755)
  await writeFile(rules, 'host all all all trust\n', { mode: 0o644 })
  const server = await startPostgres({ port, settings: { listen_addresses: address, hba_file: rules } })
  await withClient(`postgres://postgres@${address}:${port}/postgres`, async (client) => {
    const [role, secret] = [client.escapeIdentifier(user), client.escapeLiteral(password)]
    if (user !== 'postgres') await client.query(`create role ${role} superuser login`)
    await client.query(`alter role ${role} password ${secret}`)
    if (database !== 'postgres')
      await client.query(`create database ${client.escapeIdentifier(database)} owner ${role}`)
  })
  await writeFile(rules, 'host all all all scram-sha-256\n')
  await server.kill('SIGHUP')
  const remove = async (): Promise<void> => {
    await server.stop()
    process.off('exit', removeFolder)
    removeFolder()
  }
  return running(server, remove)
}

async function accountOf(env: Readonly<Record<string, string>>) {
  const file = env.POSTGRES_PASSWORD_FILE
  const password = file === undefined ? env.POSTGRES_PASSWORD : (await readFile(file, 'utf8')).trim()
  if (password === undefined || password === '') throw new Error('postgres: POSTGRES_PASSWORD is not set')
  const { POSTGRES_USER: user = 'postgres' } = env
  return { user, password, database: env.POSTGRES_DB ?? user }
}

function running(server: PostgresServer, remove: () => Promise<void>): PostgresContainer {
  let tell: (exit: ExitInfo) => void = () => {}
  const exited = new Promise<ExitInfo>((resolve) => (tell = resolve))
  return {
    pid: server.pid,
    get lines() {
      return server.lines
    },
    exited,
    // the image's STOPSIGNAL is SIGINT: by SIGTERM Postgres waits for its clients to leave
    signal: (signal) => {
      const isEnd = signal === 'SIGTERM' || signal === 'SIGINT'
      const exit: ExitInfo = isEnd ? { code: 0, signal: null } : { code: null, signal }
      void server.kill(isEnd ? 'SIGINT' : signal).then(() => tell(exit))
    },
    again: async () => {
      await server.restart()
      return running(server, remove)
    },
    remove: async () => {
      await remove()
      tell({ code: null, signal: 'SIGQUIT' })
    },
  }
}
