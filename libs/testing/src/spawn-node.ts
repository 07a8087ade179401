/** Starts programs of this repository, from TypeScript source where they are that, and keeps what they print. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { track } from './running.js'

/** Whose process it is, where not ours: for programs that refuse to run as root. */
export interface ProcessOwner {
  uid?: number
  gid?: number
}

export interface StartProcessOptions extends ProcessOwner {
  /** Default: this Node. */
  command?: string
  args: readonly string[]
  env?: Readonly<Record<string, string | undefined>>
  cwd?: string
}

export interface ExitInfo {
  code: number | null
  signal: NodeJS.Signals | null
}

export interface StartedProcess {
  readonly pid: number
  /** Lines of stdout and stderr, in the order they came. */
  readonly lines: readonly string[]
  readonly exited: Promise<ExitInfo>
  /** The first line, past or coming, that fits; rejects when the process exits or the time is up first. */
  waitForLine(fits: (line: string) => boolean, timeoutMs?: number): Promise<string>
  /** Sends a signal (default SIGTERM) and waits for the exit. */
  kill(signal?: NodeJS.Signals): Promise<ExitInfo>
}

/** Arguments that run a TypeScript file: put the file and its arguments behind them. */
export const typescriptArgs: readonly string[] = [
  '--import',
  new URL('../../../tools/typescript.mjs', import.meta.url).href,
]

/** `args` starting with a `.ts` file run from source. The child dies with this process. */
export async function startProcess(options: StartProcessOptions): Promise<StartedProcess> {
  const isSource = options.command === undefined && options.args[0]?.endsWith('.ts') === true
  const args = isSource ? [...typescriptArgs, ...options.args] : options.args
  const command = options.command ?? process.execPath
  const child = spawn(command, args, {
    env: { ...process.env, NODE_OPTIONS: '', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  })
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', reject)
  })
  track(child, [command, ...options.args].join(' '))
  const exited = new Promise<ExitInfo>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  const output = new LineLog([child.stdout, child.stderr])
  return {
    pid: child.pid ?? -1,
    lines: output.lines,
    exited,
    waitForLine: (fits, timeoutMs = 15_000) => output.waitFor(fits, exited, timeoutMs),
    kill: (signal = 'SIGTERM') => {
      child.kill(signal)
      return exited
    },
  }
}

class LineLog {
  readonly lines: string[] = []
  private readonly listeners = new Set<(line: string) => void>()

  constructor(streams: readonly Readable[]) {
    for (const input of streams) createInterface({ input }).on('line', (line) => this.add(line))
  }

  async waitFor(
    fits: (line: string) => boolean,
    exited: Promise<ExitInfo>,
    timeoutMs: number,
  ): Promise<string> {
    const earlier = this.lines.find((line) => fits(line))
    if (earlier !== undefined) return earlier
    return await new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        this.listeners.delete(listen)
        clearTimeout(timer)
        act()
      }
      const listen = (line: string): void => {
        if (fits(line)) settle(() => resolve(line))
      }
      const fail = (why: string): void =>
        settle(() => reject(new Error(`${why}; it printed:\n${this.lines.slice(-30).join('\n')}`)))
      const timer = setTimeout(() => fail(`no such line within ${timeoutMs} ms`), timeoutMs)
      this.listeners.add(listen)
      void exited.then(({ code, signal }) => fail(`exited with ${signal ?? code} before such a line`))
    })
  }

  private add(line: string): void {
    this.lines.push(line)
    for (const listener of this.listeners) listener(line)
  }
}
