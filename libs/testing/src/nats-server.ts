/** A real nats-server for one test: own port, own folder, gone with it. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './ports.js'
import { startProcess, type StartedProcess } from './spawn-node.js'
import { eventually } from './wait.js'

export interface NatsServerOptions {
  /** Default: a free one. */
  port?: number
  /** Default: a new one, removed by `stop`. */
  storeDir?: string
  /** Default true. */
  jetstream?: boolean
  /** What goes beyond port and store, in the server's own words. Default: nothing. */
  config?: string
}

export interface NatsServer {
  readonly url: string
  readonly port: number
  /** Of the process that runs now. */
  readonly pid: number
  readonly storeDir: string
  /** Sends a signal; for one that ends the server, resolves when it has exited; for SIGSTOP, when it stands still. */
  kill(signal: NodeJS.Signals): Promise<void>
  /** Ends the server if it runs, and starts it on the same port and folder. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** Resolves when the server greets on its port. */
export async function startNatsServer(options: NatsServerOptions = {}): Promise<NatsServer> {
  const port = options.port ?? (await freePort())
  const storeDir = options.storeDir ?? (await mkdtemp(join(tmpdir(), 'natter-nats-')))
  const configFile = join(storeDir, 'nats.conf')
  if (options.config !== undefined) await writeFile(configFile, options.config)
  const start = async (): Promise<StartedProcess> => {
    const jetstream = options.jetstream === false ? [] : ['-js', '-sd', storeDir]
    const config = options.config === undefined ? [] : ['-c', configFile]
    const child = await startProcess({
      command: natsServerBinary(),
      args: ['-a', '127.0.0.1', '-p', String(port), ...jetstream, ...config],
    })
    await greeting(port, child)
    return child
  }
  let child = await start()
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    storeDir,
    get pid() {
      return child.pid
    },
    async kill(signal) {
      if (signal === 'SIGSTOP') await stopInPlace(child.pid)
      else if (signal === 'SIGCONT' || signal === 'SIGHUP') process.kill(child.pid, signal)
      else await child.kill(signal)
    },
    async restart() {
      await child.kill('SIGTERM')
      child = await start()
    },
    async stop() {
      await child.kill('SIGKILL')
      if (options.storeDir === undefined) await rm(storeDir, { recursive: true, force: true })
    },
  }
}

/** A signal is asynchronous: the threads of a process go on for a moment, and may still answer. */
async function stopInPlace(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  await eventually(() => /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')), {
    timeoutMs: 5_000,
  })
}

async function greeting(port: number, child: StartedProcess): Promise<void> {
  let hasExited = false
  void child.exited.then(() => {
    hasExited = true
  })
  const ready = await eventually(async () => hasExited || (await greets(port)), { timeoutMs: 10_000 })
  if (ready && hasExited) throw new Error(`nats-server did not start:\n${child.lines.join('\n')}`)
}

/** Whether a NATS server says INFO on the port. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const answer = (isThere: boolean): void => {
      socket.destroy()
      resolve(isThere)
    }
    socket.once('data', (bytes: Buffer) => answer(bytes.toString('latin1').startsWith('INFO ')))
    socket.once('error', () => answer(false))
    socket.setTimeout(500, () => answer(false)) // somebody else's port, and they don't speak first
  })
}

let found: string | undefined

/** The way `npm start` finds it, then the cache, then PATH. */
export function natsServerBinary(): string {
  found ??= askTool() ?? inCache() ?? 'nats-server'
  return found
}

function askTool(): string | undefined {
  const tool = join(import.meta.dirname, '../../../tools/nats-server.mjs')
  if (!existsSync(tool)) return undefined
  const { status, stdout } = spawnSync(process.execPath, [tool, '--print'], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  const path = stdout.trim().split('\n').at(-1)
  return status === 0 && path !== undefined && existsSync(path) ? path : undefined
}

function inCache(): string | undefined {
  const path = join(homedir(), '.cache/natter/nats-server-2.15.1/nats-server')
  return existsSync(path) ? path : undefined
}
