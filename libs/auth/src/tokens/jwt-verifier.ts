/**
 * JSON web tokens, signed by whoever has a key that was configured.
 *
 * H1. What may sign is ours to choose: the token's header only says which of the algorithms that a configured key is for.
 * H2. Nothing is read from a token whose signature doesn't hold, and expiry is only told for one that does.
 * H3. A token signed with a secret is judged at once: no thread, no network, no promise.
 * H4. That keys can't be fetched is never said of the token.
 */
import { InvalidError, type Clock } from '@natter/primitives'
import { createHmac, createSecretKey, timingSafeEqual, verify, type KeyObject } from 'node:crypto'
import type { Algorithm } from './algorithms.js'
import { claimRules, type ClaimRules, type Payload, type TokenRules } from './claim-rules.js'
import { parseJws, parseObject, payloadOf, type CompactJws } from './compact-jws.js'
import { readConnectionClaims } from './connection-claims.js'
import { parsePublicKey } from './public-keys.js'
import { KeySources } from './key-sources.js'
import type { RemoteKeys, RemoteKeysOptions } from './remote-keys.js'
import { readSubscriptionClaims } from './subscription-claims.js'
import type { SubscriptionClaims, TokenVerdict, TokenVerifier } from './token-verifier.js'

/** Who may sign tokens of one kind, and what they have to say. */
export interface TokenOptions extends TokenRules {
  /** HS256, HS384 and HS512. */
  hmacSecret?: string
  /** Also accepted, so that a secret can be changed while its tokens are still about. */
  previousHmacSecret?: string
  /** PEM; RS… and PS…. */
  rsaPublicKey?: string
  /** PEM; ES256, ES384 or ES512, by its curve. */
  ecdsaPublicKey?: string
  /** PEM. */
  eddsaPublicKey?: string
  /** Public keys that a server publishes. */
  jwks?: Pick<RemoteKeysOptions, 'endpoint' | 'cacheMs' | 'minIntervalMs' | 'timeoutMs'>
}

export interface TokenVerifierOptions {
  connection: TokenOptions
  /** Subscription tokens have keys and rules of their own; absent = those of connection tokens. */
  subscription?: TokenOptions
  clock: Clock
  /** Published keys were fetched: so many. */
  onKeys?: (keys: number) => void
  /** They could not be. */
  onNoKeys?: (error: unknown) => void
  /** Shared with the verifier that this one takes over from; absent = of its own. */
  sources?: KeySources
}

/** What a signature turned out to be. */
type Signed = 'holds' | 'broken' | 'no-key' | 'unknown'

/** A {@link TokenVerifier} of these keys. @throws InvalidError a key is none, or a secret is empty. */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const { connection, subscription, sources = new KeySources() } = options
  const around = { ...options, sources }
  const forConnections = new Judge(connection, around)
  const forSubscriptions = subscription === undefined ? forConnections : new Judge(subscription, around)
  const judges = new Set([forConnections, forSubscriptions])
  return {
    hasKeys: forConnections.hasKeys,
    hasSubscriptionKeys: forSubscriptions.hasKeys,
    verify: (token) => forConnections.judge(token, readConnectionClaims),
    verifySubscription: (token) =>
      forSubscriptions.judge<TokenVerdict<SubscriptionClaims>>(token, readSubscriptionClaims),
    async prepare() {
      const prepared = await Promise.all([...judges].map((one) => one.prepare()))
      return prepared.every((isPrepared) => isPrepared)
    },
    async idle() {
      await Promise.all([...judges].map((one) => one.idle()))
    },
    close() {
      for (const one of judges) one.close()
      judges.clear()
    },
  }
}

type Verdict = Exclude<TokenVerdict<unknown>, { outcome: 'valid' }>

const invalid = (reason: string): Verdict => ({ outcome: 'invalid', reason })

class Judge {
  private readonly secrets: readonly KeyObject[]
  private readonly publicKeys: readonly KeyObject[]
  private readonly remote:
    { readonly keys: RemoteKeys; readonly isNew: boolean; giveBack(): void } | undefined
  private readonly rules: ClaimRules

