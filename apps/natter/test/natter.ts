/** Lines of the command line, run in this process: what they print and how they end. */
import { PassThrough } from 'node:stream'
import { runLine } from '../src/commands/run-line.js'
import type { Terminal } from '../src/cli/terminal.js'

export interface Ran {
  code: number
  out: string
  err: string
}

export interface RunOptions {
  env?: Record<string, string>
  cwd?: string
  stdin?: string
}

/** A folder without anything of ours in it: no file of settings, no mesh. */
const nowhere = '/nonexistent'

/** A command that goes on: what it has printed until now, and its end. */
export class Running {
  out = ''
  err = ''
  readonly ended: Promise<number>
  private terminal: Terminal | undefined
  private readonly looking = new Set<() => void>()

  constructor(line: readonly string[], { env = {}, cwd = nowhere, stdin = '' }: RunOptions = {}) {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()]
    const gather = (stream: PassThrough, add: (text: string) => void): void => {
      stream.setEncoding('utf8').on('data', (text: string) => {
        add(text)
        for (const look of this.looking) look()
      })
    }
    gather(stdout, (text) => (this.out += text))
    gather(stderr, (text) => (this.err += text))
    const parts = { env, cwd, workingFolder: cwd, stdout, stderr, readStdin: () => Promise.resolve(stdin) }
    const code = runLine(line, parts, (terminal) => (this.terminal = terminal))
    this.ended = code.then(async (answer) => {
      await new Promise((done) => setImmediate(done)) // the streams hand on what is left
      return answer
    })
  }

  /** As Ctrl-C does. */
  end(): Promise<number> {
    this.terminal?.end()
    return this.ended
  }

  /** Resolves once what was printed fits. */
  async prints(fits: (running: Running) => boolean, timeoutMs = 10_000): Promise<void> {
    if (fits(this)) return
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.looking.delete(look)
        reject(new Error(`not printed within ${timeoutMs} ms; there is:\n${this.out}\n${this.err}`))
      }, timeoutMs)
      const look = (): void => {
        if (!fits(this)) return
        clearTimeout(timer)
        this.looking.delete(look)
        resolve()
      }
      this.looking.add(look)
    })
  }
}

export async function natter(line: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const running = new Running(line, options)
  const code = await running.ended
  return { code, out: running.out, err: running.err }
}
