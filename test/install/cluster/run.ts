/**
 * One run: the chart is installed, clients read and publish through the gateways' Service, and then
 *
 * 1. the gateways are rolled to another configuration,
 * 2. one of them is killed,
 * 3. a configuration that is wrong is rolled out, and rolled back,
 * 4. NATS crashes twice, which keeps it away for ten seconds.
 *
 * R1. Whatever happens, nothing is left behind: the cluster ends its processes, and the folder stays only when something was found.
 * R2. Each thing is done to a mesh that is whole again after the one before.
 */
import { connect } from '@nats-io/transport-node'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { check, type Verdict } from '../../fault/check.js'
import { checkpointAt, contentAt } from '../../fault/database.js'
import { readHistory, recordTo, type Recorder } from '../../fault/history.js'
import { takePrograms } from '../../fault/programs.js'
import { readStream, streamOf } from '../../fault/stream-content.js'
import { imagesOfRepository } from '../shared/programs.js'
import { renderChart } from './chart.js'
import { Cluster, type RolloutEnd } from './cluster.js'
import {
  exitsOf,
  judgeConnects,
  judgeCounts,
  judgeEnds,
  judgeGoodbyes,
  readinessLosses,
  type Seen,
  type Span,
} from './judge.js'
import { startLoad, type Load } from './load.js'
import { textsOf, type Manifest } from './manifests.js'

export interface RunOptions {
  helm: string
  clients: number
  gateways: number
  publicationsPerSecond: number
  /** Whose programs run: this repository, or a copy with a planted bug. */
  source: string
  folder: string
  keep: boolean
  say(line: string): void
}

export interface RunResult {
  found: string[]
  counts: Verdict['counts']
  stored: number
  goodbyes: number
  folder: string
}

const [release, namespace, prefix] = ['natter', 'mesh', 'natter']
const [gateway, nats] = ['natter-gateway', 'natter-nats']
const propagationMs = 300
/** Of one step on a busy machine. */
const patienceMs = 90_000
const longestMs = 600_000
/** Readiness is false within 3 s of the cause. */
const unreadyWithinMs = 3_000

const config = {
  client: { allow_anonymous: true },
  channel: {
    namespaces: [
      {
        name: 'load',
        keep: 'archive',
        message_id: '/id',
        allow_subscribe_for_client: true,
        allow_subscribe_for_anonymous: true,
        allow_publish_for_client: true,
        allow_publish_for_anonymous: true,
      },
    ],
  },
}

/** As somebody would: another revision of the gateways' pods by one more setting. */
function manifestsWith({ helm, source, gateways }: RunOptions, env: Record<string, string>): Manifest[] {
  const values = {
    config,
    gateway: { replicas: gateways, env, drain: { delay: '2s' } },
  }
  return renderChart({ helm, source, release, namespace, valuesFiles: ['values-test.yaml'], values })
}

export async function run(options: RunOptions): Promise<RunResult> {
  const { folder, keep, source } = options
  mkdirSync(folder, { recursive: true })
  const programs = join(source, '.natter/cluster-programs', String(process.pid))
  const recorder = recordTo(join(folder, 'history.ndjson'))
  try {
    takePrograms(source, join(programs, 'apps'), ['gateway', 'persistence'])
    const cluster = new Cluster({ images: imagesOfRepository(new Map(), programs), namespace, propagationMs })
    try {
      const result = await play(cluster, recorder, options)
      if (result.found.length === 0 && !keep) rmSync(folder, { recursive: true, force: true })
      return result
    } finally {
      writeFileSync(
        join(folder, 'cluster.ndjson'),
        cluster.events.map((event) => `${JSON.stringify(event)}\n`).join(''),
      )
      await cluster.stop() // R1
    }
  } finally {
    rmSync(programs, { recursive: true, force: true })
  }
}

