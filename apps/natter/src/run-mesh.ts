import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { InvalidError, systemClock, UnavailableError } from '@natter/primitives'
import { acquireLock } from './files/run-lock.js'
import { openSecrets } from './files/secrets.js'
import { ConsoleReport, seconds, shownPath, type WriteReport } from './console-report.js'
import { busyPorts } from './mesh/busy-ports.js'
import { Mesh, type BootOutcome } from './mesh/mesh.js'
import { places, type MeshSettings, type PostgresEnv } from './mesh/mesh-settings.js'
import { observeMesh } from './mesh/observe-mesh.js'
import { gatewayAddress, gatewayNames, natsUrl, type GatewayName } from './mesh/process-specs.js'
import type { Programs } from './mesh/programs.js'
import { healStore, type StoreHealer } from './nats/heal-store.js'
import { readLogLine } from './process/log-line.js'
import type { ManagedProcess } from './process/managed-process.js'
import { endOrphans } from './process/orphans.js'
import { host, planPorts, type PortUse } from './port-plan.js'
import { onStopRequest } from './stop-signals.js'

/**
 * One run of a mesh, from the lock to the last process.
 *
 * R1. Nothing is started before the lock is held, what an earlier run left has ended, and every port is free.
 * R2. However a run ends after that, `Mesh.stop` has ended its processes before ours ends.
 */
export interface RunOptions {
  basePort: number
  dataFolder: string
  natsUrl: string | undefined
  /** Undefined: an embedded one. */
  postgresEnv: PostgresEnv | undefined
  root: string
  programs: Programs
  dev: boolean
  /** Default: to the console. */
  write?: WriteReport
  /** More processes for this mesh, and what is done once it stands. */
  extra?: () => readonly ManagedProcess[]
  whenReady?: (mesh: Mesh, say: (line: string) => void) => void
}

/** Answers the exit code. @throws InvalidError `already-running`, `ports-taken`; UnavailableError `process-not-up`. */
export async function runMesh(options: RunOptions): Promise<number> {
  const { write = (line) => console.log(line) } = options
  const report = new ConsoleReport(options.dataFolder, write)
  const lock = acquireLock(places.lock(options.dataFolder))
  if (lock.is === 'held') {
    throw new InvalidError(
      'already-running',
      `Natter already runs in ${options.dataFolder}, as process ${lock.by.pid}. Stop it, or use another --data.`,
    )
  }
  try {
    const leftovers = await endOrphans(places.run(options.dataFolder))
    if (leftovers.length > 0) report.say(`A killed run had left ${leftovers.join(', ')}; ended.`)
    const busy = await busyPorts(options.basePort, { dev: options.dev, embedded: embeddedServers(options) })
    if (busy.length > 0) throw new InvalidError('ports-taken', busy.join('\n'))
    return await runStarted(settingsOf(options), options, report) // R1
  } finally {
    lock.release()
  }
}

function embeddedServers({ natsUrl: url, postgresEnv: env }: RunOptions): PortUse['embedded'] {
  return [
    ...(url === undefined ? (['nats'] as const) : []),
    ...(env === undefined ? (['postgres'] as const) : []),
  ]
}

function settingsOf(options: RunOptions): MeshSettings {
  const { dataFolder, root, programs, natsUrl: url, postgresEnv: env, dev } = options
  return {
    root,
    dataFolder,
    programs,
    ports: planPorts(options.basePort),
    secrets: openSecrets(places.secrets(dataFolder)),
    nats: url === undefined ? { is: 'embedded', serverFile: natsServerFile(root) } : { is: 'external', url },
    postgres: env === undefined ? { is: 'embedded' } : { is: 'external', env },
    inspect: dev,
  }
}

