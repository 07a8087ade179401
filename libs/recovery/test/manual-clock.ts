import type { Clock, Timer } from '@natter/primitives'

interface Pending {
  run: () => void
  atMs: number
}

/** Time that only the test moves. Timers can also be fired out of their order, as a busy node might. */
export class ManualClock implements Clock {
  private nowMs = 0
  private readonly pending: Pending[] = []

  now(): number {
    return this.nowMs
  }

  setTimer(run: () => void, ms: number): Timer {
    const timer = { run, atMs: this.nowMs + ms }
    this.pending.push(timer)
    return { cancel: () => void this.remove(timer) }
  }

  get count(): number {
    return this.pending.length
  }

  /** Fires what is due within `ms`, in order of time. */
  advance(ms: number): void {
    const untilMs = this.nowMs + ms
    for (;;) {
      const [next] = this.pending.filter(({ atMs }) => atMs <= untilMs).toSorted((a, b) => a.atMs - b.atMs)
      if (next === undefined) break
      this.nowMs = Math.max(this.nowMs, next.atMs)
      this.fire(this.pending.indexOf(next))
    }
    this.nowMs = untilMs
  }

  /** Fires the timer that was set as the `index`th of those that wait. */
  fire(index: number): void {
    const timer = this.pending[index]
    if (timer === undefined) return
    this.remove(timer)
    this.nowMs = Math.max(this.nowMs, timer.atMs)
    timer.run()
  }

  private remove(timer: Pending): void {
    const index = this.pending.indexOf(timer)
    if (index >= 0) this.pending.splice(index, 1)
  }
}
