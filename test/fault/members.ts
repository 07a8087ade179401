/** The processes of a run, each with its ways to be hurt. What is done to them is recorded. */
import { startProcess, type StartedProcess } from '@natter/testing'
import { setTimeout as delay } from 'node:timers/promises'
import type { Recorder } from './history.js'

export interface Member {
  readonly name: string
  /** Ends it with the signal and starts it again after a while; does nothing to what can't be started again. */
  restart(signal: 'SIGKILL' | 'SIGTERM', downMs: number): Promise<void>
  /** Stands still, then goes on. */
  pause(forMs: number): Promise<void>
}

export interface Program {
  name: string
  main: string
  env: Readonly<Record<string, string>>
  isUp(line: string): boolean
}

const bootTimeoutMs = 30_000
const keptLines = 2_000

/** What is done to it is done one after the other: it is never killed while it is started, nor paused while it is down. */
export class ProgramMember implements Member {
  readonly lines: string[] = []
  private child: StartedProcess | undefined
  private turn: Promise<unknown> = Promise.resolve()
  private isOver = false

  constructor(
    private readonly program: Program,
    private readonly recorder: Recorder,
  ) {}

  get name(): string {
    return this.program.name
  }

  async start(): Promise<void> {
    const { main, env, isUp, name } = this.program
    const child = await startProcess({ args: [main], env })
    this.child = child
    await child.waitForLine((line) => isUp(line), bootTimeoutMs)
    this.recorder.record({ kind: 'fault', target: name, action: 'up' })
  }

  restart(signal: 'SIGKILL' | 'SIGTERM', downMs: number): Promise<void> {
    return this.inTurn(async () => {
      this.recorder.record({
        kind: 'fault',
        target: this.name,
        action: signal === 'SIGKILL' ? 'kill' : 'stop',
      })
      await this.end(signal)
      await delay(downMs)
      if (!this.isOver) await this.start()
    })
  }

  pause(forMs: number): Promise<void> {
    return this.inTurn(async () => {
      const pid = this.child?.pid ?? -1
      this.recorder.record({ kind: 'fault', target: this.name, action: 'pause' })
      process.kill(pid, 'SIGSTOP')
      await delay(forMs)
      process.kill(pid, 'SIGCONT')
      this.recorder.record({ kind: 'fault', target: this.name, action: 'continue' })
    })
  }

  async stop(): Promise<void> {
    this.isOver = true
    await this.inTurn(() => this.end('SIGKILL'))
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this
    if (child === undefined) return
    this.child = undefined
    await child.kill(signal)
    this.lines.push(...child.lines.slice(-keptLines), `ended by ${signal}`)
  }

  private inTurn(act: () => Promise<void>): Promise<void> {
    const mine = this.turn.then(act)
    this.turn = mine.catch(() => {})
    return mine
  }
}

/** A server that is only ever paused: what it keeps is what the run is judged by. */
export function pausable(
  name: string,
  recorder: Recorder,
  signal: (signal: 'SIGSTOP' | 'SIGCONT') => Promise<void>,
): Member {
  return {
    name,
    restart: () => Promise.resolve(),
    async pause(forMs) {
      recorder.record({ kind: 'fault', target: name, action: 'pause' })
      await signal('SIGSTOP')
      await delay(forMs)
      await signal('SIGCONT')
      recorder.record({ kind: 'fault', target: name, action: 'continue' })
    },
  }
}
