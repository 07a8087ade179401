/** What a subscription token says, once its signature holds (docs/protocol.md, 12.2). */
import { isSaid, readSubscription, writtenOf } from './claim-parts.js'
import { readEnd, readOrigin, readUser, type ClaimRules, type Payload } from './claim-rules.js'
import type { SubscriptionClaims, TokenVerdict } from './token-verifier.js'

const invalid = (reason: string): TokenVerdict<SubscriptionClaims> => ({ outcome: 'invalid', reason })

/** `text` is the payload's own text. */
export function readSubscriptionClaims(
  payload: Payload,
  text: string,
  rules: ClaimRules,
): TokenVerdict<SubscriptionClaims> {
  const { channel, client } = payload
  if (typeof channel !== 'string' || channel === '') return invalid('claim-channel') // a connection token
  if (isSaid(client) && typeof client !== 'string') return invalid('claim-client')
  const user = readUser(payload, rules)
  if (user === undefined) return invalid(`claim-${rules.userIdClaim}`)
  const end = readEnd(payload, rules)
  if (end === 'malformed') return invalid('claim-expire_at')
  const said = readSubscription(writtenOf(payload, text))
  if (typeof said === 'string') return invalid(said)
  const claims: SubscriptionClaims = { user, channel, ...end, ...said, ...readOrigin(payload) }
  if (typeof client === 'string' && client !== '') claims.client = client
  return { outcome: 'valid', claims }
}
