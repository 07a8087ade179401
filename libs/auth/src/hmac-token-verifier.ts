import { InvalidError, type Clock } from '@natter/primitives'
import { Limits } from '@natter/protocol'
import { base64url, errors, jwtVerify } from 'jose'
import { readConnectionClaims } from './connection-claims.js'
import type { TokenVerdict, TokenVerifier } from './token-verifier.js'

export interface HmacTokenVerifierOptions {
  secret: string
  /** Also accepted, so that a secret can be changed while its tokens are still about. */
  previousSecret?: string
  clock: Clock
}

type Key = Awaited<ReturnType<typeof importSecret>>

const importSecret = (secret: string) =>
  crypto.subtle.importKey('raw', new TextEncoder().encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, [
    'verify',
  ])

/**
 * Connection tokens signed with a shared secret (HS256).
 *
 * H1. The algorithm is ours to choose: what the token's header asks for is only ever compared with it.
 * H2. Nothing is read from a token whose signature doesn't hold, and expiry is only told for one that does.
 */
export class HmacTokenVerifier implements TokenVerifier {
  readonly hasKeys = true
  private readonly secrets: readonly string[]
  private keys: Promise<Key[]> | undefined

  /** @throws InvalidError `empty-token-secret`: anybody could sign for it. */
  constructor(private readonly options: HmacTokenVerifierOptions) {
    const { secret, previousSecret } = options
    this.secrets = previousSecret ? [secret, previousSecret] : [secret]
    if (secret === '')
      throw new InvalidError('empty-token-secret', 'The token secret is empty: set one, or none at all.')
  }

  async verify(token: string): Promise<TokenVerdict> {
    if (token.length > Limits.maxTokenBytes) return { outcome: 'invalid', reason: 'too-long' }
    this.keys ??= Promise.all(this.secrets.map(importSecret))
    let verdict: TokenVerdict = { outcome: 'invalid', reason: 'signature' }
    for (const key of await this.keys) {
      verdict = await this.verifyWith(key, token)
      if (verdict.outcome !== 'invalid' || verdict.reason !== 'signature') break
    }
    return verdict
  }

  private async verifyWith(key: Key, token: string): Promise<TokenVerdict> {
    try {
      const currentDate = new Date(this.options.clock.now())
      const { payload } = await jwtVerify(token, key, { algorithms: ['HS256'], currentDate }) // H1
      const [, body = ''] = token.split('.')
      return readConnectionClaims(payload, new TextDecoder().decode(base64url.decode(body)))
    } catch (error) {
      return refusal(error)
    }
  }
}

function refusal(error: unknown): TokenVerdict {
  if (error instanceof errors.JWTExpired) return { outcome: 'expired' }
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return { outcome: 'invalid', reason: 'signature' }
  if (error instanceof errors.JOSEAlgNotAllowed) return { outcome: 'invalid', reason: 'algorithm' }
  if (error instanceof errors.JWTClaimValidationFailed) {
    const isEarly = error.claim === 'nbf' && error.reason === 'check_failed'
    return isEarly ? { outcome: 'expired' } : { outcome: 'invalid', reason: `claim-${error.claim}` }
  }
  return { outcome: 'invalid', reason: 'malformed' }
}
