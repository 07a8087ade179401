/**
 * Asks a page as a kubelet asks it, for tests of what a process says of itself.
 *
 * K1. One question at a time, one each period; a period that passes while a question waits for its answer is left out.
 * K2. A question is a GET on a connection of its own. 200 to 399 within the timeout is a success, all else is a failure.
 * K3. The verdict turns after so many of the other kind in a row, as `failureThreshold` and `successThreshold` say.
 */
import { request } from 'node:http'

export interface ProbeOptions {
  readonly periodMs: number
  readonly timeoutMs: number
  /** Failures in a row before it counts. Default 1. */
  readonly failureThreshold?: number
  /** Successes in a row before they count. Default 1. */
  readonly successThreshold?: number
  /** The verdict before the first answer, as a kubelet has it: true for liveness, false for readiness. Default false. */
  readonly isPassingAtFirst?: boolean
}

export interface ProbeAnswer {
  /** Of this process's clock (`performance.now`). */
  readonly askedAtMs: number
  readonly tookMs: number
  /** Undefined: no answer in time, or none at all. */
  readonly status: number | undefined
  /** What the page said, or why there was nothing. */
  readonly text: string
}

export interface Probe {
  readonly isPassing: boolean
  /** All of them, in their order. */
  readonly answers: readonly ProbeAnswer[]
  /** Resolves with the last answer as soon as the verdict is this one; rejects after `timeoutMs` (default 15,000). */
  until(isPassing: boolean, timeoutMs?: number): Promise<ProbeAnswer | undefined>
  /** Resolves with the answer to the next question that is asked from now on. */
  next(): Promise<ProbeAnswer>
  stop(): void
}

/** Begins at once. End it with `stop`, or the process goes on for it. */
export function probe(url: string, options: ProbeOptions): Probe {
  return new RunningProbe(url, options)
}

/** One question. Never rejects. */
export function askOnce(url: string, timeoutMs: number): Promise<ProbeAnswer> {
  const askedAtMs = performance.now()
  return new Promise((resolve) => {
    const answer = (status: number | undefined, text: string): void => {
      clearTimeout(timer)
      resolve({ askedAtMs, tookMs: performance.now() - askedAtMs, status, text })
      asking.destroy()
    }
    const asking = request(url, { agent: false, headers: { connection: 'close' } }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => (text += part))
      response.on('end', () => answer(response.statusCode, text))
      response.on('error', (error) => answer(undefined, error.message))
    })
    const timer = setTimeout(() => answer(undefined, `no answer within ${timeoutMs} ms`), timeoutMs)
    asking.on('error', (error) => answer(undefined, error.message))
    asking.end()
  })
}

class RunningProbe implements Probe {
  readonly answers: ProbeAnswer[] = []
  isPassing: boolean
  private inARow = 0
  private isAsking = false
  private isStopped = false
  private readonly timer: NodeJS.Timeout
  private readonly looking = new Set<() => void>()

  constructor(
    private readonly url: string,
    private readonly options: ProbeOptions,
  ) {
    this.isPassing = options.isPassingAtFirst ?? false
    this.timer = setInterval(() => void this.ask(), options.periodMs)
    void this.ask()
  }

  until(isPassing: boolean, timeoutMs = 15_000): Promise<ProbeAnswer | undefined> {
    const wanted = isPassing ? 'pass' : 'fail'
    return this.look(
      () => this.isPassing === isPassing,
      () => this.answers.at(-1),
      timeoutMs,
      `did not ${wanted}`,
    )
  }

  next(): Promise<ProbeAnswer> {
    const fromMs = performance.now()
    const found = (): ProbeAnswer | undefined => this.answers.find(({ askedAtMs }) => askedAtMs >= fromMs)
    const { periodMs, timeoutMs } = this.options
    const longestMs = 2 * periodMs + 2 * timeoutMs + 5_000
    return this.look(
      () => found() !== undefined,
      () => found() as ProbeAnswer,
      longestMs,
      'asked nothing',
    )
  }

  stop(): void {
    this.isStopped = true
    clearInterval(this.timer)
  }

  private async ask(): Promise<void> {
    if (this.isAsking) return // K1
    this.isAsking = true
    const answer = await askOnce(this.url, this.options.timeoutMs)
    this.isAsking = false
    if (this.isStopped) return
    this.answers.push(answer)
    this.judge(answer.status !== undefined && answer.status >= 200 && answer.status < 400) // K2
    for (const look of this.looking) look()
  }

  /** K3 */
  private judge(isSuccess: boolean): void {
    if (isSuccess === this.isPassing) {
      this.inARow = 0
      return
    }
    this.inARow += 1
    const { failureThreshold = 1, successThreshold = 1 } = this.options
    if (this.inARow < (isSuccess ? successThreshold : failureThreshold)) return
    this.isPassing = isSuccess
    this.inARow = 0
  }

  private look<T>(isSo: () => boolean, result: () => T, timeoutMs: number, what: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer)
        this.looking.delete(look)
        act()
      }
      const look = (): void => {
        if (isSo()) settle(() => resolve(result()))
      }
      const last = (): string => JSON.stringify(this.answers.slice(-3))
      const timer = setTimeout(
        () =>
          settle(() =>
            reject(new Error(`${this.url} ${what} within ${timeoutMs} ms; last answers: ${last()}`)),
          ),
        timeoutMs,
      )
      this.looking.add(look)
      look()
    })
  }
}
