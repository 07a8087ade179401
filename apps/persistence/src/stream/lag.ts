import type { StreamMessage, StreamState } from '@natter/broker'

/** How far the archive of a stream is behind. Grows by itself while nobody archives. */
export class Lag {
  private waiting = 0
  private oldestMs: number | undefined
  private known = false

  /** Messages of the stream behind the checkpoint, as last seen. */
  get messages(): number {
    return this.waiting
  }

  /** False: somebody else sees to it, or may; then the rest is 0 and means nothing. */
  get isKnown(): boolean {
    return this.known
  }

  /** Age of the oldest of them; 0 = none waits. */
  seconds(nowMs: number): number {
    return this.oldestMs === undefined ? 0 : Math.max(0, nowMs - this.oldestMs) / 1_000
  }

  /** @param oldest The first message behind `seq`, or one that is older than it. */
  behind(seq: number, oldest: StreamMessage | undefined, state: StreamState): void {
    this.known = true
    this.waiting = Math.max(0, Math.min(state.lastSeq - seq, state.messages))
    this.oldestMs =
      oldest === undefined || this.waiting === 0 ? undefined : Number(oldest.timeNs / 1_000_000n)
  }

  /** Nothing waits. */
  none(): void {
    this.known = true
    this.waiting = 0
    this.oldestMs = undefined
  }

  forget(): void {
    this.none()
    this.known = false
  }
}
