/**
 * A clock that moves only when told to.
 *
 * K1. Timers fire in the order of their times, those of one time in the order they were set.
 * K2. A timer set while others fire takes part in the same `advance` if it falls within it; one of 0 ms never fires at once.
 * K3. While a timer runs, `now` is the time it was set for.
 */
import type { Clock, Timer } from '@natter/primitives'

interface Pending {
  atMs: number
  order: number
  run: () => void
}

export class ManualClock implements Clock {
  private order = 0
  private readonly pending = new Set<Pending>()

  constructor(private nowMs = 1_700_000_000_000) {}

  now(): number {
    return this.nowMs
  }

  setTimer(run: () => void, ms: number): Timer {
    this.order += 1
    const timer: Pending = { atMs: this.nowMs + Math.max(0, ms), order: this.order, run }
    this.pending.add(timer)
    return { cancel: () => void this.pending.delete(timer) }
  }

  /** Timers set and neither fired nor cancelled. */
  get pendingTimers(): number {
    return this.pending.size
  }

  /** Moves time forward and fires what falls due. */
  advance(ms: number): void {
    const until = this.nowMs + ms
    for (let next = this.nextDue(until); next !== undefined; next = this.nextDue(until)) {
      this.pending.delete(next)
      this.nowMs = next.atMs // K3
      next.run()
    }
    this.nowMs = until
  }

  /** The same, letting promises settle between the timers. */
  async advanceAsync(ms: number): Promise<void> {
    const until = this.nowMs + ms
    await settle()
    for (let next = this.nextDue(until); next !== undefined; next = this.nextDue(until)) {
      this.pending.delete(next)
      this.nowMs = next.atMs
      next.run()
      await settle()
    }
    this.nowMs = until
  }

  private nextDue(until: number): Pending | undefined {
    let first: Pending | undefined
    for (const timer of this.pending) {
      if (timer.atMs <= until && (first === undefined || isBefore(timer, first))) first = timer // K1
    }
    return first
  }
}

const isBefore = (a: Pending, b: Pending): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)

const settle = (): Promise<void> => new Promise(setImmediate)
