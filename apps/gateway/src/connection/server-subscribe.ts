/** Subscriptions that the server makes and ends while a client is connected: what an app may ask for at any time. [11] */
import { Errors, type ErrorCode, type SubscribePush } from '@natter/protocol'
import { catchUp } from '@natter/recovery'
import type { NodeMessage } from '../channels/node-message.js'
import type { SubscriptionGift } from '../hooks/hooks.js'
import { inTime } from './command-deadline.js'
import { CommandError } from './command-error.js'
import { give } from './connect-subscriptions.js'
import type { Connection } from './connection.js'
import { endSubscription } from './end-subscription.js'
import { connectionClosed, type Leaving } from './facts.js'
import type { Services } from './services.js'
import type { Subscription } from './subscription.js'
import { enter } from './subscription-terms.js'
import type { DurableChannel } from '../channels/durable-channel.js'

/**
 * Subscribes a connected client: it is told by a push, before anything of the channel. `already`: it is subscribed, or about to be, in
 * whatever way; nothing changes. `left`: it isn't connected (any more), or the subscription was ended before it was in.
 *
 * @throws CommandError 106 it has too many channels.
 * @throws BrokenAnswerError the channel can't be one here, or the options aren't JSON.
 * @throws UnavailableError not subscribed: the channel could not be read in time.
 */
export async function serverSubscribe(
  services: Services,
  connection: Connection,
  channel: string,
  options: SubscriptionGift = {},
): Promise<'subscribed' | 'already' | 'left'> {
  const { hub, channels, clock } = services
  const { identity } = connection
  if (identity === undefined) return 'left'
  if (hub.subscription(connection, channel) !== undefined) return 'already'
  if (hub.channelCountOf(connection) >= services.options.client.maxChannels)
    throw new CommandError(Errors.limitExceeded)
  const subscription = give(services, { identity, client: connection.id }, channel, options)
  hub.subscribe(connection, channel, subscription)
  try {
    await inTime(clock, async () => {
      const written = services.facts.subscribing(connection, subscription)
      if (written !== undefined) await written
      if (!subscription.isWanted) return
      const open = channels.acquire(channel, subscription.namespace)
      if (open.isDurable) await joinDurable(connection, subscription, open, services)
      else await joinLive(services, connection, subscription, open)
    })
  } catch (error) {
    endSubscription(services, connection, subscription, connectionClosed)
    throw error
  }
  if (!subscription.isWanted) return 'left'
  enter(services, connection, subscription)
  return 'subscribed'
}

/**
 * Ends a subscription, whoever made it; the client is told why. From 2500 on its SDK subscribes again. One that isn't in yet is ended
 * too: its command is answered with `unanswered`. False when there was none.
 */
export function serverUnsubscribe(
  services: Services,
  connection: Connection,
  channel: string,
  why: Leaving,
  unanswered: ErrorCode = Errors.permissionDenied,
): boolean {
  const subscription = services.hub.subscription(connection, channel)
  if (subscription === undefined) return false
  const { state, commandId } = subscription
  endSubscription(services, connection, subscription, why)
  if (state !== 'pending') connection.push({ channel, unsubscribe: { code: why.code, reason: why.reason } })
  else if (commandId !== 0) connection.reply({ id: commandId, error: unanswered })
  return true
}

async function joinLive(
  services: Services,
  connection: Connection,
  subscription: Subscription,
  open: { whenLive(): Promise<void> },
): Promise<void> {
  await open.whenLive()
  if (!subscription.isWanted) return
  tell(connection, subscription, {})
  services.audience.join(connection, subscription)
}

/** One step, unlike with a connect: the push is written and the topic joined in one turn. */
async function joinDurable(
  connection: Connection,
  subscription: Subscription,
  open: DurableChannel,
  services: Services,
): Promise<void> {
  const { recoverable, positioned } = subscription.features
  const request = services.catchUps.request(subscription.namespace, undefined)
  await catchUp<NodeMessage>(
    open,
    {
      isWanted: () => subscription.isWanted && connection.socket.isOpen,
      reply: () =>
        tell(connection, subscription, {
          ...(recoverable ? { recoverable } : {}),
          ...(positioned ? { positioned, epoch: open.epoch, offset: open.last } : {}),
        }),
      page: () => Promise.resolve(),
      join: () => services.audience.join(connection, subscription),
    },
    request,
  )
}

function tell(connection: Connection, subscription: Subscription, subscribe: SubscribePush): void {
  const data = subscription.terms?.data
  subscription.replied()
  connection.push({
    channel: subscription.channel,
    subscribe: data === undefined ? subscribe : { ...subscribe, data },
  })
}
