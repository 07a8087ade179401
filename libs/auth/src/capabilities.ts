/**
 * Capabilities in Centrifugo's words, as tokens and HTTP hooks say them: `caps` of a connection, `allow` of a subscription.
 *
 * K1. A list of the wrong form is refused as a whole: what was meant to narrow must not be passed over.
 * K2. Equal lists are one list: connections are many, and most are told the same.
 */
import { capabilityProblem, capableVerbs, type Capability, type CapableVerb } from '@natter/protocol'
import { z } from 'zod'

const verbs = { sub: 'subscribe', pub: 'publish', prs: 'presence', hst: 'history' } as const

const allowed = z.array(z.enum(['sub', 'pub', 'prs', 'hst'])).max(16)

const list = z.array(
  z.object({
    channels: z.array(z.string()),
    match: z.enum(['exact', 'wildcard', 'regex', '']).nullish(),
    allow: allowed,
  }),
)

/**
 * `[{ channels, match?, allow }]`: `match` is `exact` (default), `wildcard` or `regex` for all its channels; `allow` has `sub`, `pub`, `prs`
 * and `hst`. The first entry that covers a channel decides about it. Undefined: nothing is said. Bounds: `CapabilityLimits`.
 */
export function readCapabilities(value: unknown): readonly Capability[] | 'malformed' | undefined {
  if (value === undefined || value === null) return undefined
  const read = list.safeParse(value)
  if (!read.success) return 'malformed' // K1
  if (read.data.length === 0) return undefined
  const capabilities = read.data.map(({ channels, match, allow }): Capability => ({
    channels,
    match: match === undefined || match === null || match === '' ? 'exact' : match,
    allow: allow.map((word) => verbs[word]),
  }))
  return capabilityProblem(capabilities) === undefined ? shareCapabilities(capabilities) : 'malformed'
}

/** `["pub", "prs", "hst"]`: what a subscriber may do beside what the namespace allows. `sub` is what it has. */
export function readAllowed(value: unknown): readonly CapableVerb[] | 'malformed' | undefined {
  if (value === undefined || value === null) return undefined
  const read = allowed.safeParse(value)
  if (!read.success) return 'malformed' // K1
  return shareVerbs(read.data.map((word) => verbs[word]))
}

/** K2. Those that each say something else push each other out, and share nothing. */
const known = new Map<string, readonly Capability[]>()
const maxKnown = 1_000

/** K2. The list may be kept and compared by identity. */
export function shareCapabilities(capabilities: readonly Capability[]): readonly Capability[] {
  const key = JSON.stringify(capabilities)
  const present = known.get(key)
  if (present !== undefined) return present
  if (known.size >= maxKnown) known.clear()
  const shared = Object.freeze(
    capabilities.map(({ channels, match, allow }) =>
      Object.freeze({
        channels: Object.freeze([...channels]),
        ...(match === undefined ? {} : { match }),
        allow: shareVerbs(allow) ?? none,
      }),
    ),
  )
  known.set(key, shared)
  return shared
}

const none: readonly CapableVerb[] = Object.freeze([])

/** One for each of the sixteen sets: many subscriptions keep one. Undefined: nothing is in it. */
const allVerbs = Array.from({ length: 16 }, (_, bits) =>
  Object.freeze(capableVerbs.filter((_verb, index) => (bits & (1 << index)) !== 0)),
)

/** K2. Undefined: nothing is in it. */
export function shareVerbs(said: readonly CapableVerb[]): readonly CapableVerb[] | undefined {
  const bits = said.reduce((sum, verb) => sum | (1 << capableVerbs.indexOf(verb)), 0)
  return bits === 0 ? undefined : allVerbs[bits]
}
