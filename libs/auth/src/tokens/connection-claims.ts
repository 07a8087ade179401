/** From the payload of a token whose signature holds to what the mesh believes of it (docs/protocol.md, 12.1). */
import { readCapabilities } from '../capabilities.js'
import {
  isRecord,
  isSaid,
  rawText,
  readPayload,
  readSubscription,
  writtenOf,
  type Written,
} from './claim-parts.js'
import { readEnd, readOrigin, readUser, type ClaimRules, type Payload } from './claim-rules.js'
import type { ClaimedSubscription, ConnectionClaims, TokenVerdict } from './token-verifier.js'

const invalid = (reason: string): TokenVerdict => ({ outcome: 'invalid', reason })

/** `text` is the payload's own text. */
export function readConnectionClaims(payload: Payload, text: string, rules: ClaimRules): TokenVerdict {
  if (payload['channel'] !== undefined) return invalid('claim-channel') // a subscription token
  const user = readUser(payload, rules)
  if (user === undefined) return invalid(`claim-${rules.userIdClaim}`)
  const end = readEnd(payload, rules)
  if (end === 'malformed') return invalid('claim-expire_at')
  const written = writtenOf(payload, text)
  const connInfo = readPayload(written, 'info', false)
  if (connInfo === 'malformed') return invalid('claim-b64info')
  if (isSaid(payload['meta']) && !isRecord(payload['meta'])) return invalid('claim-meta')
  const metaJson = rawText(written, 'meta')
  const subscriptions = readSubscriptions(written)
  if (typeof subscriptions === 'string') return invalid(subscriptions)
  const capabilities = readCapabilities(payload['caps'])
  if (capabilities === 'malformed') return invalid('claim-caps')
  const claims: ConnectionClaims = { user, ...end }
  if (connInfo !== undefined) claims.connInfo = connInfo
  if (metaJson !== undefined) claims.metaJson = metaJson
  if (subscriptions.size > 0) claims.subscriptions = subscriptions
  if (capabilities !== undefined) claims.capabilities = capabilities
  return { outcome: 'valid', claims: Object.assign(claims, readOrigin(payload)) }
}

const none: ReadonlyMap<string, ClaimedSubscription> = new Map()
const asItIs: ClaimedSubscription = Object.freeze({})

/** `channels`, with nothing said, and `subs`, which go first. */
function readSubscriptions(written: Written): ReadonlyMap<string, ClaimedSubscription> | `claim-${string}` {
  const { channels, subs } = written.values
  if (!isSaid(channels) && !isSaid(subs)) return none
  const found = new Map<string, ClaimedSubscription>()
  for (const channel of isSaid(channels) ? listOf(channels) : []) {
    if (typeof channel !== 'string') return 'claim-channels'
    found.set(channel, asItIs)
  }
  if (!isSaid(subs)) return found
  if (!isRecord(subs)) return 'claim-subs'
  const of = writtenOf(subs, written.text, written.spans.get('subs')?.start)
  for (const [channel, options] of Object.entries(subs)) {
    if (!isRecord(options)) return 'claim-subs'
    const one = readSubscription(writtenOf(options, of.text, of.spans.get(channel)?.start))
    if (typeof one === 'string') return one
    found.set(channel, one)
  }
  return found
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [undefined])
