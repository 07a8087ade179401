/**
 * Whether the stream is still the one that the checkpoint was made from. Pure.
 *
 * V1. A stream is the same only while the very message at the checkpoint says so: same time, same bytes. Sequences prove nothing,
 *     because a stream that lost its end hands the same ones out again.
 * V2. Where that message is gone in an orderly way (evicted, purged) there is nothing to compare, and the epoch stands.
 */
import type { Checkpoint } from '@natter/archive'
import type { StreamMessage, StreamState } from '@natter/broker'
import { createHash } from 'node:crypto'

/**
 * `first`: nothing of the stream was ever archived. `same`: it goes on. `unproven`: it goes on, and the message to compare is
 * gone. `other-epoch`: another numbering. `rolled-back`: the newest messages were lost.
 */
export type Verdict = 'first' | 'same' | 'unproven' | 'other-epoch' | 'rolled-back'

/**
 * @param checkpoint The stored one; if the stream is back in an epoch that was closed before, the last one of that epoch.
 * @param found The message that the stream has there now.
 * @param state Must have been read before `found`.
 */
export function judge(
  epoch: string,
  checkpoint: Checkpoint | undefined,
  found: StreamMessage | undefined,
  state: StreamState,
): Verdict {
  if (checkpoint === undefined) return 'first'
  if (checkpoint.epoch !== epoch) return 'other-epoch'
  if (checkpoint.seq === 0) return 'same'
  if (found !== undefined) return isAt(checkpoint, found) ? 'same' : 'rolled-back' // V1
  return state.lastSeq < checkpoint.seq ? 'rolled-back' : 'unproven' // V2
}

/** Whether this is the message that the checkpoint was made from. */
export function isAt(checkpoint: Checkpoint, message: StreamMessage): boolean {
  return (
    message.seq === checkpoint.seq &&
    message.timeNs === checkpoint.timeNs &&
    digestOf(message.body) === checkpoint.digest
  )
}

export function digestOf(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex')
}
