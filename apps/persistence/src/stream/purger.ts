/**
 * Frees the space of what was carried over. Only in streams that refuse when they are full: the others forget by themselves.
 *
 * PU1. Nothing goes that isn't archived: all that is purged lies below the stored checkpoint, and the message at the checkpoint
 *      was read from the stream's leader right before and is still the one that the checkpoint was made from. A stream that was
 *      wiped or rolled back meanwhile doesn't have it.
 * PU2. The message at the checkpoint stays: it is what proves, at the next start, that the stream is the same.
 * PU3. Nothing younger than `hotForMs` goes, by the servers' clock as it stood in the messages.
 */
import type { Checkpoint } from '@natter/archive'
import type { Log, StreamState } from '@natter/broker'
import type { Clock } from '@natter/primitives'
import { isAt } from './verdict.js'

const everyMs = 10_000
/** Where a stream is this full, it is looked after each batch, but not more often than `hurriedMs`. */
const fullRatio = 0.75
const hurriedMs = 1_000

export type PurgeOutcome =
  | { is: 'idle' }
  | { is: 'purged'; before: number; messages: number }
  /** The message at the checkpoint is another one: whoever reads this stream must verify it anew. */
  | { is: 'doubtful' }

export interface PurgerParts {
  stream: string
  log: Log
  clock: Clock
  hotForMs: number
}

export class Purger {
  private lastMs = Number.NEGATIVE_INFINITY

  constructor(private readonly parts: PurgerParts) {}

  /** @param checkpoint As stored. @param state Read a moment ago. @throws UnavailableError when NATS is away. */
  async purge(checkpoint: Checkpoint, state: StreamState): Promise<PurgeOutcome> {
    if (state.onFull !== 'refuse' || !this.isDue(state)) return { is: 'idle' }
    this.lastMs = this.parts.clock.now()
    if (checkpoint.seq <= state.firstSeq) return { is: 'idle' }
    const before = await this.findBefore(state.firstSeq, checkpoint.seq) // PU2: `before` itself stays
    if (before <= state.firstSeq) return { is: 'idle' }
    const { stream, log } = this.parts
    if (!(await this.isSame(checkpoint, state))) return { is: 'doubtful' } // PU1
    return { is: 'purged', before, messages: await log.purge(stream, before) }
  }

  /** Somebody may have removed that one message: then the stream must be the one of that time, and go on behind it. */
  private async isSame(checkpoint: Checkpoint, seen: StreamState): Promise<boolean> {
    const { stream, log } = this.parts
    const state = await log.state(stream)
    const proof = await log.messageAt(stream, checkpoint.seq)
    if (proof !== undefined) return isAt(checkpoint, proof)
    return state.created === seen.created && state.lastSeq >= checkpoint.seq
  }

  private isDue({ bytes, maxBytes }: StreamState): boolean {
    const isFull = maxBytes > 0 && bytes >= maxBytes * fullRatio
    return this.parts.clock.now() - this.lastMs >= (isFull ? hurriedMs : everyMs)
  }

  /** The sequence of the first message that is too young, at most `limit`: found by halving, a probe each. */
  private async findBefore(first: number, limit: number): Promise<number> {
    const { hotForMs, clock } = this.parts
    if (hotForMs === 0) return limit
    const cutoffNs = BigInt(clock.now() - hotForMs) * 1_000_000n
    let [low, high] = [first, limit]
    for (let probe = first; low < high; probe = Math.floor((low + high) / 2)) {
      const found = await this.firstFrom(probe)
      const isOld = found !== undefined && found.seq < high && found.timeNs < cutoffNs
      if (isOld) low = found.seq + 1
      else high = probe
    }
    return low // PU3
  }

  private async firstFrom(from: number): Promise<{ seq: number; timeNs: bigint } | undefined> {
    const { messages } = await this.parts.log.readStream(this.parts.stream, { from, limit: 1, maxBytes: 1 })
    return messages[0]
  }
}
