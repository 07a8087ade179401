/**
 * One run: sockets under load while every instance of their app is replaced, then what was seen.
 *
 * R1. A new instance is in the mesh before an old one ends, as in any deploy.
 * R2. Nothing is judged before the sockets had their chance to hear the last publication: until they have all, or nothing more comes
 *     for `patienceMs`.
 * R3. Whatever happens, no process is left behind; the folder stays when something was found.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { startChild, type Child } from '../../bench/harness/child.js'
import { readData, withNats } from '../fault/stream-content.js'
import { check, type Violation } from './check.js'
import type { ConnectWish, LoadWish, Seen } from './clients-process.js'
import type { Ended, Evidence, Heard, Stored } from './evidence.js'
import { prefix, startMesh, type Mesh } from './mesh.js'
import { takeAll, type TakenPrograms } from './programs.js'
import type { Settings } from './settings.js'

export interface RunOptions {
  settings: Settings
  folder: string
  /** The history stays, whatever comes of it. */
  keep: boolean
  say(line: string): void
}

export interface RunResult {
  evidence: Evidence
  violations: Violation[]
  folder: string
}

/** How long what was sent may wait for its answer when the load is over. */
const answersWithinMs = 30_000
const patienceMs = 8_000
/** Of one gateway's clients: each asks its app twice. */
const connectWithinMs = 300_000

export async function run(options: RunOptions): Promise<RunResult> {
  const { settings, folder, keep } = options
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'settings.json'), JSON.stringify(settings, undefined, 2))
  const programs = await takeAll()
  try {
    const evidence = await play(programs, options)
    const violations = check(evidence)
    writeFileSync(join(folder, 'evidence.json'), JSON.stringify({ violations, ...evidence }))
    if (violations.length === 0 && !keep) rmSync(folder, { recursive: true, force: true })
    return { evidence, violations, folder }
  } finally {
    programs.remove()
  }
}

async function play(programs: TakenPrograms, options: RunOptions): Promise<Evidence> {
  const { settings, folder } = options
  const mesh = await startMesh(programs, folder, settings.gateways)
  const drivers: Child[] = []
  try {
    for (let n = 0; n < settings.instances; n += 1) await mesh.startInstance()
    for (const _ of mesh.ports) drivers.push(await startChild({ file: programs.clients }))
    return await replaceUnderLoad(mesh, drivers, options)
  } finally {
    await Promise.all(drivers.map((driver) => driver.end())) // R3
    await mesh.stop()
    for (const [name, lines] of mesh.logs())
      writeFileSync(join(folder, `${name}.log`), `${lines.join('\n')}\n`)
  }
}

async function replaceUnderLoad(
  mesh: Mesh,
  drivers: readonly Child[],
  options: RunOptions,
): Promise<Evidence> {
  const { settings, say } = options
  const share = (whole: number): number => whole / drivers.length
  await Promise.all(drivers.map((driver, n) => connect(driver, mesh.ports[n] ?? 0, n, options)))
  say(`${settings.sockets} sockets on ${drivers.length} gateways are subscribed`)

  const { callerEvery, publisherEvery, rpcsPerSecond, publicationsPerSecond } = settings
  const load: LoadWish = {
    callerEvery,
    publisherEvery,
    rpcsPerSecond: share(rpcsPerSecond),
    publicationsPerSecond: share(publicationsPerSecond),
  }
  await Promise.all(drivers.map((driver) => driver.ask('begin', load)))
  const replaced = await replaceAll(mesh, options)
  const seen = await Promise.all(
    drivers.map((driver) => driver.ask<Seen>('end', { withinMs: answersWithinMs }, answersWithinMs + 10_000)),
  )
  const stored = await readStored(mesh)
  await everythingHeard(drivers, settings, stored)
  const last = await Promise.all(drivers.map((driver) => driver.ask<Closing>('close')))
  return {
    sockets: settings.sockets,
    dropped: last.flatMap(({ dropped }) => dropped),
    rpcs: seen.flatMap(({ rpcs }) => rpcs),
    published: seen.flatMap(({ published }) => published),
    stored,
    heard: last.flatMap(({ heard }) => heard),
    replaced,
    instances: [...mesh.instances],
  }
}

interface Closing {
  heard: Heard[]
  dropped: Seen['dropped']
}

function connect(driver: Child, port: number, n: number, { settings, folder }: RunOptions): Promise<void> {
  const wish: ConnectWish = {
    name: `g${n + 1}`,
    port,
    sockets: socketsOf(settings, n),
    socketsPerChannel: settings.socketsPerChannel,
    history: join(folder, `clients-${n + 1}.ndjson`),
  }
  return driver.ask('connect', wish, connectWithinMs)
}

/** The same for all gateways, but for a rest. */
const socketsOf = ({ sockets, gateways }: Settings, n: number): number =>
  Math.floor(sockets / gateways) + (n < sockets % gateways ? 1 : 0)

async function replaceAll(mesh: Mesh, { settings, say }: RunOptions): Promise<Ended[]> {
  const replaced: Ended[] = []
  for (let round = 1; round <= settings.rounds; round += 1) {
    const signal = round % 2 === 0 && settings.hasKills ? 'SIGKILL' : 'SIGTERM'
    for (let n = 0; n < settings.instances; n += 1) {
      await delay(settings.pauseMs)
      await mesh.startInstance() // R1
      replaced.push(await mesh.endOldest(signal))
    }
    say(`round ${round}: ${settings.instances} instances replaced, the old ones ended by ${signal}`)
  }
  await delay(settings.pauseMs)
  return replaced
}

interface StoredText {
  client?: string
  n?: number
  send?: number
  by?: string
}

async function readStored(mesh: Mesh): Promise<Stored[]> {
  const { stored } = await withNats(mesh.natsUrl, (nats) => readData(nats, prefix))
  return stored.map(({ channel, data }) => {
    const { client = '', n = -1, send = -1, by } = JSON.parse(data.toString('utf8')) as StoredText
    return { channel, client, n, send, by }
  })
}

/** R2 */
async function everythingHeard(
  drivers: readonly Child[],
  settings: Settings,
  stored: readonly Stored[],
): Promise<void> {
  const expected = expectedOf(settings, stored)
  let [heard, sinceMs] = [-1, Date.now()]
  while (Date.now() < sinceMs + patienceMs) {
    const counts = await Promise.all(drivers.map((driver) => driver.ask<number>('heardSoFar')))
    const now = counts.reduce((sum, count) => sum + count, 0)
    if (now >= expected) return
    if (now !== heard) [heard, sinceMs] = [now, Date.now()]
    await delay(100)
  }
}

/** Of all sockets together. */
function expectedOf(settings: Settings, stored: readonly Stored[]): number {
  const members = new Map<string, number>()
  for (let gateway = 0; gateway < settings.gateways; gateway += 1)
    for (let index = 0; index < socketsOf(settings, gateway); index += 1) {
      const channel = `deploy:${Math.floor(index / settings.socketsPerChannel)}`
      members.set(channel, (members.get(channel) ?? 0) + 1)
    }
  return stored.reduce((sum, { channel }) => sum + (members.get(channel) ?? 0), 0)
}
