import { grantFeatures, maySubscribe, type Features, type Namespace } from '@natter/auth'
import { Errors, validateChannelName, type SubscribeRequest } from '@natter/protocol'
import type { EphemeralChannel } from '../../channels/ephemeral-channel.js'
import { joinLeaveTopic, publicationTopic } from '../../channels/topics.js'
import { clientInfoOf } from '../client-info.js'
import { commandTimeoutMs } from '../command-deadline.js'
import { CommandError } from '../command-error.js'
import type { Connection } from '../connection.js'
import { endSubscription } from '../end-subscription.js'
import type { Services } from '../services.js'
import { Subscription } from '../subscription.js'
import { joinDurable } from './join-durable.js'
import { demand, questionOf } from './question.js'

/** `subscribe` [7]: checks, then the way into the channel. From the check on the hub knows it. */
export async function subscribeCommand(
  services: Services,
  connection: Connection,
  id: number,
  request: SubscribeRequest,
): Promise<void> {
  const before = services.hub.subscription(connection, request.channel)
  if (before?.isLeaving === true) await before.settled // the unsubscribe before this one goes first
  if (!connection.isConnected) return
  const { features, namespace } = check(services, connection, request)
  const subscription = new Subscription(request.channel, namespace, clientInfoOf(connection), features)
  services.hub.subscribe(connection, request.channel, subscription)
  const late = services.clock.setTimer(() => giveUp(services, connection, subscription, id), commandTimeoutMs)
  try {
    const channel = services.channels.acquire(request.channel, namespace)
    if (channel.isDurable) await joinDurable(services, { id, request, connection, subscription, channel })
    else await joinEphemeral(channel, connection, subscription, id, request)
    if (subscription.isWanted) join(services, connection, subscription)
  } catch (error) {
    if (!subscription.isWanted) return // whoever ended it has answered
    endSubscription(services, connection, subscription)
    throw error
  } finally {
    late.cancel()
  }
}

async function joinEphemeral(
  channel: EphemeralChannel,
  connection: Connection,
  subscription: Subscription,
  id: number,
  request: SubscribeRequest,
): Promise<void> {
  await channel.whenLive()
  if (!subscription.isWanted) return
  connection.reply({ id, subscribe: request.recover === true ? { was_recovering: true } : {} })
  connection.socket.join(publicationTopic(subscription.channel))
}

/** Nothing was replied in time: the answer is "try again", and what is still on its way finds nobody. */
function giveUp(services: Services, connection: Connection, subscription: Subscription, id: number): void {
  if (subscription.state !== 'pending') return
  endSubscription(services, connection, subscription)
  connection.reply({ id, error: Errors.internal })
}

/** The checks of [7.2], in its order. */
function check(
  services: Services,
  connection: Connection,
  request: SubscribeRequest,
): { features: Features; namespace: Namespace } {
  const { hub, options } = services
  const tooLong = validateChannelName(request.channel, { allowNonAscii: true })
  if (tooLong !== undefined) throw new CommandError(tooLong)
  if (hub.subscription(connection, request.channel) !== undefined)
    throw new CommandError(Errors.alreadySubscribed)
  if (hub.channelCountOf(connection) >= options.client.maxChannels)
    throw new CommandError(Errors.limitExceeded)
  const question = questionOf(services, connection, request.channel)
  const namespace = demand(maySubscribe, question)
  if ((request.type ?? 0) !== 0) throw new CommandError(Errors.notAvailable)
  if (request.hasTagsFilter === true) throw new CommandError(Errors.badRequest)
  return { namespace, features: grantFeatures(question, request) }
}

/** It is in: others may be told, and it may be told of others; itself included, which SDKs rely on. [10] */
function join(services: Services, connection: Connection, subscription: Subscription): void {
  subscription.joined()
  if (subscription.features.pushesJoinLeave) connection.socket.join(joinLeaveTopic(subscription.channel))
  services.presence.joined(subscription)
}
