/**
 * Time that moves when it is told to.
 *
 * T1. Timers fire in the order of their times, those of one time in the order they were set; `now` is then the time they were set for.
 * T2. A timer set while others fire takes part in the same `advance` if it falls within it; one of 0 ms never fires at once.
 */
import type { Clock, Timer } from '@natter/primitives'

interface Waiting {
  readonly atMs: number
  readonly run: () => void
}

export class ToldClock implements Clock {
  /** In the order they were set. */
  private readonly waiting = new Set<Waiting>()

  /** @param nowMs Milliseconds since 1970. */
  constructor(private nowMs: number) {}

  now(): number {
    return this.nowMs
  }

  setTimer(run: () => void, ms: number): Timer {
    const timer: Waiting = { atMs: this.nowMs + Math.max(0, ms), run }
    this.waiting.add(timer)
    return { cancel: () => void this.waiting.delete(timer) }
  }

  /** Moves time on. `settle` runs before the first timer and after each, so that what a timer began is done before the next. */
  async advance(ms: number, settle: () => Promise<unknown>): Promise<void> {
    const untilMs = this.nowMs + ms
    await settle()
    for (let next = this.nextBy(untilMs); next !== undefined; next = this.nextBy(untilMs)) {
      this.waiting.delete(next)
      this.nowMs = Math.max(this.nowMs, next.atMs) // T1
      next.run()
      await settle()
    }
    this.nowMs = untilMs
  }

  private nextBy(untilMs: number): Waiting | undefined {
    let first: Waiting | undefined
    for (const timer of this.waiting)
      if (timer.atMs <= untilMs && (first === undefined || timer.atMs < first.atMs)) first = timer
    return first
  }
}
