import type { LogMessage } from './message.js'

export interface RingLimits {
  maxCount: number
  maxBytes: number
}

/**
 * The last messages of one channel, bounded in count and bytes.
 *
 * R1. Every message of the channel with `floor < seq ≤ last` is in it, in ascending order; nothing is known of what lies
 *     at or below `floor`.
 * R2. `count ≤ maxCount`, and `bytes ≤ maxBytes` unless there is one message alone.
 */
export class Ring<M extends LogMessage> {
  private messages: M[] = []
  private head = 0
  private heldBytes = 0
  private covered = 0

  constructor(private readonly limits: RingLimits) {}

  /** Completeness begins above this sequence. */
  get floor(): number {
    return this.covered
  }

  get count(): number {
    return this.messages.length - this.head
  }

  get bytes(): number {
    return this.heldBytes
  }

  /** Forgets everything; from now on the ring is complete above `position`. */
  startAt(position: number): void {
    this.messages = []
    this.head = 0
    this.heldBytes = 0
    this.covered = position
  }

  /** Adds the next message of the channel. */
  push(message: M): void {
    this.messages.push(message)
    this.heldBytes += message.bytes
    while (this.count > this.limits.maxCount || (this.heldBytes > this.limits.maxBytes && this.count > 1))
      this.drop() // R2
    if (this.head > 64 && this.head * 2 > this.messages.length) this.compact()
  }

  /** The messages above `position`, or undefined when the ring can't prove that it has them all (R1). */
  after(position: number): M[] | undefined {
    if (position < this.covered) return undefined
    return this.messages.slice(this.indexAbove(position))
  }

  /** The newest `count` messages with `seq ≤ upTo`, descending, or undefined when that reaches below the floor. */
  newest(count: number, upTo: number): M[] | undefined {
    const end = this.indexAbove(upTo)
    if (end - this.head < count) return undefined
    return this.messages.slice(end - count, end).toReversed()
  }

  /** The stamp of a sequence that is held. */
  stampOf(seq: number): bigint | undefined {
    const message = this.messages[this.indexAbove(seq - 1)]
    return message?.seq === seq ? message.timeNs : undefined
  }

  private drop(): void {
    const oldest = this.messages[this.head]
    if (oldest === undefined) return
    this.head += 1
    this.heldBytes -= oldest.bytes
    this.covered = oldest.seq
  }

  private compact(): void {
    this.messages = this.messages.slice(this.head)
    this.head = 0
  }

  private indexAbove(position: number): number {
    let low = this.head
    let high = this.messages.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.messages[middle]?.seq ?? 0) <= position) low = middle + 1
      else high = middle
    }
    return low
  }
}
