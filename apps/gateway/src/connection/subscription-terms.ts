import {
  grantFeatures,
  overrideNamespace,
  shareVerbs,
  type ClaimedSubscription,
  type Question,
  type SubscriptionOverride,
} from '@natter/auth'
import { Grant } from '@natter/hooks'
import { Disconnects, isJson, type SubscribeRequest } from '@natter/protocol'
import { appJson } from '../hooks/app-json.js'
import type { SubscriptionGift } from '../hooks/hooks.js'
import { choiceOf } from './choice-of.js'
import { CommandDisconnect } from './command-error.js'
import type { Connection } from './connection.js'
import type { Services } from './services.js'
import { keepUntilEnd } from './subscription-end.js'
import type { Subscription, Terms } from './subscription.js'

/** @throws BrokenAnswerError when its data isn't JSON. */
export function termsOf(options: SubscriptionGift, isServerSide: boolean, nowMs: number): Terms {
  const { dataJson, grant, expiresAtMs } = options
  const allow = options.allow && shareVerbs(options.allow)
  const data = options.data ?? appJson(dataJson, 'dataJson')
  return {
    isServerSide,
    ...(data === undefined ? {} : { data }),
    ...(grant === undefined ? {} : { grant: new Grant(grant, nowMs) }),
    ...(allow === undefined ? {} : { allow }),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
  }
}

/** The same of what a token says. */
export function claimedTerms(
  { data, allow, tokenId, issuedAtMs }: ClaimedSubscription & Pick<Terms, 'tokenId' | 'issuedAtMs'>,
  isServerSide: boolean,
  expiresAtMs?: number,
): Terms {
  return {
    isServerSide,
    isByToken: true,
    ...(data === undefined ? {} : { data }),
    ...(allow === undefined ? {} : { allow }),
    ...(tokenId === undefined ? {} : { tokenId }),
    ...(issuedAtMs === undefined ? {} : { issuedAtMs }),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
  }
}

/**
 * Where who let it in said so, a pending subscription has its own view of its namespace or rights of its own, and the features that follow
 * from these.
 */
export function overrideBy(
  override: SubscriptionOverride | undefined,
  subscription: Subscription,
  question: Question,
  request: SubscribeRequest,
): void {
  const allowed = subscription.terms?.allow
  if (override === undefined && allowed === undefined) return
  const namespace = overrideNamespace(subscription.namespace, override)
  const features = grantFeatures({ ...question, namespace, allowed }, request)
  subscription.override(namespace, features, choiceOf(namespace, features, request))
}

/** @throws CommandDisconnect 3506 a token has data for its client that its encoding can't carry. */
export function demandReadable(connection: Connection, { data }: ClaimedSubscription): void {
  if (connection.wire.codec.encoding !== 'json' || data === undefined || isJson(data)) return
  throw new CommandDisconnect(Disconnects.inappropriateProtocol)
}

/** It is in: others may be told, and it may be told of others; itself included, which SDKs rely on. [10] */
export function enter(services: Services, connection: Connection, subscription: Subscription): void {
  subscription.joined()
  if (subscription.features.pushesJoinLeave) services.audience.joinJoinLeave(connection, subscription)
  services.presence.joined(subscription)
  services.facts.entered(subscription)
  keepUntilEnd(services, connection, subscription)
}
