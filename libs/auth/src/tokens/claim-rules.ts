/** What every token has to hold beside its signature, and whom it names. */
import { inspectText } from '@natter/protocol'

export interface TokenRules {
  /** `aud` has to be this, or hold it. */
  audience?: string
  /** `aud`, or one of its texts, has to match this from its first letter to its last. Not together with `audience`. */
  audienceRegex?: string
  issuer?: string
  issuerRegex?: string
  /** The claim that says who the user is; default `sub`. */
  userIdClaim?: string
  /** By how much the issuer's clock may differ. Default 0. */
  leewayMs?: number
}

export interface ClaimRules {
  readonly userIdClaim: string
  readonly leewayMs: number
  /** Whether the time and the parties are right; else why not. */
  check(payload: Payload, nowMs: number): 'ok' | 'expired' | `claim-${string}`
}

export type Payload = Readonly<Record<string, unknown>>

export const isSeconds = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && value * 1000 <= Number.MAX_SAFE_INTEGER

/** @throws SyntaxError when an expression is none. */
export function claimRules(rules: TokenRules): ClaimRules {
  const { userIdClaim = 'sub', leewayMs = 0 } = rules
  const isAudience = matcher(rules.audience, rules.audienceRegex)
  const isIssuer = matcher(rules.issuer, rules.issuerRegex)
  return {
    userIdClaim,
    leewayMs,
    check(payload, nowMs) {
      const { aud, iss } = payload
      if (isAudience !== undefined && !(Array.isArray(aud) ? aud : [aud]).some(isAudience)) return 'claim-aud'
      if (isIssuer !== undefined && !isIssuer(iss)) return 'claim-iss'
      return checkTime(payload, nowMs, leewayMs)
    },
  }
}

type Matcher = (value: unknown) => boolean

/** A pattern that was found anywhere within would also find `https://us.example.evil`. */
function matcher(exact: string | undefined, pattern: string | undefined): Matcher | undefined {
  if (exact !== undefined) return (value) => value === exact
  if (pattern === undefined) return undefined
  const regex = new RegExp(`^(?:${pattern})$`, 'u')
  return (value) => typeof value === 'string' && regex.test(value)
}

/** The year 5138: whoever says more means milliseconds. Read as seconds, such a token would never end, and be younger than any moment. */
const maxSeconds = 100_000_000_000

const isMilliseconds = (value: unknown): boolean => typeof value === 'number' && value > maxSeconds

function checkTime({ exp, nbf, iat }: Payload, nowMs: number, leewayMs: number) {
  for (const [name, value] of [
    ['exp', exp],
    ['nbf', nbf],
  ] as const)
    // prettier-ignore
    if (value !== undefined && (typeof value !== 'number' || !Number.isFinite(value) || isMilliseconds(value)))
      return `claim-${name}` as const
  if (isMilliseconds(iat)) return 'claim-iat'
  if (typeof nbf === 'number' && nbf * 1000 > nowMs + leewayMs) return 'expired'
  if (typeof exp === 'number' && exp * 1000 + leewayMs <= nowMs) return 'expired'
  return 'ok'
}

/** '' = anonymous; undefined: no text, or one that isn't well-formed, by which two users could become one. */
export function readUser(payload: Payload, { userIdClaim }: ClaimRules): string | undefined {
  const user = payload[userIdClaim] ?? ''
  return typeof user === 'string' && inspectText(user).isWellFormed ? user : undefined
}

/**
 * When it ends: `expire_at`, else `exp`; 0 = never. By the issuer's clock, which may be late by the leeway.
 */
export function readEnd(payload: Payload, { leewayMs }: ClaimRules): { expiresAtMs?: number } | 'malformed' {
  const seconds = payload['expire_at'] ?? payload['exp'] ?? 0
  if (!isSeconds(seconds)) return 'malformed'
  return seconds === 0 ? {} : { expiresAtMs: Math.trunc(seconds * 1000) + leewayMs }
}

/** What is of no form is as if it weren't there: neither decides who gets in. */
export function readOrigin({ jti, iat }: Payload): { tokenId?: string; issuedAtMs?: number } {
  return {
    ...(typeof jti === 'string' && jti !== '' ? { tokenId: jti } : {}),
    ...(isSeconds(iat) ? { issuedAtMs: Math.trunc(iat * 1000) } : {}),
  }
}
