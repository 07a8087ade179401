/**
 * One run: load and faults by plan, then calm, then the judgement.
 *
 * F1. Nothing is judged before the mesh had its chance: all runs again, all that was published is acknowledged, and the readers are
 *     at the end or stand still for `patienceMs`.
 * F2. Whatever happens, no process is left behind; the folder stays when something was found.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { check, type Verdict } from './check.js'
import type { StreamContent } from './evidence.js'
import { readHistory, recordTo, type Recorder } from './history.js'
import { prefix, startMesh, type Mesh } from './mesh.js'
import { Nemesis } from './nemesis.js'
import { makePlan } from './plan.js'
import { takePrograms } from './programs.js'
import { Publisher } from './publisher.js'
import { chance } from './seeded.js'
import type { Settings } from './settings.js'
import { readStream, streamOf, withNats } from './stream-content.js'
import { Subscriber } from './subscriber.js'

export interface RunResult extends Verdict {
  /** Where the history is; gone when nothing was found and nobody asked to keep it. */
  folder: string
  published: number
}

export interface RunOptions {
  settings: Settings
  /** Whose programs run: this repository, or a copy with a planted bug. */
  source: string
  folder: string
  keep: boolean
  /** Ends the run before its time, as a failure. */
  signal?: AbortSignal
  say(line: string): void
}

/** How long readers and archive may stand still before what they lack counts as missed. */
const patienceMs = 8_000
/** How much longer than planned a run may take: restarts on a busy machine, and repeats. */
const overtimeMs = 120_000
/** What comes late or twice may still come for a moment. */
const settleMs = 300

export async function run(options: RunOptions): Promise<RunResult> {
  const { settings, source, folder, keep } = options
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'settings.json'), JSON.stringify(settings, undefined, 2))
  const recorder = recordTo(join(folder, 'history.ndjson'))
  const programsFolder = join(source, '.natter/fault-programs', String(process.pid))
  try {
    const apps = settings.hasArchive ? (['gateway', 'persistence'] as const) : (['gateway'] as const)
    const mesh = await startMesh(
      takePrograms(source, programsFolder, apps),
      folder,
      settings.gateways,
      recorder,
    )
    const { stream, archive } = await judgedThings(mesh, recorder, options)
    writeFileSync(join(folder, 'stream.json'), JSON.stringify(stream))
    if (archive !== undefined) writeFileSync(join(folder, 'archive.json'), JSON.stringify(archive))
    const events = readHistory(join(folder, 'history.ndjson'))
    const verdict = check(archive === undefined ? { events, stream } : { events, stream, archive })
    if (verdict.violations.length === 0 && !keep) rmSync(folder, { recursive: true, force: true })
    return { ...verdict, folder, published: stream.publications.length }
  } finally {
    rmSync(programsFolder, { recursive: true, force: true })
  }
}

/** Plays, reads what is there in the end, and stops everything. */
async function judgedThings(mesh: Mesh, recorder: Recorder, options: RunOptions) {
  try {
    return await playAndRead(mesh, recorder, options)
  } finally {
    await mesh.stop() // F2
    for (const [name, lines] of mesh.logs())
      writeFileSync(join(options.folder, `${name}.log`), `${lines.join('\n')}\n`)
  }
}

async function playAndRead(mesh: Mesh, recorder: Recorder, options: RunOptions) {
  try {
    await play(mesh, recorder, options)
  } finally {
    await recorder.close()
  }
  const stream = await withNats(mesh.natsUrl, (nats) => readStream(nats, prefix))
  const archive = await mesh.database?.content(prefix, streamOf(prefix))
  return { stream, archive }
}

/** @throws Error when it doesn't come to its end in time, was interrupted, or a client was told what no fault explains. */
async function play(mesh: Mesh, recorder: Recorder, { settings, say, signal }: RunOptions): Promise<void> {
  const plan = makePlan(settings)
  const trouble = new AbortController()
  const fail = (why: string): void => trouble.abort(new Error(why))
  const { doors } = mesh
  const startMs = performance.now() + 1_500
  const nemesis = new Nemesis(plan.faults, mesh.members, startMs)
  const worldOf = (name: string) => ({ doors, recorder, luck: chance(settings.seed, name), startMs, fail })
  const readers = plan.subscribers.map((each) => new Subscriber(each, worldOf(each.name)))
  const onSent = (gateway: string, publications: number): void => nemesis.sent(gateway, publications)
  const publishers = plan.publishers.map((each) => new Publisher(each, { ...worldOf(each.name), onSent }))
  const work = async (): Promise<void> => {
    await Promise.all([...readers, ...publishers].map((client) => client.start()))
    for (const client of readers) client.follow()
    await Promise.all([nemesis.run(), ...publishers.map(({ done }) => done)])
    say('everything was published, and everything runs again')
    await quiet(mesh, readers, recorder) // F1
  }
  const late = setTimeout(() => {
    const remaining = publishers.reduce((sum, publisher) => sum + publisher.remaining, 0)
    fail(`not done ${overtimeMs / 1_000} s after its time; ${remaining} publications are not acknowledged`)
  }, settings.durationMs + overtimeMs)
  try {
    await Promise.race([work(), aborted(trouble.signal), ...(signal === undefined ? [] : [aborted(signal)])])
  } finally {
    clearTimeout(late)
    for (const client of [...readers, ...publishers]) client.stop()
  }
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const end = (): void => reject(signal.reason as Error)
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })

async function quiet(mesh: Mesh, readers: readonly Subscriber[], recorder: Recorder): Promise<void> {
  const stream = await withNats(mesh.natsUrl, (nats) => readStream(nats, prefix))
  const newest = newestOf(stream)
  let [progress, sinceMs] = ['', Date.now()]
  while (Date.now() < sinceMs + patienceMs) {
    const checkpoint = await mesh.database?.checkpointSeq(prefix, streamOf(prefix))
    const isArchived = checkpoint === undefined || checkpoint >= stream.lastSeq
    if (isArchived && readers.every((reader) => reader.hasSeen(newest))) break
    const now = `${checkpoint} ${recorder.lastMs}`
    if (now !== progress) [progress, sinceMs] = [now, Date.now()]
    await delay(150)
  }
  await delay(settleMs)
}

const newestOf = ({ publications }: StreamContent): Map<string, number> =>
  new Map(publications.map(({ channel, seq }) => [channel, seq]))
