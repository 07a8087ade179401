import { beforeAll, describe, expect, it } from '@jest/globals'
import { loadConfig } from '@natter/config'
import { exportPKCS8, exportSPKI, generateKeyPair } from 'jose'
import { gatewayConfig } from './gateway.config.js'
import { tokenOptionsOf } from './token-settings.js'

const pems: Record<'rsa' | 'ecdsa' | 'eddsa' | 'private', string> = {
  rsa: '',
  ecdsa: '',
  eddsa: '',
  private: '',
}

beforeAll(async () => {
  const [rsa, ecdsa, eddsa] = await Promise.all(
    ['RS256', 'ES256', 'EdDSA'].map((alg) => generateKeyPair(alg, { extractable: true })),
  )
  if (rsa === undefined || ecdsa === undefined || eddsa === undefined) throw new Error('three were asked for')
  pems.rsa = await exportSPKI(rsa.publicKey)
  pems.ecdsa = await exportSPKI(ecdsa.publicKey)
  pems.eddsa = await exportSPKI(eddsa.publicKey)
  pems.private = await exportPKCS8(ecdsa.privateKey)
})

const load = (client: Record<string, string>) => {
  const env = Object.fromEntries(
    Object.entries(client).map(([key, value]) => [`NATTER_CLIENT_${key.toUpperCase()}`, value]),
  )
  return loadConfig(gatewayConfig, {
    env,
    argv: [],
    readFile: () => {
      throw new Error('no file is named')
    },
  })
}

const problemsOf = (client: Record<string, string>): string[] => {
  const loaded = load(client)
  return loaded.ok ? [] : loaded.problems.map(({ message }) => message)
}

const optionsOf = (client: Record<string, string>, prefix: 'token' | 'subscription_token') => {
  const loaded = load({ allow_anonymous: 'true', ...client })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  return tokenOptionsOf(loaded.config.client, prefix)
}

describe('[12.3] keys and rules of tokens', () => {
  it('are taken from their settings, lines run together included', () => {
    const all = {
      token_hmac_secret_key: 'now',
      token_previous_hmac_secret_key: 'before',
      token_rsa_public_key: pems.rsa,
      token_ecdsa_public_key: pems.ecdsa.replaceAll('\n', String.raw`\n`),
      token_eddsa_public_key: pems.eddsa,
      token_jwks_public_endpoint: 'https://auth.example.com/keys',
      token_jwks_cache_ttl: '10m',
      token_audience: 'mesh',
      token_issuer_regex: 'https://.+',
      token_user_id_claim: 'uid',
      token_leeway: '5s',
    }
    expect(optionsOf(all, 'token')).toEqual({
      hmacSecret: 'now',
      previousHmacSecret: 'before',
      rsaPublicKey: pems.rsa,
      ecdsaPublicKey: pems.ecdsa.replaceAll('\n', String.raw`\n`),
      eddsaPublicKey: pems.eddsa,
      jwks: { endpoint: 'https://auth.example.com/keys', cacheMs: 600_000 },
      audience: 'mesh',
      issuerRegex: 'https://.+',
      userIdClaim: 'uid',
      leewayMs: 5_000,
    })
    expect(optionsOf(all, 'subscription_token')).toBeUndefined()
  })

  it('of subscription tokens are their own, where they have a key', () => {
    const apart = { token_hmac_secret_key: 'a', subscription_token_hmac_secret_key: 'b' }
    expect(optionsOf(apart, 'subscription_token')).toMatchObject({ hmacSecret: 'b', userIdClaim: 'sub' })
  })

  it('of any sort let a gateway start', () => {
    expect(problemsOf({ token_jwks_public_endpoint: 'http://127.0.0.1/keys' })).toEqual([])
    expect(problemsOf({ token_eddsa_public_key: pems.eddsa })).toEqual([])
    expect(problemsOf({ subscription_token_hmac_secret_key: 'b' }).join()).toContain('nobody could connect')
  })

  it('that are wrong are told all at once, and nothing of a key is', () => {
    const wrong = problemsOf({
      token_rsa_public_key: pems.ecdsa,
      token_ecdsa_public_key: pems.private,
      token_eddsa_public_key: 'MIIBIjANBgkq',
      token_audience: 'a',
      token_audience_regex: 'a',
      token_previous_hmac_secret_key: 'MIIold',
      subscription_token_issuer: 'i',
    })
    for (const said of [
      'token_rsa_public_key is not an RSA key of at least 2048 bits',
      'token_ecdsa_public_key holds a private key',
      'token_eddsa_public_key is no PEM',
      'token_audience_regex goes with no token_audience',
      'token_previous_hmac_secret_key needs token_hmac_secret_key',
      'subscription_token_issuer says nothing without a key',
    ])
      expect(wrong.join('\n')).toContain(`client.${said}`)
    expect(wrong).toHaveLength(6)
    expect(wrong.join()).not.toMatch(/MII/)
  })

  it.each([
    ['token_jwks_public_endpoint', 'auth.example.com'],
    ['token_jwks_public_endpoint', 'file:///etc/passwd'],
    ['token_jwks_public_endpoint', 'https://{{realm}}.example.com/keys'],
    ['token_issuer_regex', '('],
    ['token_user_id_claim', 'the user'],
    ['token_leeway', '1h'],
    ['subscription_token_audience_regex', '['],
  ])('are refused by their own schema: %s %s', (key, value) => {
    expect(problemsOf({ token_hmac_secret_key: 'x', [key]: value }).join()).toContain(`client.${key}`)
  })
})
