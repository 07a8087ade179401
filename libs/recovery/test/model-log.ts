import type { LogMessage } from '../src/index.js'

/** A channel's messages in a stream that also holds those of other channels: sequences grow, with gaps. */
export class ModelLog {
  readonly messages: LogMessage[] = []
  /** The stream's newest sequence, of whatever channel. */
  top = 0
  /** The oldest sequence kept. */
  firstSeq = 1

  /** Stores the channel's next message after `others` messages of other channels. */
  append(others = 0, bytes = 10): LogMessage {
    const seq = this.top + others + 1
    const message = { seq, prev: this.messages.at(-1)?.seq ?? 0, timeNs: BigInt(seq) * 1_000n, bytes }
    this.messages.push(message)
    this.top = seq
    return message
  }

  /** Messages of other channels at the end of the stream. */
  pad(others: number): void {
    this.top += others
  }

  /** The stream forgets what is older. */
  evictBelow(seq: number): void {
    this.firstSeq = Math.max(this.firstSeq, seq)
  }

  /** Every message ever stored with `after < seq ≤ upTo`, evicted or not: what should have been seen. */
  seqs(after: number, upTo = Infinity): number[] {
    return this.messages.filter(({ seq }) => seq > after && seq <= upTo).map(({ seq }) => seq)
  }

  /** What a read finds, as a log tells it: in order, without `prev`. `lag`: a replica that misses the newest messages. */
  kept(after: number, upTo: number, lag = 0): LogMessage[] {
    return this.messages
      .slice(0, Math.max(0, this.messages.length - lag))
      .filter(({ seq }) => seq > after && seq <= upTo && seq >= this.firstSeq)
      .map(({ seq, timeNs, bytes }) => ({ seq, prev: 0, timeNs, bytes }))
  }

  /** The channel's newest sequence as a replica knows it that misses the newest `lag` messages; 0 = none. */
  newest(lag = 0): number {
    return this.kept(0, Infinity, lag).at(-1)?.seq ?? 0
  }

  /** Up to where that replica has the stream. */
  topOf(lag: number): number {
    return lag === 0 ? this.top : (this.messages.at(-1 - lag)?.seq ?? 0)
  }

  /** Where a channel is opened that looks at that replica. */
  position(lag = 0): number {
    return this.newest(lag) || this.topOf(lag)
  }
}
