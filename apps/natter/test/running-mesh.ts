import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { typescriptArgs } from '@natter/testing'
import { readIdentity } from '../src/files/identity-file.js'
import { host, planPorts, usedPorts, type PortName } from '../src/port-plan.js'
import { portState } from '../src/process/free-port.js'
import { isAlive, type ProcessIdentity } from '../src/process/process-identity.js'

const standInMesh = new URL('stand-in/mesh.ts', import.meta.url).pathname

/** A base port whose whole plan is free. */
export async function freeBasePort(): Promise<number> {
  for (;;) {
    const base = 20_000 + 40 * Math.floor(Math.random() * 250)
    const ports = usedPorts({ dev: true, embedded: ['nats', 'postgres'] }).map(({ offset }) => base + offset)
    const states = await Promise.all(ports.map((port) => portState(port, host)))
    if (states.every((state) => state === 'free')) return base
  }
}

/** Resolves when `isTrue` says so: the tests' way to wait for what sends no event. */
export async function until(
  isTrue: () => boolean | Promise<boolean>,
  withinMs: number,
  what: string,
): Promise<void> {
  const deadline = Date.now() + withinMs
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`)
    await sleep(20)
  }
}

export const embedded = 'embedded'

export interface RunningMeshOptions {
  args?: string[]
  env?: Record<string, string>
  /** A folder with sources: then it is `natter dev`. */
  sourceRoot?: string
  /** Default: an address that the stand-ins don't mind, because a Postgres of its own costs each mesh a second. */
  postgres?: typeof embedded | { url: string }
}

function postgresEnv({ postgres = { url: 'postgres://nobody@127.0.0.1:1/none' } }: RunningMeshOptions) {
  return { NATTER_POSTGRES_URL: postgres === embedded ? '' : postgres.url, NATTER_POSTGRES_URL_FILE: '' }
}

export class RunningMesh {
  output = ''
  readonly exited: Promise<number | null>
  private readonly child: ChildProcess

  constructor(
    readonly folder: string,
    readonly basePort: number,
    options: RunningMeshOptions = {},
  ) {
    const args = options.args ?? ['--port', String(basePort)]
    const sources = options.sourceRoot === undefined ? {} : { STAND_IN_SOURCES: options.sourceRoot }
    this.child = spawn(process.execPath, [...typescriptArgs, standInMesh, '--data', folder, ...args], {
      env: { ...process.env, NODE_OPTIONS: '', ...postgresEnv(options), ...sources, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text))
    }
    this.exited = new Promise((resolve) => this.child.once('close', resolve))
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('the mesh did not start')
    return this.child.pid
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name)
  }

  async says(text: string | RegExp, withinMs = 15_000): Promise<void> {
    const isSaid = () => (typeof text === 'string' ? this.output.includes(text) : text.test(this.output))
    await until(isSaid, withinMs, `${text} in:\n${this.output}`).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${this.output}`)
    })
  }

  async ready(): Promise<void> {
    const failed = this.exited.then((code) => {
      throw new Error(`exit code ${code} before it was ready:\n${this.output}`)
    })
    await Promise.race([this.says('Natter is ready', 30_000), failed])
  }

  /** Who runs for this mesh, by the files that name them. */
  processes(): Map<string, ProcessIdentity> {
    const names = readdirSync(join(this.folder, 'run')).filter((name) => name.endsWith('.pid'))
    const found = names.map(
      (name) => [name.slice(0, -4), readIdentity(join(this.folder, 'run', name))] as const,
    )
    return new Map(found.filter((entry): entry is [string, ProcessIdentity] => entry[1] !== null))
  }

  process(name: string): ProcessIdentity {
    const found = this.processes().get(name)
    if (found === undefined) throw new Error(`${name} does not run`)
    return found
  }

  /** Kills one of its processes; resolves when the next one is up and the mesh healthy. */
  async killAndAwaitNext(name: string): Promise<void> {
    const killed = this.process(name)
    process.kill(killed.pid, 'SIGKILL')
    const isReplaced = async () => {
      const next = this.processes().get(name)
      if (next === undefined || next.pid === killed.pid) return false
      return (await this.fetch('supervisor-ops', '/health')).status === 200
    }
    await until(isReplaced, 15_000, `${name} runs again`)
  }

  async fetch(port: PortName, path: string): Promise<{ status: number; body: string }> {
    const response = await fetch(`http://${host}:${planPorts(this.basePort)[port]}${path}`)
    return { status: response.status, body: await response.text() }
  }

  log(name: string): string {
    return readFileSync(join(this.folder, 'logs', `${name}.log`), 'utf8')
  }
}

/** A folder and ports of its own, what runs there, and the end of all of it. */
export class MeshSite {
  readonly folder = mkdtempSync(join(tmpdir(), 'natter-mesh-'))
  private readonly meshes: RunningMesh[] = []

  static async open(): Promise<MeshSite> {
    return new MeshSite(await freeBasePort())
  }

  private constructor(readonly basePort: number) {}

  start(options: RunningMeshOptions & { basePort?: number } = {}): RunningMesh {
    const mesh = new RunningMesh(this.folder, options.basePort ?? this.basePort, options)
    this.meshes.push(mesh)
    return mesh
  }

  async clear(): Promise<void> {
    for (const mesh of this.meshes) mesh.signal('SIGTERM')
    await Promise.all(this.meshes.map((mesh) => mesh.exited))
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

export function anyAlive(identities: Iterable<ProcessIdentity>): boolean {
  return [...identities].some((identity) => isAlive(identity))
}