async function play(cluster: Cluster, recorder: Recorder, options: RunOptions): Promise<RunResult> {
  const { clients, publicationsPerSecond, say, folder } = options
  const troubles: string[] = []
  const startMs = performance.now()
  const tell = (line: string): void => say(`${((performance.now() - startMs) / 1_000).toFixed(1)} s: ${line}`)
  await cluster.install(manifestsWith(options, {}))
  const installed = await cluster.settled(patienceMs)
  if (installed.kind === 'stalled') throw new Error(`the installation stalls: ${told(installed)}`)
  tell('installed, all ready')
  const door = { name: 'the Service', ...cluster.doorOf(gateway, 'clients') }
  await cluster.until('the Service', () => isKnown(cluster, options.gateways), patienceMs)
  const load = await startLoad({
    door,
    recorder,
    subscribers: clients,
    publicationsPerSecond,
    longestMs,
    fail: (why) => troubles.push(why),
  })
  try {
    tell(`${clients} clients read and publish through the Service`)
    const found = await strain(cluster, options, tell)
    await load.enough()
    const { stream, archive } = await evidence(cluster, load, recorder)
    tell('everything that was published is acknowledged, read and archived')
    load.stop()
    await recorder.close()
    const history = join(folder, 'history.ndjson')
    const verdict = check({ events: readHistory(history), stream, archive })
    const goodbyes = judgeGoodbyes(readHistory(history), found.roll)
    const told =
      goodbyes.goodbyes > 0 ? [] : ['nobody was told to go elsewhere (3001) while the gateways were rolled']
    const all = [
      ...troubles,
      ...found.found,
      ...goodbyes.found,
      ...told,
      ...verdict.violations.map(({ rule, text }) => `${rule}: ${text}`),
    ]
    return {
      found: all,
      counts: verdict.counts,
      stored: stream.publications.length,
      goodbyes: goodbyes.goodbyes,
      folder,
    }
  } finally {
    load.stop()
  }
}

type Say = (line: string) => void

async function strain(
  cluster: Cluster,
  options: RunOptions,
  say: Say,
): Promise<{ found: string[]; roll: Span }> {
  const rolled = await roll(cluster, options, say)
  const others = [
    await killOne(cluster, options, say),
    await rollBroken(cluster, options, say),
    await loseNats(cluster, options, say),
  ]
  return { found: [...rolled.found, ...others.flat()], roll: rolled.span }
}

const seen = (cluster: Cluster): Seen => ({
  workload: gateway,
  service: gateway,
  rule: cluster.ruleOf(gateway),
  propagationMs,
  events: cluster.events,
})

async function during(act: () => Promise<void>): Promise<Span & { latenessMs: number }> {
  const lateness = monitorEventLoopDelay()
  lateness.enable()
  const fromMs = Date.now()
  await act()
  lateness.disable()
  return { fromMs, toMs: Date.now(), latenessMs: lateness.max / 1e6 }
}

/** R2. */
async function whole(cluster: Cluster, { gateways }: RunOptions): Promise<void> {
  const isWhole = (): boolean => cluster.isWhole && isKnown(cluster, gateways)
  await cluster.until('a mesh that is whole, and a Service that knows it', isWhole, patienceMs)
}

async function roll(
  cluster: Cluster,
  options: RunOptions,
  say: Say,
): Promise<{ found: string[]; span: Span }> {
  const span = await during(async () => {
    await cluster.upgrade(manifestsWith(options, { NATTER_LOG_LEVEL: 'info' }))
    await whole(cluster, options)
    await cluster.until(
      'the old gateways’ end',
      () => cluster.podsOf(gateway).length === options.gateways,
      patienceMs,
    )
  })
  say(`${options.gateways} gateways rolled`)
  const all = seen(cluster)
  return {
    found: [...judgeCounts(all, span), ...judgeEnds(all, span, span.latenessMs), ...judgeConnects(all, span)],
    span,
  }
}

async function killOne(cluster: Cluster, options: RunOptions, say: Say): Promise<string[]> {
  const [victim] = cluster.podsOf(gateway)
  const span = await during(async () => {
    victim?.container()?.strike('SIGKILL')
    await cluster.until('the end of a gateway', () => victim?.isReady === false, patienceMs)
    await whole(cluster, options)
  })
  say('a gateway was killed, and is back')
  const exits = exitsOf(seen(cluster), span)
  const others = exits.filter((exit) => !exit.startsWith(victim?.name ?? ''))
  return [
    ...others,
    ...(exits.length === 1 ? [] : ['not one gateway was killed']),
    ...judgeConnects(seen(cluster), span),
  ]
}

