import { fork, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { Backoff, messageOf, TypedEvents, type Clock, type Timer } from '@natter/primitives'
import type { Program } from './program.js'

/**
 * One child that is kept running: started, watched until it says that it is ready, started again when it dies, stopped.
 *
 * P1. A child that dies is started again after a growing wait; the wait starts small again only after a child that was ready
 *     for `steadyMs`, or one that dies at each first request would be restarted at the floor forever.
 * P2. What it needs comes first: while one of `needs` isn't ready, it waits for that instead of failing.
 * P3. After `stop` nothing starts again. A child that doesn't end on SIGTERM in time is killed.
 * P4. A child stands outside the terminal's foreground group: Ctrl-C reaches the supervisor alone, which stops in order. Each
 *     child ends by itself when its IPC channel closes, so it can't outlive us either.
 * P5. A child has ended when it has exited and its last words were read. They are waited for `lastWordsMs` and no longer: a
 *     server that a killed guard has left behind holds the same output for as long as it runs.
 * P6. Where `beforeStart` fails (a full disk), nothing is started: its error is a line of this child's, and the child counts as one
 *     that ended before it was ready.
 */
export interface ProcessSpec {
  name: string
  program: Program
  cwd: string
  env: NodeJS.ProcessEnv
  readyTimeoutMs: number
  stopTimeoutMs: number
  needs?: readonly ManagedProcess[]
  /** Runs before each start, e.g. to end what an earlier one left behind. Its error keeps the child from starting (P6). */
  beforeStart?: () => Promise<void>
}

export interface ProcessEvents {
  'process:starting': { pid: number }
  'process:ready': { pid: number; tookMs: number }
  'process:late': { waitedMs: number }
  /** A child that could not even be started has pid 0. */
  'process:exit': { pid: number; how: string; wasReady: boolean; wasWanted: boolean }
  'process:restart': { inMs: number }
  'process:line': { line: string; stream: 'stdout' | 'stderr' }
}

type State =
  | { is: 'idle' }
  | { is: 'waiting'; timer: Timer }
  | { is: 'blocked'; unsubscribe: () => void }
  | { is: 'preparing' }
  | { is: 'starting'; child: ChildProcess; startedAtMs: number; timer: Timer; isReloadAsked: boolean }
  | { is: 'ready'; child: ChildProcess; readyAtMs: number }
  | { is: 'stopping'; child: ChildProcess; timer: Timer; thenStart: boolean }
  | { is: 'stopped' }

const steadyMs = 30_000
const lastLinesKept = 20
const lastWordsMs = 1000

export class ManagedProcess {
  readonly events: TypedEvents<ProcessEvents>
  private state: State = { is: 'idle' }
  private readonly backoff = new Backoff({ baseMs: 1000, maxMs: 15_000 })
  private readonly lastLines: string[] = []

  constructor(
    private readonly spec: ProcessSpec,
    private readonly clock: Clock,
    onListenerError: (error: unknown) => void = () => {},
  ) {
    this.events = new TypedEvents(onListenerError)
  }

  get name(): string {
    return this.spec.name
  }

  get isReady(): boolean {
    return this.state.is === 'ready'
  }

  get pid(): number | undefined {
    return 'child' in this.state ? this.state.child.pid : undefined
  }

  /** What it said last, for the report of a failed start. */
  get tail(): readonly string[] {
    return this.lastLines
  }

  start(): void {
    if (this.state.is === 'idle') this.launch()
  }

  /** Ends this child and starts the next one at once, without a wait: the code changed, nothing failed. */
  restart(): void {
    this.backoff.reset()
    const { state } = this
    if (state.is === 'stopped' || state.is === 'preparing' || state.is === 'blocked') return
    if (state.is === 'stopping') state.thenStart = true
    else if (state.is === 'starting' || state.is === 'ready') this.end(state.child, true)
    else {
      this.leave()
      this.launch()
    }
  }

  /** Resolves when the child has ended, P3. */
  stop(): Promise<void> {
    const { state } = this
    if (state.is === 'stopping') state.thenStart = false
    else if (state.is === 'starting' || state.is === 'ready') this.end(state.child, false)
    else {
      this.leave()
      this.state = { is: 'stopped' }
      return Promise.resolve()
    }
    return new Promise((resolve) => {
      const off = this.events.on('process:exit', () => {
        off()
        resolve()
      })
    })
  }

  /** Asks the child to read its configuration again (SIGHUP); one that is starting is asked once it is ready. */
  reload(): void {
    const { state } = this
    if (state.is === 'ready') state.child.kill('SIGHUP')
    else if (state.is === 'starting') state.isReloadAsked = true
  }

  /** Kills the child if there is one: for a second Ctrl-C. */
  kill(): void {
    if ('child' in this.state) this.state.child.kill('SIGKILL')
  }

  private launch(): void {
    const { needs = [], beforeStart } = this.spec
    const missing = needs.find(({ isReady }) => !isReady)
    if (missing !== undefined) {
      const unsubscribe = missing.events.on('process:ready', () => {
        unsubscribe()
        this.launch()
      })
      this.state = { is: 'blocked', unsubscribe } // P2
      return
    }
    if (beforeStart === undefined) return this.spawn()
    const preparing: State = { is: 'preparing' }
    this.state = preparing
    beforeStart().then(
      () => {
        if (this.state === preparing) this.spawn()
      },
      (error: unknown) => {
        if (this.state === preparing) this.onUnprepared(error)
      },
    )
  }

  /** P6 */
  private onUnprepared(error: unknown): void {
    const why = messageOf(error)
    this.onLine(`can't be prepared to start: ${why}`, 'stderr')
    this.state = { is: 'idle' }
    this.events.emit('process:exit', {
      pid: 0,
      how: 'its start could not be prepared',
      wasReady: false,
      wasWanted: false,
    })
    if (this.state.is === 'idle') this.launchLater()
  }

  private spawn(): void {
    const { program, cwd, env, readyTimeoutMs } = this.spec
    const child = fork(program.file, program.args ?? [], {
      cwd,
      env,
      execArgv: [...program.execArgv],
      detached: true, // P4
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const timer = this.clock.setTimer(() => {
      this.events.emit('process:late', { waitedMs: readyTimeoutMs })
      child.kill('SIGKILL')
    }, readyTimeoutMs)
    this.state = { is: 'starting', child, startedAtMs: this.clock.now(), timer, isReloadAsked: false }
    this.listen(child)
    if (child.pid !== undefined) this.events.emit('process:starting', { pid: child.pid })
  }

  private listen(child: ChildProcess): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const input = child[stream]
      if (input !== null) createInterface({ input }).on('line', (line) => this.onLine(line, stream))
    }
    child.on('message', (message) => {
      if (isReadyMessage(message)) this.onReady(child)
    })
    this.awaitEnd(child)
  }

  /** P5 */
  private awaitEnd(child: ChildProcess): void {
    let ended = false
    let late: Timer | undefined
    const onEnd = (how: string) => {
      if (ended) return
      ended = true
      late?.cancel()
      this.onExit(child, how)
    }
    child.once('error', (error) => onEnd(error.message))
    child.once('exit', (code, signal) => {
      late = this.clock.setTimer(() => onEnd(wayOf(code, signal)), lastWordsMs)
    })
    child.once('close', (code, signal) => onEnd(wayOf(code, signal)))
  }

  private onLine(line: string, stream: 'stdout' | 'stderr'): void {
    this.lastLines.push(line)
    if (this.lastLines.length > lastLinesKept) this.lastLines.shift()
    this.events.emit('process:line', { line, stream })
  }

  private onReady(child: ChildProcess): void {
    const { state } = this
    if (state.is !== 'starting' || state.child !== child) return
    state.timer.cancel()
    const now = this.clock.now()
    this.state = { is: 'ready', child, readyAtMs: now }
    if (state.isReloadAsked) this.reload()
    this.events.emit('process:ready', { pid: child.pid ?? 0, tookMs: now - state.startedAtMs })
  }

  private onExit(child: ChildProcess, how: string): void {
    const { state } = this
    if (!('child' in state) || state.child !== child) return
    this.leave()
    const wasReady = state.is === 'ready'
    const wasWanted = state.is === 'stopping'
    if (state.is === 'ready' && this.clock.now() - state.readyAtMs >= steadyMs) this.backoff.reset() // P1
    this.state = wasWanted && !state.thenStart ? { is: 'stopped' } : { is: 'idle' }
    this.events.emit('process:exit', { pid: child.pid ?? 0, how, wasReady, wasWanted })
    if (this.state.is !== 'idle') return
    if (wasWanted) this.launch()
    else this.launchLater()
  }

  private launchLater(): void {
    const inMs = this.backoff.next()
    this.state = { is: 'waiting', timer: this.clock.setTimer(() => this.launch(), inMs) } // P1
    this.events.emit('process:restart', { inMs })
  }

  private end(child: ChildProcess, thenStart: boolean): void {
    this.leave()
    const timer = this.clock.setTimer(() => child.kill('SIGKILL'), this.spec.stopTimeoutMs) // P3
    this.state = { is: 'stopping', child, timer, thenStart }
    child.kill('SIGTERM')
  }

  /** Gives back what the state owned. */
  private leave(): void {
    const { state } = this
    if ('timer' in state) state.timer.cancel()
    if (state.is === 'blocked') state.unsubscribe()
  }
}

const wayOf = (code: number | null, signal: NodeJS.Signals | null) =>
  signal === null ? `exit code ${code}` : `signal ${signal}`

function isReadyMessage(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'ready'
}
