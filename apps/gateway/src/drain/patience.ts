/**
 * How long the steps of an end may be waited for: they share one deadline, and somebody may hurry them.
 *
 * PT1. Nothing is waited for past the deadline, whatever a step asked for.
 * PT2. Hurried, pauses are over at once, and the deadline is `hurriedMs` away at the most: the process has a second.
 * PT3. No timer and no listener is left behind by a wait that is over.
 */
import type { Clock, Timer } from '@natter/primitives'

const hurriedMs = 700

export class Patience {
  private endMs: number

  /** @param deadlineMs From now. @param hurry Aborts when somebody is out of patience. */
  constructor(
    private readonly clock: Clock,
    deadlineMs: number,
    private readonly hurry: AbortSignal,
  ) {
    this.endMs = clock.now() + deadlineMs
    if (hurry.aborted) this.shorten()
    else hurry.addEventListener('abort', () => this.shorten(), { once: true }) // the first listener: waits see it done
  }

  get isHurried(): boolean {
    return this.hurry.aborted
  }

  get leftMs(): number {
    return Math.max(0, this.endMs - this.clock.now())
  }

  /** For the sake of others; over at once when hurried. */
  pause(ms: number): Promise<void> {
    const waitMs = Math.min(ms, this.leftMs)
    if (waitMs <= 0 || this.isHurried) return Promise.resolve()
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel()
        this.hurry.removeEventListener('abort', end)
        resolve()
      }
      const timer = this.clock.setTimer(end, waitMs)
      this.hurry.addEventListener('abort', end)
    })
  }

  /** Until the work is done, at most `ms` and what is left; then the work goes on alone. @throws what the work throws in time. */
  within(ms: number, work: Promise<unknown>): Promise<void> {
    const latestMs = this.clock.now() + ms
    return new Promise((resolve, reject) => {
      let timer: Timer | undefined
      const end = (): void => {
        timer?.cancel()
        this.hurry.removeEventListener('abort', restart)
        resolve()
      }
      const restart = (): void => {
        timer?.cancel()
        timer = this.clock.setTimer(end, Math.max(0, Math.min(latestMs, this.endMs) - this.clock.now()))
      }
      this.hurry.addEventListener('abort', restart) // PT2
      restart()
      work.then(end, (error: unknown) => {
        reject(error instanceof Error ? error : new Error(String(error)))
        end()
      })
    })
  }

  private shorten(): void {
    this.endMs = Math.min(this.endMs, this.clock.now() + hurriedMs) // PT2
  }
}
