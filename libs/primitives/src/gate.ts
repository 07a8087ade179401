import { UnavailableError } from './errors.js'

/**
 * Lets at most `width` tasks run at once; the others wait in line, first come first served.
 *
 * A task that throws frees its place. Who is not wanted any more when its turn comes is passed over, so the line is never
 * longer than what is wanted and what came since.
 */
export class Gate {
  private running = 0
  private readonly line: (() => void)[] = []

  constructor(private readonly width: number) {}

  get isIdle(): boolean {
    return this.running === 0
  }

  get waiting(): number {
    return this.line.length
  }

  /** @throws UnavailableError `not-wanted` when its turn came too late. */
  async run<T>(task: () => Promise<T>, isWanted: () => boolean = () => true): Promise<T> {
    if (this.running >= this.width) await new Promise<void>((resolve) => this.line.push(resolve))
    else this.running += 1
    try {
      if (!isWanted()) throw new UnavailableError('not-wanted', 'Nobody waits for this any more.')
      return await task()
    } finally {
      const next = this.line.shift()
      if (next === undefined) this.running -= 1
      else next() // the place is handed over, so `running` stays
    }
  }
}
