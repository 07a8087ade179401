import { Grant, type SubscriptionOptions } from '@natter/hooks'
import { Disconnects, Unsubscribes } from '@natter/protocol'
import { appJson } from '../hooks/app-json.js'
import type { Connection } from './connection.js'
import { endSubscription } from './end-subscription.js'
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

/** It is in: others may be told, and it may be told of others; itself included, which SDKs rely on. [10] */
export function enter(services: Services, connection: Connection, subscription: Subscription): void {
  subscription.joined()
  if (subscription.features.pushesJoinLeave) services.audience.joinJoinLeave(connection, subscription)
  services.presence.joined(subscription)
  services.facts.entered(subscription)
  const { expiresAtMs } = subscription.terms ?? {}
  if (expiresAtMs === undefined) return
  const leftMs = Math.max(0, expiresAtMs - services.clock.now())
  subscription.expiry = services.clock.setTimer(() => expire(services, connection, subscription), leftMs)
}

/** [7.6] Its client subscribes again, and the app is asked again; one that the server made comes back with its connection. */
function expire(services: Services, connection: Connection, subscription: Subscription): void {
  if (subscription.isServerSide) return connection.disconnect(Disconnects.subscriptionExpired)
  const { subscriptionExpired } = Unsubscribes
  endSubscription(services, connection, subscription, subscriptionExpired)
  connection.push({ channel: subscription.channel, unsubscribe: subscriptionExpired })
}
