/**
 * What a gateway with these settings would say of a token.
 *
 * JT1. Judged by the verifier that gateways have, never by rules of our own; which key it was is found by judging with each key alone.
 * JT2. The verdict of a signature that doesn't hold says nothing of what the token claims.
 */
import {
  createTokenVerifier,
  NoTokens,
  type TokenOptions,
  type TokenVerdict,
  type TokenVerifier,
} from '@natter/auth'
import { systemClock } from '@natter/primitives'
import { Disconnects, Errors } from '@natter/protocol'
import type { Prefix, TokenSettings } from './token-settings.js'

export type Kind = 'connection' | 'subscription'

export interface Judgement {
  readonly isGood: boolean
  readonly outcome: TokenVerdict['outcome']
  /** Of an invalid one, as gateways count it. */
  readonly reason?: string
  /** A sentence. */
  readonly why: string
  /** What the client is answered. */
  readonly answer?: { readonly code: number; readonly text: string }
  /** Which key signed it, for people; absent where none did. */
  readonly key?: string
}

/** The keys of a kind, each by the setting that it is. */
const keys = [
  ['hmacSecret', 'hmac_secret_key'],
  ['previousHmacSecret', 'previous_hmac_secret_key'],
  ['rsaPublicKey', 'rsa_public_key'],
  ['ecdsaPublicKey', 'ecdsa_public_key'],
  ['eddsaPublicKey', 'eddsa_public_key'],
  ['jwks', 'jwks_public_endpoint'],
] as const satisfies readonly (readonly [keyof TokenOptions, string])[]

/** Never rejects for what is in the token. */
export async function judge(token: string, kind: Kind, settings: TokenSettings): Promise<Judgement> {
  const { options, prefix } = optionsFor(kind, settings)
  const verdict = await verdictOf(token, kind, options)
  const key = options === undefined ? undefined : await keyOf(token, kind, options, prefix, settings)
  const found = key === undefined ? {} : { key }
  switch (verdict.outcome) {
    case 'valid':
      return { ...ofClaims(verdict.claims, kind, settings), ...found }
    case 'expired':
      return {
        isGood: false,
        outcome: 'expired',
        why: 'its time is over, or not yet begun; the SDK fetches another one (getToken).',
        answer: error(Errors.tokenExpired),
        ...found,
      }
    case 'unavailable':
      return {
        isGood: false,
        outcome: 'unavailable',
        why: `the published keys can't be fetched from ${settings.client[`${prefix}_jwks_public_endpoint`] as string} now; clients would try again.`,
        answer: error(Errors.internal),
      }
    case 'invalid':
      return {
        isGood: false,
        outcome: 'invalid',
        reason: verdict.reason,
        why: sentenceOf(verdict.reason, kind, prefix, settings),
        answer: kind === 'connection' ? disconnect(Disconnects.invalidToken) : error(Errors.permissionDenied),
        ...found,
      }
  }
}

function optionsFor(
  kind: Kind,
  settings: TokenSettings,
): { options: TokenOptions | undefined; prefix: Prefix } {
  const apart = kind === 'subscription' ? settings.optionsOf('subscription_token') : undefined
  if (apart !== undefined) return { options: apart, prefix: 'subscription_token' }
  return { options: settings.optionsOf('token'), prefix: 'token' }
}

async function verdictOf(
  token: string,
  kind: Kind,
  options: TokenOptions | undefined,
): Promise<TokenVerdict<unknown>> {
  const verifier: TokenVerifier =
    options === undefined ? new NoTokens() : createTokenVerifier({ connection: options, clock: systemClock })
  try {
    return await (kind === 'connection' ? verifier.verify(token) : verifier.verifySubscription(token))
  } finally {
    verifier.close()
  }
}

/** JT1 */
async function keyOf(
  token: string,
  kind: Kind,
  options: TokenOptions,
  prefix: Prefix,
  settings: TokenSettings,
): Promise<string | undefined> {
  for (const [name, setting] of keys) {
    if (options[name] === undefined) continue
    const others = Object.fromEntries(keys.filter(([one]) => one !== name).map(([one]) => [one, undefined]))
    const alone = Object.entries({ ...options, ...others }).filter(([, value]) => value !== undefined)
    const verdict = await verdictOf(token, kind, Object.fromEntries(alone))
    const isSigned =
      verdict.outcome === 'valid' ||
      verdict.outcome === 'expired' ||
      (verdict.outcome === 'invalid' && verdict.reason.startsWith('claim-'))
    if (isSigned) return settings.originOf(`client.${prefix}_${setting}`)
  }
  return undefined
}

function ofClaims(claims: unknown, kind: Kind, { client }: TokenSettings): Judgement {
  const { user } = claims as { user: string }
  if (kind === 'connection' && user === '' && client['disallow_anonymous_connection_tokens'] === true)
    return {
      isGood: false,
      outcome: 'valid',
      why: 'it names no user, and client.disallow_anonymous_connection_tokens is on.',
      answer: disconnect(Disconnects.permissionDenied),
    }
  return {
    isGood: true,
    outcome: 'valid',
    why: kind === 'connection' ? 'it lets its bearer connect.' : 'it lets its bearer subscribe.',
  }
}

const error = ({ code, message }: { code: number; message: string }) => ({
  code,
  text: `error ${code}, ${message}`,
})
const disconnect = ({ code, reason }: { code: number; reason: string }) => ({
  code,
  text: `close ${code}, ${reason}`,
})

function sentenceOf(reason: string, kind: Kind, prefix: Prefix, { client }: TokenSettings): string {
  const said = (name: string): string =>
    JSON.stringify(client[`${prefix}_${name}`] ?? client[`${prefix}_${name}_regex`])
  const known: Readonly<Record<string, string>> = {
    'no-key-configured':
      'no key is configured (client.token_hmac_secret_key or another one), so gateways believe no token. Only an app or a hook that says who connects may know what it means.',
    'too-long': 'it is longer than any token may be.',
    malformed: 'it is no token: three parts of base64url with dots between them.',
    algorithm: 'it is signed in a way that no configured key is for.',
    signature: 'none of the configured keys signed it: another secret, or a changed text.',
    'claim-aud': `its aud is not ${said('audience')}, which client.${prefix}_audience asks for.`,
    'claim-iss': `its iss is not ${said('issuer')}, which client.${prefix}_issuer asks for.`,
    'claim-exp': 'its exp is no number of seconds.',
    'claim-nbf': 'its nbf is no number of seconds.',
    'claim-iat': 'its iat is no number of seconds.',
    'claim-channel':
      kind === 'connection'
        ? 'it has a channel: it is a subscription token, and connects nobody.'
        : 'it has no channel: it is a connection token, and lets nobody subscribe.',
  }
  const claim = reason.replace('claim-', '')
  const fallback =
    claim === client[`${prefix}_user_id_claim`]
      ? `its ${claim} is no text: a user is a text, never a number.`
      : `its ${claim} has a form that it can't have.`
  return known[reason] ?? fallback
}
