/**
 * One container of a pod: started, asked, started again when it ends, ended.
 *
 * N1. It is ready while its probe says so, and never before it was asked; without a probe while it runs.
 * N2. The loop that starts it again is the only one that starts it: after `end` nothing is started any more.
 * N3. A container that isn't alive is ended as at a deletion, with its grace period, and started again.
 */
import type { ExitInfo } from '@natter/testing'
import { setTimeout as delay } from 'node:timers/promises'
import { localEnv, type Place } from '../shared/local-text.js'
import { startContainer, type RunningContainer } from '../shared/local-container.js'
import { startPostgresContainer, type PostgresContainer } from '../shared/postgres.js'
import { programOf, type Images } from '../shared/programs.js'
import { act, type ActionPlace } from './actions.js'
import { expanded } from './environment.js'
import type { ContainerChange, Tell } from './events.js'
import { afterAnswer, killAfterMs, probeRuleOf, restartPauseMs, unasked, type ProbeKind } from './kubelet.js'
import type { ContainerSpec } from './manifests.js'

export interface ContainerWorld {
  pod: string
  place: Place
  images: Images
  /** As the kubelet made it, before it is this machine's. */
  environment: Readonly<Record<string, string>>
  user: { uid: number; gid: number } | undefined
  graceMs: number
  restarts: 'Always' | 'OnFailure' | 'Never'
  tell: Tell
  /** Something of it has changed. */
  onChange(): void
}

type State =
  | { kind: 'waiting' }
  /** Before it is started again. */
  | { kind: 'pausing'; ms: number }
  | { kind: 'running'; process: RunningContainer; isReady: boolean; stopAsking: AbortController }
  | { kind: 'over'; exit: ExitInfo }

/** How a container that ran before ended, and what it said last. */
export interface Crash {
  exit: ExitInfo
  lines: readonly string[]
}

export class PodContainer {
  private state: State = { kind: 'waiting' }
  private readonly ending = new AbortController()
  private database: PostgresContainer | undefined
  private readonly env: Record<string, string>
  readonly crashes: Crash[] = []
  /** What the readiness probe heard when it turned last. */
  lastWord = ''

  constructor(
    private readonly spec: ContainerSpec,
    private readonly world: ContainerWorld,
  ) {
    this.env = localEnv(world.environment, world.place)
  }

  get name(): string {
    return this.spec.name
  }

  get isReady(): boolean {
    return this.state.kind === 'running' && this.state.isReady
  }

  /** It ended again and again: what people know as CrashLoopBackOff. */
  get isLooping(): boolean {
    return this.state.kind === 'pausing' && this.state.ms > 0
  }

  get pid(): number | undefined {
    return this.state.kind === 'running' ? this.state.process.pid : undefined
  }

  get lines(): readonly string[] {
    return this.state.kind === 'running' ? this.state.process.lines : (this.crashes.at(-1)?.lines ?? [])
  }

  /** Runs it, and again as often as it ends, until its policy or `end` says enough. Answers how it ended last. */
  async run(): Promise<ExitInfo> {
    for (let restarts = 0; ; restarts += 1) {
      const exit = await this.once()
      if (this.ending.signal.aborted || !this.isToRestart(exit)) return this.over(exit)
      const pauseMs = restartPauseMs(restarts)
      this.state = { kind: 'pausing', ms: pauseMs }
      this.world.onChange()
      await delay(pauseMs, undefined, { signal: this.ending.signal }).catch(() => {})
      if (this.ending.signal.aborted) return this.over(exit) // N2
    }
  }

  /** Before its end, then its end. */
  async end(): Promise<void> {
    const sinceMs = performance.now()
    this.ending.abort()
    const { state } = this
    if (state.kind !== 'running') return
    const { preStop } = this.spec.lifecycle ?? {}
    const { graceMs } = this.world
    if (preStop !== undefined) {
      const { signal } = state.stopAsking // aborted when it has exited by itself
      await Promise.race([act(preStop, this.actionPlace, graceMs, signal), state.process.exited])
    }
    await this.stopProcess(state.process, killAfterMs(graceMs, performance.now() - sinceMs))
  }

  /** As if the machine had taken it away. */
  strike(signal: NodeJS.Signals): void {
    if (this.state.kind !== 'running') return
    this.tell('struck', signal)
    this.state.process.signal(signal)
  }

  /** Nothing is left of it, whatever it was doing. */
  async discard(): Promise<void> {
    this.ending.abort()
    if (this.database !== undefined) return await this.database.remove()
    if (this.state.kind !== 'running') return
    this.state.process.signal('SIGKILL')
    await this.state.process.exited
  }