async function rollBroken(cluster: Cluster, options: RunOptions, say: Say): Promise<string[]> {
  const before = cluster.podsOf(gateway).map(({ name }) => name)
  const broken = { NATTER_LOG_LEVEL: 'info', NATTER_GATEWAY_MAX_CONNECTIONS: 'plenty' }
  let end: RolloutEnd = { kind: 'complete' }
  const span = await during(async () => {
    await cluster.upgrade(manifestsWith(options, broken))
    end = await cluster.settled(patienceMs)
  })
  const found = judgeCounts(seen(cluster), span)
  if (told(end).includes('NATTER_GATEWAY_MAX_CONNECTIONS'))
    say('a wrong setting stalls the rollout, and is named')
  else found.push(`a rollout with a wrong setting should stall and name it: ${told(end)}`)
  const serving = cluster.podsOf(gateway).filter(({ isReady }) => isReady)
  if (before.some((name) => !serving.some((pod) => pod.name === name)))
    found.push('an old gateway went while no new one could come')
  await cluster.upgrade(manifestsWith(options, { NATTER_LOG_LEVEL: 'info' }))
  await whole(cluster, options)
  return [...found, ...judgeConnects(seen(cluster), span)]
}

async function loseNats(cluster: Cluster, options: RunOptions, say: Say): Promise<string[]> {
  const container = cluster.podsOf(nats)[0]?.container()
  const crash = async (): Promise<void> => {
    const crashes = container?.crashes.length ?? 0
    container?.strike('SIGKILL')
    await cluster.until('the end of NATS', () => (container?.crashes.length ?? 0) > crashes, patienceMs)
  }
  await crash()
  await cluster.until('NATS, started again', () => container?.pid !== undefined, patienceMs)
  const span = await during(async () => {
    await crash()
    await cluster.until(
      'gateways that say so',
      () => cluster.podsOf(gateway).every(({ isReady }) => !isReady),
      patienceMs,
    )
    await whole(cluster, options)
  })
  const all = seen(cluster)
  const losses = [...readinessLosses(all, span)]
  const late = losses.filter(
    ([, afterMs]) => afterMs === undefined || afterMs > unreadyWithinMs + span.latenessMs,
  )
  const longest = Math.max(...losses.map(([, afterMs]) => afterMs ?? Infinity))
  say(`NATS crashed and is back; the last gateway said so after ${longest} ms`)
  return [
    ...late.map(
      ([pod, afterMs]) => `${pod} was ready for ${afterMs ?? 'more than any'} ms after NATS had gone`,
    ),
    ...exitsOf(all, span).map((exit) => `${exit} because NATS was away`),
  ]
}

/** Whether the proxy sends to all gateways. */
function isKnown({ events }: Cluster, gateways: number): boolean {
  const last = events.findLast((event) => event.kind === 'endpoints' && event.service === gateway)
  return last?.kind === 'endpoints' && last.pods.length === gateways
}

const told = (end: RolloutEnd): string =>
  end.kind === 'complete' ? 'it is complete' : `${end.workload}, ${end.why}:\n${end.said}`

/** Waits until the readers have what is stored and the archive has it too, or nothing moves any more. */
async function evidence(cluster: Cluster, load: Load, recorder: Recorder) {
  const secret = textsOf(cluster.secret('natter-nats'))
  const { host, port } = cluster.doorOf(nats, 'client')
  const login = { user: 'persistence', pass: secret['persistence-password'] ?? '' }
  const connection = await connect({ servers: `${host}:${port}`, ...login, inboxPrefix: `_INBOX_${prefix}` })
  try {
    const stream = await readStream(connection, prefix)
    const url = cluster.local(textsOf(cluster.secret('natter-postgres')).url ?? '')
    await quiet(load, recorder, stream, () => checkpointAt(url, prefix, streamOf(prefix)))
    return { stream, archive: await contentAt(url, prefix, streamOf(prefix)) }
  } finally {
    await connection.close()
  }
}

const standsStillMs = 8_000

async function quiet(
  { readers }: Load,
  recorder: Recorder,
  { publications, lastSeq }: Awaited<ReturnType<typeof readStream>>,
  checkpoint: () => Promise<number>,
): Promise<void> {
  const newest = new Map(publications.map(({ channel, seq }) => [channel, seq]))
  let [progress, sinceMs] = ['', Date.now()]
  while (Date.now() < sinceMs + standsStillMs) {
    const seq = await checkpoint()
    if (seq >= lastSeq && readers.every((reader) => reader.hasSeen(newest))) break
    const now = `${seq} ${recorder.lastMs}`
    if (now !== progress) [progress, sinceMs] = [now, Date.now()]
    await delay(100)
  }
  await delay(300) // what comes twice may still come
}
