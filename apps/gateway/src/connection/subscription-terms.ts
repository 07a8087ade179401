import type { ClaimedSubscription } from '@natter/auth'
import { Grant, type SubscriptionOptions } from '@natter/hooks'
import { Disconnects, isJson, Unsubscribes, type SubscribeResult } from '@natter/protocol'
import { appJson } from '../hooks/app-json.js'
import { CommandDisconnect } from './command-error.js'
import type { Connection } from './connection.js'
import { endSubscription } from './end-subscription.js'
import { ttlOf } from './lifetime.js'
import type { Services } from './services.js'
import type { Subscription, Terms } from './subscription.js'

/** @throws BrokenAnswerError when its data isn't JSON. */
export function termsOf(options: SubscriptionOptions, isServerSide: boolean, nowMs: number): Terms {
  const { dataJson, grant, expiresAtMs } = options
  const data = appJson(dataJson, 'dataJson')
  return {
    isServerSide,
    ...(data === undefined ? {} : { data }),
    ...(grant === undefined ? {} : { grant: new Grant(grant, nowMs) }),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
  }
}

/** The same of what a token says. */
export function claimedTerms(
  { data, tokenId, issuedAtMs }: ClaimedSubscription & Pick<Terms, 'tokenId' | 'issuedAtMs'>,
  isServerSide: boolean,
  expiresAtMs?: number,
): Terms {
  return {
    isServerSide,
    isByToken: true,
    ...(data === undefined ? {} : { data }),
    ...(tokenId === undefined ? {} : { tokenId }),
    ...(issuedAtMs === undefined ? {} : { issuedAtMs }),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
  }
}

/** @throws CommandDisconnect 3506 a token has data for its client that its encoding can't carry. */
export function demandReadable(connection: Connection, { data }: ClaimedSubscription): void {
  if (connection.wire.codec.encoding !== 'json' || data === undefined || isJson(data)) return
  throw new CommandDisconnect(Disconnects.inappropriateProtocol)
}

/** When its client has to refresh it; nothing where that is somebody else's. [7.6] */
export function lifetimeOf(
  { clock }: Pick<Services, 'clock'>,
  { terms }: Subscription,
): Pick<SubscribeResult, 'expires' | 'ttl'> {
  return terms?.isByToken === true ? ttlOf(terms.expiresAtMs, clock.now()) : {}
}

/** It is in: others may be told, and it may be told of others; itself included, which SDKs rely on. [10] */
export function enter(services: Services, connection: Connection, subscription: Subscription): void {
  subscription.joined()
  if (subscription.features.pushesJoinLeave) services.audience.joinJoinLeave(connection, subscription)
  services.presence.joined(subscription)
  services.facts.entered(subscription)
  keepUntilEnd(services, connection, subscription)
}

/** Lets it run until its present terms say; a client that has to refresh it has a while more for that. [7.6] */
export function keepUntilEnd(services: Services, connection: Connection, subscription: Subscription): void {
  const { clock, options } = services
  const { isByToken, expiresAtMs } = subscription.terms ?? {}
  subscription.expiry?.cancel()
  subscription.expiry = undefined
  if (expiresAtMs === undefined) return
  const graceMs = isByToken === true ? options.client.expiredSubCloseDelayMs : 0
  const leftMs = Math.max(0, expiresAtMs + graceMs - clock.now())
  subscription.expiry = clock.setTimer(() => expire(services, connection, subscription), leftMs)
}

/** [7.6] Its client subscribes again, and whoever let it in is asked again; one that the server made comes back with its connection. */
function expire(services: Services, connection: Connection, subscription: Subscription): void {
  if (subscription.isServerSide) return connection.disconnect(Disconnects.subscriptionExpired)
  const { subscriptionExpired } = Unsubscribes
  endSubscription(services, connection, subscription, subscriptionExpired)
  connection.push({ channel: subscription.channel, unsubscribe: subscriptionExpired })
}