/** The set-up names it in the environment; without the set-up, the same tool finds it now. */
function natsServerFile(root: string): string {
  const named = process.env.NATTER_NATS_SERVER
  if (named) return named
  const tool = join(root, 'tools', 'nats-server.mjs')
  return execFileSync(process.execPath, [tool, '--print'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
    .trim()
    .split('\n')
    .at(-1) as string
}

async function runStarted(
  settings: MeshSettings,
  options: RunOptions,
  report: ConsoleReport,
): Promise<number> {
  const startedAtMs = Date.now()
  // of an earlier, embedded one
  if (settings.postgres.is === 'external') rmSync(places.postgresUrl(settings.dataFolder), { force: true })
  const mesh = new Mesh(settings, systemClock, options.extra)
  const stopped = stopOnRequest(mesh, report)
  for (const process of mesh.processes) report.follow(process)
  report.say(`Natter starts in ${shownPath(settings.dataFolder)}`)
  const ops = await observeMesh(mesh, { host, port: settings.ports['supervisor-ops'] })
  let healer: StoreHealer | undefined
  try {
    const outcome = await mesh.boot()
    if (outcome.is === 'failed') throw new UnavailableError('process-not-up', whyFailed(outcome, settings))
    if (outcome.is !== 'ready') return await stopped
    report.say(...readyMessage(settings, mesh, Date.now() - startedAtMs))
    healer = healNats(mesh, settings, report) // not before: a restart would end the boot
    options.whenReady?.(mesh, (line) => report.say(line))
    return await stopped
  } finally {
    healer?.stop()
    await mesh.stop() // R2
    await ops.stop()
  }
}

/** Undefined when NATS isn't ours. */
function healNats(mesh: Mesh, { dataFolder }: MeshSettings, report: ConsoleReport): StoreHealer | undefined {
  const server = mesh.find('nats')
  if (server === undefined) return undefined
  const storeFolder = places.natsStore(dataFolder)
  return healStore({ server, storeFolder, clock: systemClock, say: (line) => report.say(line) })
}

/** Resolves with the exit code when somebody asked to stop and all has ended. */
function stopOnRequest(mesh: Mesh, report: ConsoleReport): Promise<number> {
  return new Promise((resolve) => {
    const stop = () => {
      report.say('Stopping; once more to hurry.')
      mesh.stop().then(
        () => resolve(0),
        () => resolve(1),
      )
    }
    const reload = () => {
      report.say('The configuration is read again; the logs say what came of it.')
      mesh.reload()
    }
    onStopRequest(stop, () => mesh.kill(), reload)
  })
}

function whyFailed(
  { process, how }: Extract<BootOutcome, { is: 'failed' }>,
  { dataFolder }: MeshSettings,
): string {
  return [
    `${process.name} did not come up (${how}). It said last:`,
    ...process.tail.slice(-8).map((line) => `  ${readLogLine(line, 'stderr').text}`),
    `All of it: ${shownPath(places.log(dataFolder, process.name))}`,
  ].join('\n')
}

/** Without the password, which terminals and logs would keep. */
function postgresWhere({ postgres, ports, dataFolder }: MeshSettings): string {
  if (postgres.is === 'external') return `the one in ${Object.keys(postgres.env).join()}`
  const file = shownPath(places.postgresUrl(dataFolder))
  return `${host}:${ports.postgres}, its URL is in ${file}: psql "$(cat ${file})"`
}

/** For people and for programs. */
function readyMessage(settings: MeshSettings, mesh: Mesh, tookMs: number): [string, object] {
  const { ports, inspect } = settings
  const pidOf = (name: GatewayName | 'persistence') =>
    `pid ${mesh.find(name)?.pid}${inspect ? `, inspector on ${ports[`${name}-inspect`]}` : ''}`
  const page = `http://${host}:${ports.page}`
  const gateways = gatewayNames.map((name) => `${gatewayAddress(ports[name])}   ${name}, ${pidOf(name)}`)
  const apis = gatewayNames.map((name) => `http://${host}:${ports[`${name}-api`]}/api`)
  const lines = [
    '',
    `Natter is ready, after ${seconds(tookMs)} s.`,
    '',
    `  messenger   ${page}`,
    `  gateways    ${gateways.join('\n              ')}`,
    `  server api  ${apis.join(', ')}: natter info asks it`,
    `  persistence writes the archive, ${pidOf('persistence')}`,
    `  nats        ${natsUrl(settings)}`,
    `  postgres    ${postgresWhere(settings)}`,
    `  health      http://${host}:${ports['supervisor-ops']}/health, and /metrics`,
    `  logs        ${shownPath(join(settings.dataFolder, 'logs'))}`,
    '',
    `Open ${page} in two windows. Then kill a gateway (kill -9 ${mesh.find('gateway-1')?.pid}), and see its window go on.`,
    'Ctrl-C stops everything; data stays.',
    '',
  ]
  const addresses = gatewayNames.map((name) => gatewayAddress(ports[name]))
  const more = { event: 'mesh:ready', tookMs, page, gateways: addresses, apis, nats: natsUrl(settings) }
  return [lines.join('\n'), more]
}
