import type { Bytes, Capability, CapableVerb } from '@natter/protocol'

/** What a subscription is given in place of what its namespace says; absent = as the namespace says. */
export interface SubscriptionOverride {
  readonly presence?: boolean
  readonly joinLeave?: boolean
  readonly forcePushJoinLeave?: boolean
  readonly forceRecovery?: boolean
  readonly forcePositioning?: boolean
}

/** What a token says of one subscription. */
export interface ClaimedSubscription {
  /** JSON text, shown to others as `chan_info`. */
  readonly info?: Bytes
  /** Told to the client with the subscription: JSON text, or any bytes where it came as `b64data`. */
  readonly data?: Bytes
  readonly override?: SubscriptionOverride
  /** What its subscriber may do beside what the namespace allows; shared. */
  readonly allow?: readonly CapableVerb[]
}

interface Claims {
  /** '' = anonymous. */
  user: string
  /** When it ends unless it is refreshed, milliseconds since 1970; absent = never. May be in the past. */
  expiresAtMs?: number
  /** The token's own name (`jti`), by which it may be revoked. */
  tokenId?: string
  /** When the token was issued (`iat`), milliseconds since 1970. */
  issuedAtMs?: number
}

/** What a connection token says about its bearer. */
export interface ConnectionClaims extends Claims {
  /** JSON text, shown to others as `conn_info`. */
  connInfo?: Bytes
  /** The text of a JSON object: for apps alone, never shown to clients. */
  metaJson?: string
  /** Subscriptions that the connection begins with, by channel; absent = none. Names are as they came: nobody has checked them. */
  subscriptions?: ReadonlyMap<string, ClaimedSubscription>
  /** What the connection may do beside what its namespaces allow; shared, absent = nothing. */
  capabilities?: readonly Capability[]
}

/** What a subscription token allows its bearer. */
export interface SubscriptionClaims extends Claims, ClaimedSubscription {
  channel: string
  /** The only connection that it is for; absent = any of the user's. */
  client?: string
}

/**
 * `expired` also stands for "not yet valid": the client should fetch another token (error 109). `invalid` is final (close
 * 3500); its reason is for the operator, in kebab-case, and never holds anything of the token. `unavailable`: nobody can tell
 * now, because the keys can't be fetched; the same token may be good later.
 */
export type TokenVerdict<C = ConnectionClaims> =
  | { outcome: 'valid'; claims: C }
  | { outcome: 'expired' }
  | { outcome: 'invalid'; reason: string }
  | { outcome: 'unavailable' }

/** Tells whether a token is ours and what it says. Never rejects, whatever is in the token. */
export interface TokenVerifier {
  /** False: no key is configured, so no token can be ours; an app may know what it means. */
  readonly hasKeys: boolean
  /** The same of subscription tokens. */
  readonly hasSubscriptionKeys: boolean
  verify(token: string): Promise<TokenVerdict>
  verifySubscription(token: string): Promise<TokenVerdict<SubscriptionClaims>>
  /**
   * Fetches the keys that will be needed, so that the first client needn't wait. Never rejects: they are fetched again when they are needed.
   * False: there are none of a server that no other verifier asks.
   */
  prepare(): Promise<boolean>
  /** Resolves when no verification waits for a server: for one that is asked nothing more. */
  idle(): Promise<void>
  /** Ends what is under way: who waits is told `unavailable`. */
  close(): void
}

/** Where no key is configured, no token is believed. */
export class NoTokens implements TokenVerifier {
  readonly hasKeys = false
  readonly hasSubscriptionKeys = false

  verify(): Promise<TokenVerdict> {
    return Promise.resolve({ outcome: 'invalid', reason: 'no-key-configured' })
  }

  verifySubscription(): Promise<TokenVerdict<SubscriptionClaims>> {
    return Promise.resolve({ outcome: 'invalid', reason: 'no-key-configured' })
  }

  prepare(): Promise<boolean> {
    return Promise.resolve(true)
  }

  idle(): Promise<void> {
    return Promise.resolve()
  }

  close(): void {}
}
