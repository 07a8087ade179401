/**
 * Subscriptions that a token allows. [12.2]
 *
 * U1. A token is for one user and one channel (and one connection, where it says so): whoever shows another's is closed.
 * U2. It is judged while the hub knows the subscription: what an unsubscribe or a close ends meanwhile stays ended.
 * U3. One that is taken back is like one that has expired; what comes later finds the subscription, also where that isn't in yet.
 */
import type { SubscriptionClaims, TokenVerdict } from '@natter/auth'
import { Disconnects, Errors, type SubscribeRequest } from '@natter/protocol'
import { CommandDisconnect, CommandError } from '../command-error.js'
import type { Connection } from '../connection.js'
import { ttlOf } from '../lifetime.js'
import type { Services } from '../services.js'
import type { Subscription } from '../subscription.js'
import { keepUntilEnd } from '../subscription-end.js'
import { claimedTerms, demandReadable, overrideBy } from '../subscription-terms.js'
import { lastTurn } from '../turns.js'
import { demandGood, judge as judgeRevoked } from '../../revocation/enforcement.js'
import { isUnsupported } from '../unsupported.js'
import { questionOf } from './question.js'

/**
 * Lets a pending subscription in as its token says.
 *
 * @throws CommandError 103 the token isn't ours; 109 it has expired; 110 the subscription has; 100 nobody can tell now.
 * @throws CommandDisconnect 3500 it is for somebody or something else; 3506 its data can't be told to this client.
 */
export async function admitByToken(
  services: Services,
  connection: Connection,
  subscription: Subscription,
  request: SubscribeRequest,
): Promise<void> {
  const { clock } = services
  const verdict = await judge(services, request.token ?? '')
  if (!subscription.isWanted) return // U2
  if (verdict.outcome !== 'valid') throw new CommandError(refusals[verdict.outcome])
  const { claims } = verdict
  demandOwn(connection, subscription.channel, claims)
  if (isPast(claims, clock.now())) throw new CommandError(Errors.expired)
  demandReadable(connection, claims)
  services.revocations.demandRead()
  demandGood(services, { ...claims, isByToken: true }, 'subscribe') // U3
  subscription.admit(claimedTerms(claims, false, claims.expiresAtMs), claims.info)
  const question = questionOf(services, connection, request.channel)
  overrideBy(claims.override, subscription, question, request)
}

async function judge(
  { verifier, events }: Services,
  token: string,
): Promise<TokenVerdict<SubscriptionClaims>> {
  const verdict = await verifier.verifySubscription(token)
  if (verdict.outcome === 'invalid')
    events.emit('token:invalid', { kind: 'subscription', reason: verdict.reason })
  return verdict
}

const refusals = {
  invalid: Errors.permissionDenied,
  expired: Errors.tokenExpired,
  unavailable: Errors.internal,
} as const

/** By what it may be taken back, where it says that. */
function originOf({
  tokenId,
  issuedAtMs,
}: SubscriptionClaims): Pick<SubscriptionClaims, 'tokenId' | 'issuedAtMs'> {
  return {
    ...(tokenId === undefined ? {} : { tokenId }),
    ...(issuedAtMs === undefined ? {} : { issuedAtMs }),
  }
}

/** U1. */
function demandOwn(connection: Connection, channel: string, claims: SubscriptionClaims): void {
  const isForIt = claims.client === undefined || claims.client === connection.id
  if (claims.channel === channel && claims.user === connection.user && isForIt) return
  throw new CommandDisconnect(Disconnects.invalidToken)
}

const isPast = ({ expiresAtMs }: SubscriptionClaims, nowMs: number): boolean =>
  expiresAtMs !== undefined && expiresAtMs <= nowMs

/**
 * `sub_refresh` [9.14]: a new token for a subscription that a token allowed, before the old one ends. A subscribe that is under way is
 * waited for.
 */
export async function subRefreshCommand(
  services: Services,
  connection: Connection,
  id: number,
  { channel, token = '', type }: { channel: string; token?: string; type?: number },
): Promise<void> {
  const { hub, clock } = services
  const last = lastTurn(hub.subscription(connection, channel))
  if (last?.isJoining === true) await last.settled
  if (!connection.isConnected) return
  if (isUnsupported(services, 'sub_refresh', type)) throw new CommandError(Errors.notAvailable)
  const subscription = hub.subscription(connection, channel)
  if (subscription === undefined) throw new CommandError(Errors.permissionDenied)
  if (token === '') throw new CommandError(Errors.badRequest)
  if (subscription.terms?.isByToken !== true || subscription.isServerSide)
    throw new CommandError(Errors.notAvailable) // it is kept by whoever let it in
  const verdict = await judge(services, token)
  if (subscription.state === 'ended') throw new CommandError(Errors.permissionDenied)
  if (verdict.outcome === 'unavailable') throw new CommandError(Errors.internal)
  if (verdict.outcome === 'invalid') throw new CommandDisconnect(Disconnects.invalidToken)
  if (verdict.outcome === 'expired' || isPast(verdict.claims, clock.now()))
    throw new CommandError(Errors.expired)
  const { claims } = verdict
  demandOwn(connection, channel, claims)
  services.revocations.demandRead()
  if (judgeRevoked(services, { ...claims, isByToken: true }, 'refresh') !== 'good')
    throw new CommandError(Errors.expired) // U3
  const { data } = subscription.terms
  const { allow } = claims
  const kept = {
    ...(data === undefined ? {} : { data }),
    ...(allow === undefined ? {} : { allow }),
    ...originOf(claims),
  }
  subscription.admit(claimedTerms(kept, false, claims.expiresAtMs), claims.info)
  if (subscription.isPresent) keepUntilEnd(services, connection, subscription)
  connection.reply({ id, sub_refresh: ttlOf(claims.expiresAtMs, clock.now()) })
}