  private get actionPlace(): ActionPlace {
    return { place: this.world.place, env: this.env, ports: this.spec.ports }
  }

  private isToRestart({ code }: ExitInfo): boolean {
    const { restarts } = this.world
    return restarts === 'Always' || (restarts === 'OnFailure' && code !== 0)
  }

  private over(exit: ExitInfo): ExitInfo {
    this.state = { kind: 'over', exit }
    this.world.onChange()
    return exit
  }

  private async once(): Promise<ExitInfo> {
    const process = await this.start()
    if (this.ending.signal.aborted) process.signal('SIGKILL') // N2
    const stopAsking = new AbortController()
    this.state = { kind: 'running', process, isReady: false, stopAsking }
    this.tell('started')
    this.askAll(this.state)
    this.world.onChange()
    const exit = await process.exited
    stopAsking.abort()
    this.crashes.push({ exit, lines: process.lines.slice(-30) })
    this.state = { kind: 'waiting' }
    this.tell('exited', String(exit.signal ?? exit.code))
    this.world.onChange()
    return exit
  }

  private async start(): Promise<RunningContainer> {
    const { place, images, pod, user } = this.world
    const { image, command, args } = this.spec
    const words = (list: readonly string[] | undefined) =>
      list?.map((word) => expanded(word, this.world.environment))
    const program = programOf(image, { command: words(command), args: words(args) }, images, place)
    if (program.kind === 'process') return await startContainer({ name: pod, program, env: this.env, user })
    this.database = await (this.database?.again() ??
      startPostgresContainer({ address: place.address, env: this.env }))
    return this.database
  }

  private tell(change: ContainerChange, why?: string): void {
    const { tell, pod } = this.world
    tell({ kind: 'container', pod, container: this.name, change, ...(why === undefined ? {} : { why }) })
  }

  private async stopProcess(process: RunningContainer, withinMs: number): Promise<void> {
    this.tell('asked to end')
    process.signal('SIGTERM')
    const kill = setTimeout(() => {
      this.tell('killed')
      process.signal('SIGKILL')
    }, withinMs)
    await process.exited
    clearTimeout(kill)
  }

  private askAll(state: Extract<State, { kind: 'running' }>): void {
    const { startupProbe, readinessProbe } = this.spec
    const begin = (): void => {
      if (readinessProbe === undefined)
        this.turn(state, true) // N1
      else void this.ask('readiness', state, (isPassing, why) => this.turn(state, isPassing, why))
      void this.ask('liveness', state, (isPassing, why) => {
        if (!isPassing) void this.replace(state, why)
      })
    }
    if (startupProbe === undefined) return begin()
    void this.ask('startup', state, (isPassing, why) => {
      if (isPassing) begin()
      else void this.replace(state, why)
    })
  }

  private turn(state: Extract<State, { kind: 'running' }>, isReady: boolean, why = ''): void {
    if (state.isReady === isReady) return
    state.isReady = isReady
    this.lastWord = why
    this.world.onChange()
  }

  /** N3. */
  private async replace(
    { process, stopAsking }: Extract<State, { kind: 'running' }>,
    why: string,
  ): Promise<void> {
    if (this.ending.signal.aborted || stopAsking.signal.aborted) return
    this.tell('not alive', why)
    stopAsking.abort()
    await this.stopProcess(process, this.world.graceMs)
  }

  /** Asks on until the container ends. A pod on its way out is asked for its readiness only. */
  private async ask(
    kind: ProbeKind,
    { stopAsking: { signal } }: Extract<State, { kind: 'running' }>,
    onVerdict: (isPassing: boolean, why: string) => void,
  ): Promise<void> {
    const spec = this.spec[`${kind}Probe`]
    if (spec === undefined) return
    const rule = probeRuleOf(spec)
    const pause = async (ms: number): Promise<void> =>
      void (await delay(ms, undefined, { signal }).catch(() => {}))
    await pause(rule.initialDelayMs)
    let state = unasked(kind)
    for (
      let dueMs = performance.now();
      !signal.aborted;
      dueMs = Math.max(dueMs + rule.periodMs, performance.now())
    ) {
      await pause(Math.max(0, dueMs - performance.now()))
      if (signal.aborted || (kind !== 'readiness' && this.ending.signal.aborted)) return
      const { isSuccess, why } = await act(spec, this.actionPlace, rule.timeoutMs)
      if (signal.aborted) return
      const before = state
      state = afterAnswer(rule, state, isSuccess)
      const isFailed = state.last === false && state.run >= rule.failureThreshold
      if (state.isPassing !== before.isPassing || (kind === 'startup' && isFailed))
        onVerdict(state.isPassing, why)
      if (kind === 'startup' && (state.isPassing || isFailed)) return
    }
  }
}
