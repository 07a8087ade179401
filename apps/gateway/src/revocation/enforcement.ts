/** What a verdict comes to: for who is in, and for who is about to be. [19.2] [19.3] */
import { Disconnects, Errors, Unsubscribes } from '@natter/protocol'
import { CommandDisconnect, CommandError } from '../connection/command-error.js'
import type { Connection, Identity } from '../connection/connection.js'
import { serverUnsubscribe } from '../connection/server-subscribe.js'
import type { Services } from '../connection/services.js'
import type { Subject, Verdict } from './revoked-set.js'

/** Where somebody met a revocation. */
export type MetAt = 'connection' | 'subscription' | 'connect' | 'subscribe' | 'refresh'

export const subjectOf = ({ user, app, tokenId, issuedAtMs }: Identity): Subject => ({
  user,
  isByToken: app === undefined,
  tokenId,
  issuedAtMs,
})

/** `good` where nothing is against it; what is, is told to metrics. */
export function judge(
  { revocations, events }: Pick<Services, 'revocations' | 'events'>,
  subject: Subject,
  at: MetAt,
): Verdict {
  const verdict = revocations.verdict(subject)
  if (verdict !== 'good') events.emit('revocation:met', { verdict, at, user: subject.user })
  return verdict
}

/**
 * Of who is on the way in.
 *
 * @throws CommandDisconnect 3507 the user is blocked; CommandError 109 the token is taken back: its client fetches another.
 */
export function demandGood(services: Services, subject: Subject, at: MetAt): void {
  const verdict = judge(services, subject, at)
  if (verdict === 'good') return
  if (verdict === 'blocked') throw new CommandDisconnect(Disconnects.permissionDenied)
  throw new CommandError(Errors.tokenExpired)
}

export function enforceOn(services: Services, users: ReadonlySet<string>): void {
  for (const user of users)
    for (const connection of services.hub.connectionsOf(user)) enforce(services, connection)
}

export function enforceOnAll(services: Services): void {
  if (services.revocations.held.size === 0) return
  for (const connection of services.hub.connections()) enforce(services, connection)
}

/** One that isn't in yet is asked about when it comes in. */
function enforce(services: Services, connection: Connection): void {
  const { identity } = connection
  if (identity === undefined) return
  const verdict = judge(services, subjectOf(identity), 'connection')
  if (verdict === 'blocked') connection.disconnect(Disconnects.permissionDenied)
  else if (verdict !== 'good') connection.disconnect(Disconnects.connectionExpired)
  else enforceOnSubscriptions(services, connection, identity.user)
}

/** Those that a token of their own let in. */
function enforceOnSubscriptions(services: Services, connection: Connection, user: string): void {
  for (const channel of services.hub.channelsOf(connection)) {
    const { terms } = services.hub.subscription(connection, channel) ?? {}
    if (terms?.isByToken !== true || terms.isServerSide) continue
    const { tokenId, issuedAtMs } = terms
    if (judge(services, { user, isByToken: true, tokenId, issuedAtMs }, 'subscription') === 'good') continue
    serverUnsubscribe(services, connection, channel, Unsubscribes.subscriptionExpired, Errors.tokenExpired)
  }
}
