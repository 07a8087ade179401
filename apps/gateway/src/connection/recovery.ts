/**
 * What a subscription recovers, and how the reply says it. [7.4] [7.5]
 *
 * Y1. `stream`: all above the client's position, or nothing and `recovered: false`.
 * Y2. `cache`: the channel is its newest publication. The way in is the same, from just below it, or from it where the client has it:
 *     so nothing that comes meanwhile is lost or doubled; of what is found the newest alone is shown.
 * Y3. A filter leaves out what is shown, not what is covered: where all was left out, the position is told as the offset.
 */
import type { SubscribeRequest, SubscribeResult } from '@natter/protocol'
import type { CatchUpReply, CatchUpRequest } from '@natter/recovery'
import type { DurableChannel } from '../channels/durable-channel.js'
import type { NodeMessage } from '../channels/node-message.js'
import type { CatchUps } from './catch-ups.js'
import type { Connection } from './connection.js'
import { shownTo } from './shown.js'
import type { Subscription } from './subscription.js'

export type Asked = Pick<SubscribeRequest, 'recover' | 'epoch' | 'offset'>

export type Recovery =
  /** Nobody asked, or the namespace doesn't. */
  | { readonly kind: 'none' }
  /** From a position of another numbering. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'stream'; readonly from: number }
  | { readonly kind: 'cache'; readonly from: number }

/** Whether the client is told that it was recovering: it asked, or need not ask. */
export const wasRecovering = ({ namespace, features }: Subscription, asked: Asked): boolean =>
  asked.recover === true || (namespace.recoversUnasked && features.recoverable)

/** @throws UnavailableError when the channel can't be read now. */
export async function planRecovery(
  channel: DurableChannel,
  subscription: Subscription,
  asked: Asked,
): Promise<Recovery> {
  const { namespace, features } = subscription
  if (!wasRecovering(subscription, asked) || !features.recoverable) return { kind: 'none' }
  const isOurs = asked.recover === true && [undefined, '', channel.epoch].includes(asked.epoch)
  const newest = namespace.recoveryMode === 'cache' ? await newestOf(channel) : undefined
  if (newest !== undefined) {
    const isHeld = asked.recover === true && asked.epoch === channel.epoch && asked.offset === newest
    return { kind: 'cache', from: isHeld ? newest : newest - 1 }
  }
  if (isOurs) return { kind: 'stream', from: asked.offset ?? 0 }
  return { kind: asked.recover === true ? 'lost' : 'none' }
}

/** Undefined: the channel has none. What comes meanwhile is above it, and found on the way in (Y2). */
async function newestOf(channel: DurableChannel): Promise<number | undefined> {
  await channel.whenLive()
  const [held] = channel.ring.newest(1, channel.last) ?? []
  if (held !== undefined) return held.seq
  const { newest } = await channel.tops()
  return newest === 0 ? undefined : newest
}

export function requestOf(
  catchUps: CatchUps,
  { namespace }: Subscription,
  recovery: Recovery,
): CatchUpRequest {
  switch (recovery.kind) {
    case 'none':
    case 'lost':
      return catchUps.request(namespace, undefined)
    case 'stream':
      return catchUps.request(namespace, recovery.from)
    case 'cache':
      return catchUps.newestRequest(namespace, recovery.from)
  }
}

/** What the reply says of what was found. */
export function recoveredResult(
  connection: Connection,
  subscription: Subscription,
  recovery: Recovery,
  { messages, offset }: Pick<CatchUpReply<NodeMessage>, 'messages' | 'offset'>,
): Required<Pick<SubscribeResult, 'recovered' | 'publications' | 'offset'>> {
  const covered = messages.at(-1)?.seq ?? offset
  const missed = recovery.kind === 'cache' ? messages.slice(-1) : messages // Y2
  const publications = shownTo(
    connection,
    subscription,
    missed.map(({ publication }) => publication),
  )
  const isWalked = recovery.kind === 'stream' && publications.length === messages.length
  return { recovered: true, publications, offset: isWalked ? offset : covered } // Y3
}
