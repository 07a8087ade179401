/**
 * One run: a gateway is tried by generated input while healthy clients use it, then what was found.
 *
 * N1. Memory is compared between two moments of the same kind: nobody but the healthy clients is there, and the channels of the others
 *     are closed. Before the first there was a round of the same input, for what a process learns once.
 * N2. Load is what waits when the machine is short: this process is nice to the gateway and to the healthy clients.
 * N3. Whatever happens, no process is left behind; the folder stays when something was found.
 */
import { eventually } from '@natter/testing'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { startChild, type Child } from '../../bench/harness/child.js'
import { compileInto } from '../../bench/harness/compile.js'
import { Histogram } from '../../bench/harness/statistics.js'
import { takePrograms } from '../fault/programs.js'
import { caseOf, type Mix } from './cases.js'
import type { HealthySeen, HealthyWish } from './healthy-process.js'
import { judge, type Finding } from './judge.js'
import { play } from './play.js'
import type { Settings } from './settings.js'
import { shown } from './shown.js'
import { startTarget, type Memory, type Target } from './target.js'

export interface RunOptions {
  settings: Settings
  mix: Mix
  /** The folder whose gateway runs. */
  source: string
  folder: string
  /** Only this case, of those that the seed has. */
  only?: number
  say(line: string): void
}

export interface RunResult {
  findings: Finding[]
  figures: Figures
  folder: string
}

export interface Figures {
  cases: number
  inputs: number
  tookMs: number
  /** How cases ended: a status, a code, or what else. */
  ends: Record<string, number>
  /** How often each error was answered, by code; 0 = no error. */
  answers: Record<string, number>
  /** Milliseconds. */
  healthy: Health
  /** The same clients before the input came. */
  undisturbed: Health
  before: Memory
  after: Memory
  grownBytes: number
}

export interface Health {
  p50: number
  p99: number
  max: number
  /** How late the clients themselves were: what the machine takes from everybody. */
  lateP99: number
  count: number
}

const healthyClients = 20
/** Where the healthy clients are this late by themselves, their round trips say nothing of the gateway. */
const noisyMs = 20
/** Their own time before the input comes. */
const undisturbedMs = 5_000
const healthyPerSecond = 100
/** Channels that nobody uses are closed after a while. */
const quietWithinMs = 90_000
const mebibyte = 2 ** 20
/** Inputs. */
const toldEvery = 25_000

export async function run(options: RunOptions): Promise<RunResult> {
  const { source, folder } = options
  mkdirSync(folder, { recursive: true })
  const programs = join(source, '.natter/fuzz-programs', String(process.pid))
  const remove = (): void => rmSync(programs, { recursive: true, force: true })
  process.once('exit', remove) // also when the run is interrupted
  try {
    const gateway = takePrograms(source, programs, ['gateway']).get('gateway') ?? ''
    const own = join(folder, 'programs')
    await compileInto(own, ['test/fuzz/healthy-process.ts'])
    const result = await tried(gateway, join(own, 'test/fuzz/healthy-process.js'), options)
    rmSync(own, { recursive: true, force: true })
    if (result.findings.length === 0) rmSync(folder, { recursive: true, force: true })
    else writeFileSync(join(folder, 'result.json'), JSON.stringify(result, undefined, 2))
    return result
  } finally {
    remove()
  }
}

async function tried(gateway: string, healthyProgram: string, options: RunOptions): Promise<RunResult> {
  const { folder } = options
  const target = await startTarget(gateway, folder)
  let healthy: Child | undefined
  try {
    healthy = await startChild({ file: healthyProgram })
    setPriority(10) // N2
    const wish: HealthyWish = { port: target.port, clients: healthyClients, perSecond: healthyPerSecond }
    await healthy.ask('connect', wish)
    return { ...(await new Round(target, healthy, options).run()), folder }
  } finally {
    await healthy?.end() // N3
    await target.stop()
    writeFileSync(join(folder, 'gateway.log'), `${target.lines.join('\n')}\n`)
  }
}

class Round {
  private readonly findings: Finding[] = []
  private readonly ends: Record<string, number> = {}
  private readonly answers: Record<string, number> = {}
  /** The cases under way, for when the gateway dies of one of them. */
  private readonly underWay = new Set<number>()
  private hasDied = false
  private isOver = false
  private cases = 0

  constructor(
    private readonly target: Target,
    private readonly healthy: Child,
    private readonly options: RunOptions,
  ) {
    void target.exited.then(({ code, signal }) => {
      if (this.isOver) return
      this.hasDied = true
      const cases = [...this.underWay].join(', ')
      this.found({
        rule: 'crashed',
        text: `exited with ${signal ?? code} during the cases ${cases}\n${target.lines.slice(-20).join('\n')}`,
      })
    })
  }

  async run(): Promise<Omit<RunResult, 'folder'>> {
    const { settings, only, say } = this.options
    await this.cover(settings.seed + 1, only === undefined ? settings.warmUpInputs : 0)
    await this.isQuiet()
    const before = await this.memory()
    say(`warmed up, ${Math.round(before.rss / mebibyte)} MiB resident`)
    await this.healthy.ask('reset')
    if (only === undefined) await delay(undisturbedMs)
    const undisturbed = healthOf(await this.healthy.ask<HealthySeen>('seen'))
    await this.healthy.ask('reset')
    const startMs = performance.now()
    const inputs =
      only === undefined
        ? await this.cover(settings.seed, settings.inputs)
        : await this.one(settings.seed, only)
    const tookMs = performance.now() - startMs
    const seen = await this.healthy.ask<HealthySeen>('seen')
    await this.isQuiet()
    const after = await this.memory()
    const grownBytes = after.rss - before.rss
    const figures = {
      cases: this.cases,
      inputs,
      tookMs,
      ends: this.ends,
      answers: this.answers,
      healthy: healthOf(seen),
      undisturbed,
      before,
      after,
      grownBytes,
    }
    this.judgeProcess(figures, seen)
    this.isOver = true
    return { findings: this.findings, figures }
  }

