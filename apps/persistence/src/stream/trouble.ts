import { Backoff, NatterError, type Clock } from '@natter/primitives'

const backoffLimits = { baseMs: 200, maxMs: 5_000 }

export interface Failure {
  /** When to try again. */
  retryMs: number
  /** Since the first failure of this trouble. */
  lastedMs: number
  /** The first of its kind in this trouble. */
  isNew: boolean
}

/** Failures in a row: from the first one until something succeeded. What fails, fails in the same way a thousand times. */
export class Trouble {
  private readonly backoff = new Backoff(backoffLimits)
  private readonly kinds = new Set<string>()
  private sinceMs = 0
  private failures = 0

  constructor(private readonly clock: Clock) {}

  fail(error: unknown): Failure {
    const nowMs = this.clock.now()
    if (this.failures === 0) this.sinceMs = nowMs
    this.failures += 1
    const kind = kindOf(error)
    const isNew = !this.kinds.has(kind)
    this.kinds.add(kind)
    return { retryMs: this.backoff.next(), lastedMs: nowMs - this.sinceMs, isNew }
  }

  /** Something succeeded. What it ended, if there was trouble. */
  end(): { failures: number; seconds: number } | undefined {
    if (this.failures === 0) return undefined
    const ended = { failures: this.failures, seconds: (this.clock.now() - this.sinceMs) / 1_000 }
    this.backoff.reset()
    this.kinds.clear()
    this.failures = 0
    return ended
  }
}

const kindOf = (error: unknown): string =>
  error instanceof NatterError ? error.code : error instanceof Error ? error.name : typeof error
