/**
 * What a token is signed with.
 *
 * SK1. A key is never printed: its place is.
 */
import { InvalidError } from '@natter/primitives'
import { createPrivateKey, createSecretKey, type JsonWebKeyInput, type KeyObject } from 'node:crypto'
import { UsageError } from '../cli/command.js'
import type { Given } from '../cli/given.js'
import type { Terminal } from '../cli/terminal.js'
import { readNamed } from './files.js'
import { algorithm, keyFile, secret, secretFile } from './token-table.js'
import type { Prefix, TokenSettings } from './token-settings.js'

export interface SigningKey {
  readonly key: KeyObject
  readonly algorithm: string
  /** Where it is from, for people. */
  readonly from: string
  /** It is one of those that the settings believe. */
  readonly isOfSettings: boolean
}

/** @throws InvalidError, UsageError. */
export function signingKey(
  given: Given,
  terminal: Terminal,
  settings: TokenSettings,
  prefix: Prefix,
): SigningKey {
  const named = [keyFile, secretFile, secret].filter((flag) => given.has(flag))
  if (named.length > 1)
    throw new UsageError(
      [`${named.map(({ name }) => `--${name}`).join(' and ')}: keep one of them.`],
      given.name,
    )
  const chosen = given.of(algorithm)
  const path = given.of(keyFile)
  if (path !== undefined) {
    const key = privateKey(readNamed(keyFile.name, path, terminal))
    return { key, algorithm: algorithmOf(key, chosen), from: path, isOfSettings: false }
  }
  const { text, from, isOfSettings } = secretOf(given, terminal, settings, prefix)
  if (chosen !== undefined && !chosen.startsWith('HS'))
    throw new InvalidError('wrong-key', `${chosen} takes a private key: --key-file.`)
  return { key: createSecretKey(Buffer.from(text)), algorithm: chosen ?? 'HS256', from, isOfSettings }
}

function secretOf(given: Given, terminal: Terminal, settings: TokenSettings, prefix: Prefix) {
  const path = given.of(secretFile)
  if (path !== undefined) {
    const text = readNamed(secretFile.name, path, terminal)
    if (text === '') throw new InvalidError('empty-token-secret', `${path} is empty: a secret is wanted.`)
    return { text, from: path, isOfSettings: false }
  }
  const typed = given.of(secret)
  if (typed !== undefined) {
    terminal.warn(
      'secret-in-sight',
      'A secret in a flag is seen by whoever lists the processes of this machine, and kept by the shell: take --secret-file.',
    )
    return { text: typed, from: '--secret', isOfSettings: false }
  }
  const key = `client.${prefix}_hmac_secret_key`
  const text = settings.client[key.slice('client.'.length)]
  if (typeof text === 'string') return { text, from: settings.originOf(key), isOfSettings: true }
  throw new InvalidError(
    'no-signing-key',
    `There is nothing to sign with: set ${envOf(key)}_FILE or ${key}, or give --secret-file, or --key-file where the gateways have a public key.`,
  )
}

const envOf = (key: string): string => `NATTER_${key.replaceAll('.', '_').toUpperCase()}`

/** PEM (`\n` may stand for a new line) or a JSON web key. */
function privateKey(text: string): KeyObject {
  try {
    const isJwk = text.trimStart().startsWith('{')
    return createPrivateKey(
      isJwk
        ? { key: JSON.parse(text) as JsonWebKeyInput['key'], format: 'jwk' }
        : text.replaceAll('\\n', '\n'),
    )
  } catch {
    throw new InvalidError(
      'wrong-key',
      `--${keyFile.name} holds no private key without a password, in PEM (-----BEGIN PRIVATE KEY-----) or as a JWK.`,
    )
  }
}

const ofCurve: Readonly<Record<string, string>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
}

function algorithmOf(key: KeyObject, chosen: string | undefined): string {
  const possible = algorithmsFor(key)
  const [usual] = possible
  if (usual === undefined)
    throw new InvalidError(
      'wrong-key',
      'No gateway takes tokens of such a key: RSA, P-256, P-384, P-521 or Ed25519.',
    )
  if (chosen === undefined || possible.includes(chosen)) return chosen ?? usual
  throw new InvalidError('wrong-key', `The key is for ${possible.join(', ')}, not for ${chosen}.`)
}

function algorithmsFor({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string[] {
  if (asymmetricKeyType === 'rsa') return ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
  if (asymmetricKeyType === 'ed25519') return ['EdDSA']
  const curve = ofCurve[asymmetricKeyDetails?.namedCurve ?? '']
  return asymmetricKeyType === 'ec' && curve !== undefined ? [curve] : []
}
