/** Starts real servers for the tests of this lib: a free port and a folder of its own, gone afterwards. */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer, connect as dial, type AddressInfo } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export class TestNats {
  private child: ChildProcess | undefined

  private constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly binary: string,
    private readonly configFile: string | undefined,
  ) {}

  /** `config`: what goes beyond port and store, in the server's own words. */
  static async start(config?: string): Promise<TestNats> {
    const folder = await mkdtemp(join(tmpdir(), 'natter-broker-'))
    const configFile = config === undefined ? undefined : join(folder, 'nats.conf')
    if (configFile !== undefined) await writeFile(configFile, config ?? '')
    const server = new TestNats(await freePort(), folder, await findBinary(), configFile)
    await server.boot()
    return server
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`
  }

  /** Again on the same port, with what is left of the store. */
  async boot(): Promise<void> {
    const args = ['-a', '127.0.0.1', '-p', String(this.port), '-js', '-sd', this.folder]
    if (this.configFile !== undefined) args.push('-c', this.configFile)
    this.child = spawn(this.binary, args, { stdio: 'ignore' })
    await listens(this.port)
  }

  /** As a crash: nothing is flushed, nobody is told. */
  async kill(): Promise<void> {
    const { child } = this
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  /** Accepts and answers nothing, but its sockets stay open. Resolves when it has stopped: it may still answer until then. */
  async pause(): Promise<void> {
    this.child?.kill('SIGSTOP')
    const state = async (): Promise<string> =>
      (await run('ps', ['-o', 'stat=', '-p', String(this.child?.pid)])).stdout
    while (!(await state()).startsWith('T'));
  }

  resume(): void {
    this.child?.kill('SIGCONT')
  }

  async wipe(): Promise<void> {
    await rm(join(this.folder, 'jetstream'), { recursive: true, force: true })
  }

  async stop(): Promise<void> {
    await this.kill()
    await rm(this.folder, { recursive: true, force: true })
  }
}

export async function freePort(): Promise<number> {
  const probe = createServer()
  probe.listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

async function findBinary(): Promise<string> {
  const given = process.env['NATTER_NATS_BINARY']
  if (given !== undefined) return given
  const cache = join(homedir(), '.cache', 'natter')
  const kept = existsSync(cache) ? await readdir(cache) : []
  const newest = kept
    .filter((name) => name.startsWith('nats-server-'))
    .toSorted()
    .at(-1)
  return newest === undefined ? 'nats-server' : join(cache, newest, 'nats-server')
}

async function listens(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if (await accepts(port)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`nats-server does not listen on ${port}`)
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = dial(port, '127.0.0.1')
    socket.once('data', () => end(true)).once('error', () => end(false))
    const end = (isUp: boolean): void => {
      socket.destroy()
      resolve(isUp)
    }
  })
}
