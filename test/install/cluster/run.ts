/**
 * One run: the chart is installed, clients read and publish through the gateways' Service, things are done to it (`strains.ts`), and in
 * the end what the clients saw, the stream, Postgres and the cluster's own events are judged.
 *
 * R1. Whatever happens, nothing is left behind: the cluster ends its processes, and the folder stays only when something was found.
 * R2. Nothing is judged before the readers had their chance: everything is acknowledged, and they have it or stand still.
 */
import { connect } from '@nats-io/transport-node'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { check, type Verdict } from '../../fault/check.js'
import { checkpointAt, contentAt } from '../../fault/database.js'
import { readHistory, recordTo, type Recorder } from '../../fault/history.js'
import { loadNamespace } from '../../fault/mesh.js'
import { takePrograms } from '../../fault/programs.js'
import { readStream, streamOf } from '../../fault/stream-content.js'
import { imagesOfRepository } from '../shared/programs.js'
import { chartIn, renderChart } from './chart.js'
import { Cluster } from './cluster.js'
import { judgeGoodbyes, type Finding } from './judge.js'
import { startLoad, type Load } from './load.js'
import { textsOf } from './manifests.js'
import {
  drainDelayMs,
  gateway,
  isKnown,
  killOne,
  loseNats,
  nats,
  patienceMs,
  propagationMs,
  replaceNats,
  roll,
  rollWrong,
  told,
  type Stage,
  type Strained,
} from './strains.js'

export interface RunOptions {
  helm: string
  clients: number
  gateways: number
  publicationsPerSecond: number
  /** Nothing but the rollout is done (brief), or NATS is replaced too (long). */
  length: 'brief' | 'usual' | 'long'
  /** Whose programs run: this repository, or a copy with a planted bug. */
  source: string
  folder: string
  keep: boolean
  say(line: string): void
}

export interface RunResult {
  findings: Finding[]
  counts: Verdict['counts']
  stored: number
  /** Subscriptions and calls that were told to go elsewhere. */
  goodbyes: number
  folder: string
}

const [release, namespace, prefix] = ['natter', 'mesh', 'natter']
/** Of the load: longer than the run may take. */
const longestMs = 600_000

const config = {
  client: { allow_anonymous: true },
  channel: { namespaces: [loadNamespace] },
}

export async function run(options: RunOptions): Promise<RunResult> {
  const { folder, keep, source } = options
  mkdirSync(folder, { recursive: true })
  const programs = join(source, '.natter/cluster-programs', String(process.pid))
  const recorder = recordTo(join(folder, 'history.ndjson'))
  const removePrograms = (): void => rmSync(programs, { recursive: true, force: true })
  process.once('exit', removePrograms) // also when the run is interrupted
  try {
    takePrograms(source, join(programs, 'apps'), ['gateway', 'persistence'])
    const cluster = new Cluster({ images: imagesOfRepository(new Map(), programs), namespace, propagationMs })
    try {
      const result = await play(stageOf(cluster, options), recorder, options)
      if (result.findings.length === 0 && !keep) rmSync(folder, { recursive: true, force: true })
      return result
    } finally {
      await cluster.stop() // R1
      const events = cluster.events.map((event) => `${JSON.stringify(event)}\n`)
      if (existsSync(folder)) writeFileSync(join(folder, 'cluster.ndjson'), events.join(''))
    }
  } finally {
    process.off('exit', removePrograms)
    removePrograms()
  }
}

function stageOf(cluster: Cluster, { helm, source, gateways, say }: RunOptions): Stage {
  const startMs = performance.now()
  const valuesFiles = ['values-test.yaml']
  return {
    cluster,
    gateways,
    manifestsWith(env) {
      const values = {
        config,
        gateway: { replicas: gateways, env, drain: { delay: `${drainDelayMs / 1_000}s` } },
      }
      return renderChart({ helm, chart: chartIn(source), release, namespace, valuesFiles, values })
    },
    say: (line) => say(`${((performance.now() - startMs) / 1_000).toFixed(1)} s: ${line}`),
  }
}

async function play(stage: Stage, recorder: Recorder, options: RunOptions): Promise<RunResult> {
  const { cluster, gateways, say } = stage
  const { clients, publicationsPerSecond } = options
  const findings: Finding[] = []
  await cluster.install(stage.manifestsWith({}))
  const installed = await cluster.settled(patienceMs)
  if (installed.kind === 'stalled') throw new Error(`the installation stalls: ${told(installed)}`)
  say('installed, all ready')
  await cluster.until('the Service', () => isKnown(cluster, gateways), patienceMs)
  const load = await startLoad({
    door: { name: 'the Service', ...cluster.inventory.doorOf(gateway, 'clients') },
    recorder,
    subscribers: clients,
    publicationsPerSecond,
    longestMs,
    fail: (text) => findings.push({ rule: 'unexplained', text }),
  })
  try {
    say(`${clients} clients read and publish through the Service`)
    const rolled = await roll(stage)
    const others = options.length === 'brief' ? [] : await allOthers(stage)
    if (options.length === 'long') others.push(await replaceNats(stage))
    findings.push(...[rolled, ...others].flatMap(({ found }) => found))
    const judged = await judgeClients(stage, load, recorder, rolled, options)
    return { ...judged, findings: [...findings, ...judged.findings], folder: options.folder }
  } finally {
    load.stop()
  }
}

const allOthers = async (stage: Stage): Promise<Strained[]> => [
  await killOne(stage),
  await rollWrong(stage),
  await loseNats(stage),
]

async function judgeClients(
  { cluster, say }: Stage,
  load: Load,
  recorder: Recorder,
  { span }: Strained,
  { folder }: RunOptions,
): Promise<Omit<RunResult, 'folder'>> {
  await load.enough()
  const { stream, archive } = await evidence(cluster, load, recorder)
  say('everything that was published is acknowledged, read and archived')
  load.stop()
  await recorder.close()
  const history = join(folder, 'history.ndjson')
  const verdict = check({ events: readHistory(history), stream, archive })
  const { found, goodbyes } = judgeGoodbyes(readHistory(history), span)
  const findings = [...found, ...verdict.violations]
  if (goodbyes === 0)
    findings.push({ rule: 'nobody-told', text: 'no client was told to go elsewhere (3001)' })
  return { findings, counts: verdict.counts, stored: stream.publications.length, goodbyes }
}

/** R2 */
async function evidence(cluster: Cluster, load: Load, recorder: Recorder) {
  const secret = textsOf(cluster.inventory.secret('natter-nats'))
  const { host, port } = cluster.inventory.doorOf(nats, 'client')
  const login = { user: 'persistence', pass: secret['persistence-password'] ?? '' }
  const connection = await connect({ servers: `${host}:${port}`, ...login, inboxPrefix: `_INBOX_${prefix}` })
  try {
    const stream = await readStream(connection, prefix)
    const url = cluster.inventory.local(textsOf(cluster.inventory.secret('natter-postgres')).url ?? '')
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