  constructor(
    options: TokenOptions,
    private readonly around: Pick<TokenVerifierOptions, 'clock' | 'onKeys' | 'onNoKeys'> & {
      sources: KeySources
    },
  ) {
    const { clock, onKeys: onFetched, onNoKeys: onFailed, sources } = around
    const { hmacSecret, previousHmacSecret, rsaPublicKey, ecdsaPublicKey, eddsaPublicKey, jwks } = options
    this.secrets = [hmacSecret, previousHmacSecret].filter((one) => one !== undefined).map(secretKey)
    this.publicKeys = [
      rsaPublicKey === undefined ? undefined : parsePublicKey('rsa', rsaPublicKey),
      ecdsaPublicKey === undefined ? undefined : parsePublicKey('ecdsa', ecdsaPublicKey),
      eddsaPublicKey === undefined ? undefined : parsePublicKey('eddsa', eddsaPublicKey),
    ].filter((key) => key !== undefined)
    this.rules = claimRules(options)
    if (jwks === undefined) return
    const asked = { ...jwks, clock, onFetched, onFailed }
    this.remote = { ...sources.take(asked), giveBack: () => sources.giveBack(asked) } // last: nothing throws behind it
  }

  get hasKeys(): boolean {
    return this.secrets.length > 0 || this.publicKeys.length > 0 || this.remote !== undefined
  }

  /** Never rejects. */
  async judge<V>(
    token: string,
    read: (payload: Payload, text: string, rules: ClaimRules) => V,
  ): Promise<V | Verdict> {
    const jws = parseJws(token)
    if (typeof jws === 'string') return invalid(jws)
    const { algorithm } = jws
    const signed = algorithm.kind === 'hmac' ? this.checkHmac(jws, algorithm) : await this.checkPublic(jws) // H3
    if (signed === 'unknown') return { outcome: 'unavailable' } // H4
    if (signed !== 'holds') return invalid(signed === 'broken' ? 'signature' : 'algorithm')
    const text = payloadOf(jws) // H2
    const payload = text === undefined ? undefined : parseObject(text)
    if (text === undefined || payload === undefined) return invalid('malformed')
    const rule = this.rules.check(payload, this.around.clock.now())
    if (rule === 'expired') return { outcome: 'expired' }
    return rule === 'ok' ? read(payload, text, this.rules) : invalid(rule)
  }

  async prepare(): Promise<boolean> {
    if (this.remote === undefined) return true
    return (await this.remote.keys.prepare()) || !this.remote.isNew
  }

  async idle(): Promise<void> {
    await this.remote?.keys.idle()
  }

  close(): void {
    this.remote?.giveBack()
  }

  private checkHmac({ signed, signature }: CompactJws, { hash }: Algorithm & { kind: 'hmac' }): Signed {
    if (this.secrets.length === 0) return 'no-key'
    const isOurs = this.secrets.some((secret) => {
      const expected = createHmac(hash, secret).update(signed).digest()
      return expected.byteLength === signature.byteLength && timingSafeEqual(expected, signature)
    })
    return isOurs ? 'holds' : 'broken'
  }

  /** Configured keys first: a token of theirs waits for no server. */
  private async checkPublic(jws: CompactJws): Promise<Signed> {
    const { algorithm } = jws
    if (algorithm.kind !== 'public') return 'no-key'
    const own = this.publicKeys.filter((key) => algorithm.fits(key))
    for (const key of own) if (await doesHold(jws, algorithm, key)) return 'holds'
    if (this.remote === undefined) return own.length > 0 ? 'broken' : 'no-key'
    const published = await this.remote.keys.find(jws)
    if (published === undefined) return 'unknown'
    for (const { key } of published) if (await doesHold(jws, algorithm, key)) return 'holds'
    return 'broken'
  }
}

function secretKey(secret: string): KeyObject {
  if (secret === '')
    throw new InvalidError('empty-token-secret', 'The token secret is empty: set one, or none at all.')
  return createSecretKey(Buffer.from(secret))
}

/** In a thread: it takes a hundred times as long as an HMAC. What makes no sense as a signature is none. */
function doesHold(
  { signed, signature }: CompactJws,
  { hash, how }: Algorithm & { kind: 'public' },
  key: KeyObject,
): Promise<boolean> {
  return new Promise((resolve) => {
    try {
      verify(hash, Buffer.from(signed), { key, ...how }, signature, (error, isGood) =>
        resolve(error === null && isGood),
      )
    } catch {
      resolve(false)
    }
  })
}
