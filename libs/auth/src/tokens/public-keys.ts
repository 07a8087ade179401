/** Keys as people write them, and as servers publish them. */
import { InvalidError } from '@natter/primitives'
import { createPublicKey, type JsonWebKeyInput, type KeyObject } from 'node:crypto'
import { algorithms, minRsaBits } from './algorithms.js'

export type PublicKeyKind = 'rsa' | 'ecdsa' | 'eddsa'

const kinds: Readonly<Record<PublicKeyKind, { names: readonly string[]; words: string }>> = {
  rsa: { names: ['RS256'], words: `an RSA key of at least ${minRsaBits} bits` },
  ecdsa: { names: ['ES256', 'ES384', 'ES512'], words: 'a key of the curve P-256, P-384 or P-521' },
  eddsa: { names: ['EdDSA'], words: 'an Ed25519 or Ed448 key' },
}

/**
 * A public key, or a certificate that holds one, in PEM; `\n` may stand for a new line, because variables of an environment have one.
 *
 * @throws InvalidError `token-key`: it is none of the kind; the sentence completes "the key …" and holds nothing of it.
 */
export function parsePublicKey(kind: PublicKeyKind, pem: string): KeyObject {
  const text = pem.replaceAll('\\n', '\n')
  const { names, words } = kinds[kind]
  if (text.includes('PRIVATE KEY'))
    throw new InvalidError('token-key', 'holds a private key: gateways need the public one alone')
  const key = keyOrNothing(text)
  if (key === undefined)
    throw new InvalidError('token-key', 'is no PEM: it begins with -----BEGIN PUBLIC KEY-----')
  if (!names.some((name) => doesFit(name, key))) throw new InvalidError('token-key', `is not ${words}`)
  return key
}

/** One key of a published set. */
export interface PublishedKey {
  readonly key: KeyObject
  readonly id?: string
  /** The only algorithm that it is for; absent = any that fits. */
  readonly algorithmName?: string
}

/** As many keys of one set are looked at. */
const maxKeys = 100

/** Undefined: there is no key that signatures could be checked with. Keys for encryption, secrets and unknown kinds are left out. */
export function parseKeySet(set: unknown): readonly PublishedKey[] | undefined {
  const keys = (set as { keys?: unknown } | null | undefined)?.keys
  if (!Array.isArray(keys)) return undefined
  const usable = keys
    .slice(0, maxKeys)
    .map(publishedKey)
    .filter((key) => key !== undefined)
  return usable.length === 0 ? undefined : usable
}

function publishedKey(jwk: unknown): PublishedKey | undefined {
  if (typeof jwk !== 'object' || jwk === null) return undefined
  const { kty, use, key_ops: operations, kid, alg } = jwk as Record<string, unknown>
  if (kty !== 'RSA' && kty !== 'EC' && kty !== 'OKP') return undefined // a secret that was published is none
  if (use !== undefined && use !== 'sig') return undefined
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify')))
    return undefined
  const key = keyOrNothing({ key: jwk as JsonWebKeyInput['key'], format: 'jwk' })
  const isOfUse = key !== undefined && [...algorithms.keys()].some((name) => doesFit(name, key))
  if (!isOfUse) return undefined
  return {
    key,
    ...(typeof kid === 'string' ? { id: kid } : {}),
    ...(typeof alg === 'string' ? { algorithmName: alg } : {}),
  }
}

function doesFit(algorithmName: string, key: KeyObject): boolean {
  const algorithm = algorithms.get(algorithmName)
  return algorithm?.kind === 'public' && algorithm.fits(key)
}

function keyOrNothing(input: string | JsonWebKeyInput): KeyObject | undefined {
  try {
    return createPublicKey(input)
  } catch {
    return undefined
  }
}
