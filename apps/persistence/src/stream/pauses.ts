import type { Clock } from '@natter/primitives'

/** Sleeps that can be cut short: all at once when there is something to do, and for good at the end. */
export class Pauses {
  private readonly enders = new Set<() => void>()
  private isOver = false

  constructor(private readonly clock: Clock) {}

  get isStopped(): boolean {
    return this.isOver
  }

  /** Resolves after `ms`, on `wake`, or at once after `stop`. */
  sleep(ms: number): Promise<void> {
    if (this.isOver) return Promise.resolve()
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel()
        this.enders.delete(end)
        resolve()
      }
      const timer = this.clock.setTimer(end, ms)
      this.enders.add(end)
    })
  }

  wake(): void {
    for (const end of this.enders) end()
  }

  stop(): void {
    this.isOver = true
    this.wake()
  }
}
