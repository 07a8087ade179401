import type { Bytes } from '@natter/protocol'

/** What a connection token says about its bearer. */
export interface ConnectionClaims {
  /** '' = anonymous. */
  user: string
  /** When the connection ends unless it is refreshed, milliseconds since 1970; absent = never. May be in the past. */
  expiresAtMs?: number
  /** JSON text, shown to others as `conn_info`. */
  connInfo?: Bytes
}

/**
 * `expired` also stands for "not yet valid": the client should fetch another token (error 109). `invalid` is final (close
 * 3500); its reason is for the operator, in kebab-case, and never holds anything of the token.
 */
export type TokenVerdict =
  | { outcome: 'valid'; claims: ConnectionClaims }
  | { outcome: 'expired' }
  | { outcome: 'invalid'; reason: string }

/** Tells whether a connection token is ours and what it says. Never rejects because of what is in the token. */
export interface TokenVerifier {
  /** False: no key is configured, so no token can be ours; an app may know what it means. */
  readonly hasKeys: boolean
  verify(token: string): Promise<TokenVerdict>
}

/** Where no key is configured, no token is believed. */
export class NoTokens implements TokenVerifier {
  readonly hasKeys = false

  verify(): Promise<TokenVerdict> {
    return Promise.resolve({ outcome: 'invalid', reason: 'no-key-configured' })
  }
}
