/**
 * Lets kept publications that come close behind one another leave in one write to each subscriber.
 *
 * A stream puts a burst out in several writes, often half a millisecond apart. A turn of the loop in which something arrived costs a
 * write to every subscriber, and a write costs as much as a hundred more publications in it. So what many wait for waits a moment
 * itself for what may follow; what few wait for leaves at once, and so does what comes alone.
 *
 * G1. Order is kept: behind one that waits everything waits, whatever its channel.
 * G2. What waits is bounded: `maxCount` messages, and `forMs` unless the loop is late.
 * G3. It waits before the gap rule, as if it were still on its way: `last` has not moved, so joining and recovery know nothing of it.
 * G4. A forgotten channel gets nothing of what waited: it belongs to a numbering, or to a life, that is over.
 * G5. Nothing waits for what isn't to be expected: only behind another one, or where the burst before was more than one.
 */
import type { Route } from '@natter/broker'
import type { Clock, Timer } from '@natter/primitives'
import type { NodeMessage } from './node-message.js'

export interface GatherOptions {
  /** From so many subscribers of this node on a publication waits. */
  fromSubscribers: number
  forMs: number
  maxCount: number
}

/** A write to 200 sockets takes longer than the wait; the transport writes after 32 publications anyhow. */
export const defaultGatherOptions: GatherOptions = { fromSubscribers: 200, forMs: 1, maxCount: 32 }

/** Who the messages are for. */
export interface GatherTarget {
  readonly name: string
  readonly route: Route
  arrived(message: NodeMessage): void
}

export interface GatherOwner {
  subscriberCount(channel: string): number
  /** What a target threw: it must not cost the others their messages. */
  failed(target: GatherTarget, error: unknown): void
}

/** Further apart than this, publications are of two bursts. */
const burstGapMs = 2

export class Gather {
  private burst = 0
  private burstBefore = 0
  private lastAtMs = Number.NEGATIVE_INFINITY
  private waiting: { target: GatherTarget; message: NodeMessage }[] = []
  private timer: Timer | undefined

  constructor(
    private readonly owner: GatherOwner,
    private readonly clock: Clock,
    private readonly options: GatherOptions,
  ) {}

  /** What the target throws is the caller's if the message doesn't wait. */
  take(target: GatherTarget, message: NodeMessage): void {
    const { fromSubscribers, forMs, maxCount } = this.options
    const isFirst = this.waiting.length === 0
    if (isFirst && this.owner.subscriberCount(target.name) < fromSubscribers) return target.arrived(message)
    this.count()
    if (isFirst && this.burst === 1 && this.burstBefore < 2) return target.arrived(message) // G5
    this.waiting.push({ target, message }) // G1
    if (this.waiting.length >= maxCount)
      this.handOn() // G2
    else this.timer ??= this.clock.setTimer(this.handOn, forMs)
  }

  private count(): void {
    const now = this.clock.now()
    if (now - this.lastAtMs > burstGapMs) {
      this.burstBefore = this.burst
      this.burst = 0
    }
    this.burst += 1
    this.lastAtMs = now
  }

  /** G4. */
  forget(target: GatherTarget): void {
    this.waiting = this.waiting.filter((one) => one.target !== target)
  }

  stop(): void {
    this.timer?.cancel()
    this.timer = undefined
    this.waiting = []
  }

  private readonly handOn = (): void => {
    const { waiting } = this
    this.stop()
    for (const { target, message } of waiting) {
      try {
        target.arrived(message)
      } catch (error) {
        this.owner.failed(target, error)
      }
    }
  }
}
