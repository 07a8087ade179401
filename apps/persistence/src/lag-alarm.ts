import type { Clock, TypedEvents } from '@natter/primitives'
import type { PersistenceEvents } from './persistence.events.js'
import type { StreamStatus } from './stream/stream-archiver.js'

const tellEveryMs = 60_000

/**
 * Tells, once a minute, which streams wait for the archive for too long, and when they don't any more. Where the lag isn't known any
 * more, for want of a way to NATS, the matter is over without a word: nobody here knows whether the stream caught up.
 */
export class LagAlarm {
  private readonly behind = new Map<string, { sinceMs: number; toldMs: number }>()

  constructor(
    private readonly limitMs: number,
    private readonly clock: Clock,
    private readonly events: TypedEvents<PersistenceEvents>,
  ) {}

  look({ stream, isLagKnown, lagSeconds: seconds, lagMessages: messages }: StreamStatus): void {
    if (!isLagKnown) return void this.behind.delete(stream)
    const nowMs = this.clock.now()
    const known = this.behind.get(stream)
    if (seconds * 1_000 < this.limitMs) {
      if (known === undefined) return
      this.behind.delete(stream)
      this.events.emit('stream:caught-up', { stream, seconds: (nowMs - known.sinceMs) / 1_000 })
    } else if (known === undefined || nowMs - known.toldMs >= tellEveryMs) {
      this.behind.set(stream, { sinceMs: known?.sinceMs ?? nowMs, toldMs: nowMs })
      this.events.emit('stream:behind', { stream, seconds: Math.round(seconds), messages })
    }
  }
}