  private found(finding: Finding): void {
    this.findings.push(finding)
    const { rule, text, number } = finding
    if (this.findings.length <= 20)
      this.options.say(`  ${rule}${number === undefined ? '' : ` (case ${number})`}: ${text}`)
  }

  /** Plays cases until so many inputs are through, several at once. Answers how many they were. */
  private async cover(seed: number, inputs: number): Promise<number> {
    let [next, done, toldOf] = [0, 0, 0]
    const worker = async (): Promise<void> => {
      while (done < inputs && !this.hasDied) {
        const number = next
        next += 1
        const inputsThen = await this.one(seed, number)
        done += inputsThen
        if (done < toldOf + toldEvery) continue
        toldOf = done
        this.options.say(`  ${done} inputs, ${this.findings.length} findings`)
      }
    }
    await Promise.all(Array.from({ length: this.options.settings.atOnce }, worker))
    return done
  }

  private async one(seed: number, number: number): Promise<number> {
    const { settings, mix, folder } = this.options
    const thisCase = caseOf(seed, number, mix)
    this.underWay.add(number)
    const played = await play(thisCase, { port: this.target.port, withinMs: settings.withinMs })
    if (!this.hasDied) this.underWay.delete(number)
    this.cases += 1
    count(this.ends, endOf(played))
    for (const { id, error } of played.told) if (id !== 0) count(this.answers, String(error?.code ?? 0))
    if (this.hasDied) return played.inputs // what comes of it now is its death
    const findings = judge(thisCase, played)
    for (const finding of findings) this.found(finding)
    if (findings.length > 0 || this.options.only !== undefined)
      writeFileSync(join(folder, `case-${seed}-${number}.txt`), shown(thisCase, played))
    return played.inputs
  }

  /** N1. */
  private async isQuiet(): Promise<void> {
    if (this.hasDied) return
    const { target } = this
    const counts = async (): Promise<number[]> => [
      await target.metric('natter_gateway_connections'),
      await target.metric('natter_gateway_channels'),
    ]
    const isThere = async (): Promise<boolean> => {
      const [connections = 0, channels = 0] = await counts()
      return connections <= healthyClients && channels === 0
    }
    try {
      await eventually(isThere, { timeoutMs: quietWithinMs })
    } catch {
      this.found({
        rule: 'memory',
        text: `still there when all had gone: connections and channels ${(await counts()).join(', ')}`,
      })
    }
  }

  private async memory(): Promise<Memory> {
    const none: Memory = { rss: 0, heapUsed: 0, external: 0 }
    if (this.hasDied) return none
    await this.healthy.ask('pause')
    await delay(500)
    let least = await this.target.memory()
    for (let again = 0; again < 3; again += 1) {
      const memory = await this.target.memory()
      if (memory.rss < least.rss) least = memory
    }
    await this.healthy.ask('resume')
    return least
  }

  private judgeProcess({ grownBytes, before, after, healthy }: Figures, { faults }: HealthySeen): void {
    const { settings, only } = this.options
    for (const line of this.target.lines) if (isBug(line)) this.found({ rule: 'logged-bug', text: line })
    if (this.hasDied) return
    for (const fault of faults) this.found({ rule: 'slow-for-others', text: `a healthy client: ${fault}` })
    if (only !== undefined) return
    if (grownBytes > settings.memoryBytes)
      this.found({
        rule: 'memory',
        text: `${mib(grownBytes)} more than before: ${told(before)}, then ${told(after)}`,
      })
    if (healthy.p99 > settings.healthyP99Ms && healthy.lateP99 <= noisyMs)
      this.found({ rule: 'slow-for-others', text: `p99 of healthy clients: ${healthy.p99.toFixed(1)} ms` })
  }
}

const mib = (bytes: number): string => `${(bytes / mebibyte).toFixed(1)} MiB`

const told = ({ rss, heapUsed, external }: Memory): string =>
  `${mib(rss)} resident (heap ${mib(heapUsed)}, external ${mib(external)})`

const count = (counts: Record<string, number>, key: string): void => {
  counts[key] = (counts[key] ?? 0) + 1
}

function endOf({
  status,
  end,
}: {
  status: number | undefined
  end: { kind: string; code?: number; reason?: string }
}): string {
  if (status !== 101 && status !== 200) return `HTTP ${status ?? 'nothing'}`
  return end.kind === 'closed' ? `${end.code} ${end.reason ?? ''}`.trimEnd() : end.kind
}

function healthOf({ roundTrips, late }: HealthySeen): Health {
  const [trips, lateness] = [Histogram.merge([roundTrips]), Histogram.merge([late])]
  if (trips.count === 0) return { p50: 0, p99: 0, max: 0, lateP99: 0, count: 0 }
  const ms = (share: number): number => trips.percentile(share) / 1_000
  return {
    p50: ms(0.5),
    p99: ms(0.99),
    max: ms(1),
    lateP99: lateness.percentile(0.99) / 1_000,
    count: trips.count,
  }
}

/** A line of the log that no client may bring about. */
const isBug = (line: string): boolean =>
  /"level":"(error|fatal)"/.test(line) || /^\s+at .*\(|^[A-Z]\w*Error: /.test(line)
