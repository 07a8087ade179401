import { UnavailableError, type Clock, type Timer } from '@natter/primitives'

interface Waiter {
  resolve(): void
  reject(error: Error): void
  timer: Timer
}

/**
 * Who waits for a channel to become live. Each wait is bounded: SDKs give up on a command after 5 s, so the gateway
 * answers before that.
 */
export class Waiters {
  /** Only while somebody waits: a node has many channels that are live. */
  private waiting: Set<Waiter> | undefined

  constructor(
    private readonly clock: Clock,
    private readonly timeoutMs: number,
  ) {}

  get count(): number {
    return this.waiting?.size ?? 0
  }

  wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        resolve,
        reject,
        timer: this.clock.setTimer(() => {
          this.waiting?.delete(waiter)
          reject(
            new UnavailableError('channel-not-ready', 'The channel could not be read in time. Try again.'),
          )
        }, this.timeoutMs),
      }
      this.waiting ??= new Set()
      this.waiting.add(waiter)
    })
  }

  /** Lets all go on. */
  release(): void {
    for (const waiter of this.take()) waiter.resolve()
  }

  /** The channel is closed. */
  refuse(): void {
    const error = new UnavailableError('channel-closed', 'The channel was closed. Try again.')
    for (const waiter of this.take()) waiter.reject(error)
  }

  private take(): Iterable<Waiter> {
    const { waiting = [] } = this
    this.waiting = undefined
    for (const waiter of waiting) waiter.timer.cancel()
    return waiting
  }
}
