/** The bench's side of a child process: started from built JavaScript, asked over IPC, ended by its pid. */
import { spawn, type ChildProcess } from 'node:child_process'
import type { Answer, Question } from './remote.js'

export interface Child {
  readonly pid: number
  /** What it told when it was ready. */
  readonly details: Readonly<Record<string, unknown>>
  /** Rejects with the child's error, or when it has ended. */
  ask<T>(what: string, input?: unknown, timeoutMs?: number): Promise<T>
  end(): Promise<void>
}

export interface ChildOptions {
  file: string
  args?: readonly string[]
  execArgv?: readonly string[]
  env?: Readonly<Record<string, string>>
}

interface Asked {
  resolve(value: unknown): void
  reject(error: Error): void
}

const readyWithinMs = 30_000
const answerWithinMs = 120_000

/** Resolves when the child says that it is ready. */
export async function startChild({ file, args = [], execArgv = [], env = {} }: ChildOptions): Promise<Child> {
  const child = spawn(process.execPath, [...execArgv, file, ...args], {
    env: { ...process.env, NODE_OPTIONS: '', NATTER_SUPERVISED: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const killWithUs = (): void => void child.kill('SIGKILL')
  process.once('exit', killWithUs)
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      process.off('exit', killWithUs)
      resolve()
    })
  })
  const talk = new Conversation(child, file)
  try {
    const details = await talk.ready(readyWithinMs)
    return {
      pid: child.pid ?? -1,
      details,
      ask: <T>(what: string, input?: unknown, timeoutMs = answerWithinMs) =>
        talk.ask(what, input, timeoutMs) as Promise<T>,
      end: async () => {
        child.kill('SIGKILL')
        await exited
      },
    }
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
}

class Conversation {
  private readonly asked = new Map<number, Asked>()
  private readonly lastLines: string[] = []
  private onReady: Asked | undefined
  private ids = 0
  private gone: Error | undefined

  constructor(
    private readonly child: ChildProcess,
    private readonly name: string,
  ) {
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (text: Buffer) => {
        this.lastLines.push(text.toString())
        if (this.lastLines.length > 40) this.lastLines.shift()
      })
    child.on('message', (message: Answer | { type: string; details: Readonly<Record<string, unknown>> }) => {
      if ('type' in message) this.onReady?.resolve(message.details)
      else this.settle(message)
    })
    child.once('error', (error) => this.end(error))
    child.once('exit', (code, signal) => this.end(new Error(`exited with ${signal ?? code}`)))
  }

  async ready(timeoutMs: number): Promise<Readonly<Record<string, unknown>>> {
    const details = await this.within(timeoutMs, 'ready', (asked) => (this.onReady = asked))
    return details as Readonly<Record<string, unknown>>
  }

  ask(what: string, input: unknown, timeoutMs: number): Promise<unknown> {
    if (this.gone !== undefined) return Promise.reject(this.told(this.gone.message))
    this.ids += 1
    const id = this.ids
    const answer = this.within(timeoutMs, what, (asked) => this.asked.set(id, asked))
    this.child.send({ id, ask: what, with: input } satisfies Question)
    return answer.finally(() => this.asked.delete(id))
  }

  private within(timeoutMs: number, what: string, keep: (asked: Asked) => void): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(this.told(`no answer to ${what} within ${timeoutMs} ms`)),
        timeoutMs,
      )
      const settle = (): void => clearTimeout(timer)
      keep({
        resolve: (value) => (settle(), resolve(value)),
        reject: (error) => (settle(), reject(error)),
      })
    })
  }

  private settle(answer: Answer): void {
    const asked = this.asked.get(answer.id)
    if ('error' in answer) asked?.reject(this.told(answer.error))
    else asked?.resolve(answer.answer)
  }

  private end(error: Error): void {
    this.gone = error
    const told = this.told(error.message)
    this.onReady?.reject(told)
    for (const asked of this.asked.values()) asked.reject(told)
  }

  private told(why: string): Error {
    return new Error(`${this.name}: ${why}\n${this.lastLines.join('').slice(-3000)}`)
  }
}
