/**
 * The end of a subscription that has one. [7.6] [12.9]
 *
 * E1. A client that refreshes it by a token has a while more for that; where whoever let it in says that it ends, it ends then.
 * E2. Where a hook answers `sub_refresh` for its namespace, that is asked at the end, whoever let it in, and its client knows of no end.
 *     What can't be asked is asked again, for as long as a token would have.
 */
import { ClientError } from '@natter/hooks'
import { Disconnects, Unsubscribes, type SubscribeResult } from '@natter/protocol'
import { appJson } from '../hooks/app-json.js'
import { callerOf } from '../hooks/caller.js'
import { explainDisconnect } from './command-error.js'
import type { Connection } from './connection.js'
import { endSubscription } from './end-subscription.js'
import { ttlOf } from './lifetime.js'
import type { Services } from './services.js'
import type { Subscription, Terms } from './subscription.js'

/** How soon a hook that couldn't be asked is asked again. */
const retryMs = 1_000

/** When its client has to refresh it; nothing where that is somebody else's. */
export function lifetimeOf(
  services: Pick<Services, 'clock' | 'hooks'>,
  subscription: Subscription,
): Pick<SubscribeResult, 'expires' | 'ttl'> {
  const { terms } = subscription
  if (terms?.isByToken !== true || isAsked(services, subscription)) return {}
  return ttlOf(terms.expiresAtMs, services.clock.now())
}

/** Lets it run until its present terms say. */
export function keepUntilEnd(services: Services, connection: Connection, subscription: Subscription): void {
  const { clock, options } = services
  const { isByToken, expiresAtMs } = subscription.terms ?? {}
  subscription.expiry?.cancel()
  subscription.expiry = undefined
  if (expiresAtMs === undefined) return
  const leftMs = Math.max(0, expiresAtMs - clock.now())
  if (isAsked(services, subscription)) return askIn(services, connection, subscription, leftMs) // E2
  const graceMs = isByToken === true ? options.client.expiredSubCloseDelayMs : 0 // E1
  const afterMs = Math.max(0, expiresAtMs + graceMs - clock.now())
  subscription.expiry = clock.setTimer(() => expire(services, connection, subscription), afterMs)
}

const isAsked = ({ hooks }: Pick<Services, 'hooks'>, { namespace }: Subscription): boolean =>
  hooks.isDemanded('sub_refresh', namespace.name)

function askIn(services: Services, connection: Connection, subscription: Subscription, ms: number): void {
  subscription.expiry = services.clock.setTimer(() => void ask(services, connection, subscription), ms)
}

async function ask(services: Services, connection: Connection, subscription: Subscription): Promise<void> {
  const { channel, namespace, terms } = subscription
  if (terms === undefined) return
  const isMine = (): boolean => subscription.state !== 'ended' && subscription.terms === terms
  try {
    if (!isAsked(services, subscription)) return keepUntilEnd(services, connection, subscription) // not any more
    const caller = callerOf(connection, services.options.name)
    const decision = await services.hooks.ask<'sub_refresh'>(
      { kind: 'sub_refresh', caller, namespace: namespace.name, channel },
      connection,
    )
    if (!isMine()) return
    const { expiresAtMs, infoJson } = decision
    if (expiresAtMs !== undefined && expiresAtMs <= services.clock.now())
      return expire(services, connection, subscription)
    subscription.admit(withEnd(terms, expiresAtMs), appJson(infoJson, 'infoJson'))
    keepUntilEnd(services, connection, subscription)
  } catch (error) {
    if (!isMine()) return
    if (error instanceof ClientError && error.temporary)
      return askAgain(services, connection, subscription, terms)
    const disconnect = explainDisconnect(error)
    if (disconnect === undefined) expire(services, connection, subscription)
    else connection.disconnect(disconnect)
  }
}

function askAgain(
  services: Services,
  connection: Connection,
  subscription: Subscription,
  { expiresAtMs = 0 }: Terms,
): void {
  const leftMs = expiresAtMs + services.options.client.expiredSubCloseDelayMs - services.clock.now()
  if (leftMs <= 0) return expire(services, connection, subscription)
  askIn(services, connection, subscription, Math.min(retryMs, leftMs))
}

function withEnd(terms: Terms, expiresAtMs: number | undefined): Terms {
  const { expiresAtMs: _, ...lasting } = terms
  return expiresAtMs === undefined ? lasting : { ...lasting, expiresAtMs }
}

/** [7.6] Its client subscribes again, and whoever let it in is asked again; one that the server made comes back with its connection. */
function expire(services: Services, connection: Connection, subscription: Subscription): void {
  if (subscription.isServerSide) return connection.disconnect(Disconnects.subscriptionExpired)
  const { subscriptionExpired } = Unsubscribes
  endSubscription(services, connection, subscription, subscriptionExpired)
  connection.push({ channel: subscription.channel, unsubscribe: subscriptionExpired })
}
