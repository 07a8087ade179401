import { describe, expect, it } from '@jest/globals'
import { createHmac } from 'node:crypto'
import { systemClock as clock } from '@natter/primitives'
import { exportPKCS8, exportSPKI, generateKeyPair, SignJWT, type CryptoKey } from 'jose'
import { createTokenVerifier, type TokenOptions } from './jwt-verifier.js'
import { parsePublicKey, type PublicKeyKind } from './public-keys.js'

const hmacSecret = 'a secret'
const secretKey = new TextEncoder().encode(hmacSecret)

/** Signed by another implementation than the one that checks it. */
const sign = (alg: string, key: CryptoKey | Uint8Array): Promise<string> =>
  new SignJWT({ sub: 'ana' }).setProtectedHeader({ alg }).sign(key)

const kinds: Record<PublicKeyKind, (pem: string) => TokenOptions> = {
  rsa: (rsaPublicKey) => ({ rsaPublicKey }),
  ecdsa: (ecdsaPublicKey) => ({ ecdsaPublicKey }),
  eddsa: (eddsaPublicKey) => ({ eddsaPublicKey }),
}

const families: [PublicKeyKind, string][] = [
  ['rsa', 'RS256'],
  ['rsa', 'RS384'],
  ['rsa', 'RS512'],
  ['rsa', 'PS256'],
  ['rsa', 'PS384'],
  ['rsa', 'PS512'],
  ['ecdsa', 'ES256'],
  ['ecdsa', 'ES384'],
  ['ecdsa', 'ES512'],
  ['eddsa', 'EdDSA'],
  ['eddsa', 'Ed25519'],
]

describe('[12.3] a token’s algorithm', () => {
  it.each(['HS256', 'HS384', 'HS512'])('%s is for a secret', async (alg) => {
    const verifier = createTokenVerifier({ connection: { hmacSecret }, clock })
    const token = await sign(alg, secretKey)
    expect(await verifier.verify(token)).toMatchObject({ outcome: 'valid', claims: { user: 'ana' } })
    const other = createTokenVerifier({ connection: { hmacSecret: 'another' }, clock })
    expect(await other.verify(token)).toEqual({ outcome: 'invalid', reason: 'signature' })
  })

  it.each(families)('of a public key of %s may be %s', async (kind, alg) => {
    const [pair, other] = [
      await generateKeyPair(alg, { extractable: true }),
      await generateKeyPair(alg, { extractable: true }),
    ]
    const verifier = createTokenVerifier({ connection: kinds[kind](await exportSPKI(pair.publicKey)), clock })
    const token = await sign(alg, pair.privateKey)
    expect(await verifier.verify(token)).toMatchObject({ outcome: 'valid', claims: { user: 'ana' } })
    const forged = await sign(alg, other.privateKey)
    expect(await verifier.verify(forged)).toEqual({ outcome: 'invalid', reason: 'signature' })
    const [head, , tail] = token.split('.')
    const changed = `${head}.${Buffer.from('{"sub":"eve"}').toString('base64url')}.${tail}`
    expect(await verifier.verify(changed)).toEqual({ outcome: 'invalid', reason: 'signature' })
  })

  it.each(families)(
    'is no secret’s where the key is one of %s: the PEM of it signs nothing (%s)',
    async (kind, alg) => {
      const { publicKey } = await generateKeyPair(alg, { extractable: true })
      const pem = await exportSPKI(publicKey)
      const verifier = createTokenVerifier({ connection: kinds[kind](pem), clock })
      for (const text of [pem, pem.trim()]) {
        const token = await sign('HS256', new TextEncoder().encode(text))
        expect(await verifier.verify(token)).toEqual({ outcome: 'invalid', reason: 'algorithm' })
      }
    },
  )

  it('has to be of a kind for which there is a key', async () => {
    const rsa = await generateKeyPair('RS256', { extractable: true })
    const ec = await generateKeyPair('ES256', { extractable: true })
    const verifier = createTokenVerifier({
      connection: { rsaPublicKey: await exportSPKI(rsa.publicKey), hmacSecret },
      clock,
    })
    expect(await verifier.verify(await sign('ES256', ec.privateKey))).toEqual({
      outcome: 'invalid',
      reason: 'algorithm',
    })
    expect((await verifier.verify(await sign('RS256', rsa.privateKey))).outcome).toBe('valid')
    expect((await verifier.verify(await sign('HS256', secretKey))).outcome).toBe('valid')
  })

  it('of a curve is for that curve alone', async () => {
    const { publicKey } = await generateKeyPair('ES256', { extractable: true })
    const { privateKey } = await generateKeyPair('ES384')
    const verifier = createTokenVerifier({
      connection: { ecdsaPublicKey: await exportSPKI(publicKey) },
      clock,
    })
    expect(await verifier.verify(await sign('ES384', privateKey))).toEqual({
      outcome: 'invalid',
      reason: 'algorithm',
    })
  })

  it('none is none, whatever is configured', async () => {
    const { publicKey } = await generateKeyPair('EdDSA', { extractable: true })
    const eddsaPublicKey = await exportSPKI(publicKey)
    const verifier = createTokenVerifier({ connection: { hmacSecret, eddsaPublicKey }, clock })
    for (const alg of ['none', 'None', 'HS1', '', 'constructor']) {
      const head = Buffer.from(JSON.stringify({ alg })).toString('base64url')
      const signed = `${head}.${Buffer.from('{"sub":"admin"}').toString('base64url')}`
      const hmac = createHmac('sha256', hmacSecret).update(signed).digest('base64url')
      for (const signature of ['', hmac])
        expect((await verifier.verify(`${signed}.${signature}`)).outcome).toBe('invalid')
    }
  })
})

describe('a public key', () => {
  it('may have its lines run together with \\n, as variables have it', async () => {
    const { publicKey } = await generateKeyPair('ES256', { extractable: true })
    const pem = (await exportSPKI(publicKey)).replaceAll('\n', '\\n')
    expect(parsePublicKey('ecdsa', pem).asymmetricKeyType).toBe('ec')
  })

  it('is refused with what is wrong, and nothing of it', async () => {
    const ec = await generateKeyPair('ES256', { extractable: true })
    const rsa = await generateKeyPair('RS256', { extractable: true })
    const [pem, secretPem] = [await exportSPKI(ec.publicKey), await exportPKCS8(rsa.privateKey)]
    expect(() => parsePublicKey('rsa', pem)).toThrow(/not an RSA key of at least 2048 bits/)
    expect(() => parsePublicKey('eddsa', pem)).toThrow(/Ed25519/)
    expect(() => parsePublicKey('rsa', secretPem)).toThrow(/private key/)
    expect(() => parsePublicKey('ecdsa', 'MIIB')).toThrow(/no PEM/)
  })
})
