/**
 * The signatures of JSON web tokens, and which key may check which of them.
 *
 * G1. A key checks the algorithms of its own kind alone: a public key is never a secret, an RSA key never one of a curve.
 * G2. `none` isn't here, so it is no algorithm.
 */
import { constants, type KeyObject } from 'node:crypto'

export type Algorithm =
  | { readonly kind: 'hmac'; readonly hash: string }
  | {
      readonly kind: 'public'
      readonly hash: string | null
      readonly how: SignatureForm
      fits(key: KeyObject): boolean
    }

/** How `crypto.verify` is to read the signature. */
interface SignatureForm {
  readonly padding?: number
  readonly saltLength?: number
  readonly dsaEncoding?: 'ieee-p1363'
}

/** Weaker ones can be broken, or soon can be. */
export const minRsaBits = 2048

export const isStrongRsa = (key: KeyObject): boolean =>
  key.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= minRsaBits

const hmac = (hash: string): Algorithm => ({ kind: 'hmac', hash })

const rsa = (hash: string): Algorithm => ({
  kind: 'public',
  hash,
  how: { padding: constants.RSA_PKCS1_PADDING },
  fits: isStrongRsa,
})

const rsaPss = (hash: string): Algorithm => ({
  kind: 'public',
  hash,
  how: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
  fits: isStrongRsa,
})

const ecdsa = (hash: string, curve: string): Algorithm => ({
  kind: 'public',
  hash,
  how: { dsaEncoding: 'ieee-p1363' },
  fits: (key) => key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === curve,
})

const eddsa = (...types: readonly string[]): Algorithm => ({
  kind: 'public',
  hash: null,
  how: {},
  fits: (key) => types.includes(key.asymmetricKeyType ?? ''),
})

/** By what a token's header calls it. */
export const algorithms: ReadonlyMap<string, Algorithm> = new Map([
  ['HS256', hmac('sha256')],
  ['HS384', hmac('sha384')],
  ['HS512', hmac('sha512')],
  ['RS256', rsa('sha256')],
  ['RS384', rsa('sha384')],
  ['RS512', rsa('sha512')],
  ['PS256', rsaPss('sha256')],
  ['PS384', rsaPss('sha384')],
  ['PS512', rsaPss('sha512')],
  ['ES256', ecdsa('sha256', 'prime256v1')],
  ['ES384', ecdsa('sha384', 'secp384r1')],
  ['ES512', ecdsa('sha512', 'secp521r1')],
  ['EdDSA', eddsa('ed25519', 'ed448')],
  ['Ed25519', eddsa('ed25519')],
])
