import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { leakCheck, ManualClock, startKeyServer, type KeyServer } from '@natter/testing'
import type { ServerResponse } from 'node:http'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose'
import { createTokenVerifier } from './jwt-verifier.js'
import { KeySources } from './key-sources.js'
import type { TokenVerifier } from './token-verifier.js'

interface Pair {
  privateKey: CryptoKey
  published: JWK
}

async function pair(kid: string | undefined, alg = 'ES256', more: JWK = {}): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return {
    privateKey,
    published: { ...(await exportJWK(publicKey)), ...(kid === undefined ? {} : { kid }), ...more },
  }
}

const sign = ({ privateKey, published }: Pair, alg = 'ES256', kid = published.kid): Promise<string> =>
  new SignJWT({ sub: 'ana' }).setProtectedHeader(kid === undefined ? { alg } : { alg, kid }).sign(privateKey)

const hour = 3_600_000

describe('[12.4] published keys, from a real server', () => {
  let expectNoLeaks: ReturnType<typeof leakCheck>
  let server: KeyServer
  let clock: ManualClock
  let one: Pair
  let two: Pair
  let verifier: TokenVerifier
  const failures: unknown[] = []

  beforeEach(async () => {
    expectNoLeaks = leakCheck()
    ;[one, two] = [await pair('one'), await pair('two')]
    server = await startKeyServer(one.published)
    clock = new ManualClock()
    failures.length = 0
    verifier = create()
  })
  afterEach(async () => {
    verifier.close()
    await server.stop()
    await expectNoLeaks()
  })

  const create = (url = server.url): TokenVerifier =>
    createTokenVerifier({
      connection: { jwks: { endpoint: url, cacheMs: hour, timeoutMs: 200 } },
      clock,
      onNoKeys: (error) => failures.push(error),
    })
  const outcome = async (token: string): Promise<string> => (await verifier.verify(token)).outcome

  it('are fetched once for as many tokens as come meanwhile, and then kept', async () => {
    const token = await sign(one)
    expect(await Promise.all(Array.from({ length: 50 }, () => outcome(token)))).toEqual(
      Array.from({ length: 50 }, () => 'valid'),
    )
    clock.advance(hour - 1)
    expect(await outcome(token)).toBe('valid')
    expect(server.requests).toBe(1)
  })

  it('are fetched again where the clock was set back: a key that rotates in isn’t kept waiting until it has caught up', async () => {
    expect(await outcome(await sign(one))).toBe('valid')
    clock.advance(-hour)
    server.publish(one.published, two.published)
    expect(await outcome(await sign(two))).toBe('valid')
  })

  it('are fetched again when a token names one that isn’t there', async () => {
    expect(await outcome(await sign(one))).toBe('valid')
    server.publish(one.published, two.published)
    clock.advance(5_000)
    expect(await outcome(await sign(two))).toBe('valid')
    expect(await outcome(await sign(one))).toBe('valid')
    expect(server.requests).toBe(2)
  })

  it('are not fetched again within five seconds: until then nobody can tell, and nobody is sent away for good', async () => {
    expect(await outcome(await sign(one))).toBe('valid')
    server.publish(two.published)
    const token = await sign(two)
    expect(await outcome(token)).toBe('unavailable')
    expect(server.requests).toBe(1)
    clock.advance(5_000)
    expect(await outcome(token)).toBe('valid')
  })

  it('say that a key doesn’t exist, and go on saying it without a request', async () => {
    const token = await sign(two)
    expect(await outcome(token)).toBe('invalid')
    for (let n = 0; n < 10; n += 1) expect(await outcome(token)).toBe('invalid')
    expect(server.requests).toBe(1)
  })

  it('that were withdrawn let nobody in any more once the set is old', async () => {
    const token = await sign(one)
    expect(await outcome(token)).toBe('valid')
    server.publish(two.published)
    clock.advance(hour)
    expect(await outcome(token)).toBe('invalid')
  })

  const failing: [string, (server: KeyServer) => void][] = [
    ['answers with an error', (keys) => keys.misbehave((response) => response.writeHead(503).end())],
    ['answers no JSON', (keys) => keys.misbehave((response) => response.end('<html>'))],
    ['answers no keys', (keys) => keys.publish()],
    ['answers too much', (keys) => keys.misbehave((response) => response.end(' '.repeat(300_000)))],
    [
      'sends you elsewhere',
      (keys) => keys.misbehave((response) => response.writeHead(302, { location: keys.url }).end()),
    ],
    [
      'cuts the answer',
      (keys) => keys.misbehave((response) => (response.write('{"keys":'), response.destroy())),
    ],
    ['hangs', (keys) => keys.misbehave(() => {})],
    ['hangs within the answer', (keys) => keys.misbehave((response) => void response.write('{"keys":'))],
  ]

  it.each(failing)(
    'stay as they are while the server %s; a token that it can’t judge may come again',
    async (_how, fail) => {
      expect(await outcome(await sign(one))).toBe('valid')
      fail(server)
      clock.advance(2 * hour)
      expect(await outcome(await sign(one))).toBe('valid')
      clock.advance(5_000)
      expect(await outcome(await sign(two))).toBe('unavailable')
      expect(failures).toHaveLength(2)
      server.publish(two.published)
      clock.advance(5_000)
      expect(await outcome(await sign(two))).toBe('valid')
    },
  )

  it.each(failing)(
    'that were never there, because the server %s, make no token a bad one',
    async (_how, fail) => {
      fail(server)
      expect(await outcome(await sign(one))).toBe('unavailable')
      expect(await outcome(await sign(one))).toBe('unavailable') // and the server is asked once in five seconds
      expect(server.requests).toBe(1)
      server.publish(one.published)
      clock.advance(5_000)
      expect(await outcome(await sign(one))).toBe('valid')
    },
  )

  it.each([
    [
      'with an error around them',
      (response: ServerResponse, set: string) => response.writeHead(404).end(set),
    ],
    [
      'behind more than anybody will read',
      (response: ServerResponse, set: string) => response.end(' '.repeat(300_000) + set),
    ],
  ])('are none %s', async (_how, answer) => {
    const set = JSON.stringify({ keys: [one.published] })
    server.misbehave((response) => answer(response, set))
    expect(await outcome(await sign(one))).toBe('unavailable')
  })

  it('delay nobody who has a known key while requests hang', async () => {
    expect(await outcome(await sign(one))).toBe('valid')
    server.misbehave(() => {})
    clock.advance(hour)
    expect(await outcome(await sign(one))).toBe('valid') // waited for the first
    clock.advance(5_000)
    expect(await outcome(await sign(one))).toBe('valid')
    await server.asked(3) // one is under way, and the answer didn't wait for it
    expect(failures).toHaveLength(1)
  })

  it('nobody listens: no token is a bad one', async () => {
    await server.stop()
    expect(await outcome(await sign(one))).toBe('unavailable')
    expect(String(failures[0])).toContain('127.0.0.1')
  })

  it('an end tells whoever waits', async () => {
    server.misbehave(() => {})
    const waiting = outcome(await sign(one))
    await server.asked(1)
    verifier.close()
    expect(await waiting).toBe('unavailable')
  })

  it('can be fetched before anybody comes', async () => {
    await verifier.prepare()
    expect(server.requests).toBe(1)
    expect(await outcome(await sign(one))).toBe('valid')
    expect(server.requests).toBe(1)
  })

  it('are taken over from the verifier before, also while their server is away; another server has to answer first', async () => {
    const sources = new KeySources()
    const failed: unknown[] = []
    const make = (endpoint: string) =>
      createTokenVerifier({
        connection: { jwks: { endpoint, cacheMs: hour } },
        sources,
        clock,
        onNoKeys: (error) => failed.push(error),
      })
    const first = make(server.url)
    expect(await first.prepare()).toBe(true)
    await server.stop()
    const second = make(server.url)
    const elsewhere = make(server.url.replace('http://', 'http://ana:planted-word@'))
    clock.advance(5_000)
    expect(await second.prepare()).toBe(true)
    expect(await elsewhere.prepare()).toBe(false)
    expect(JSON.stringify(failed.map(String))).not.toContain('planted-word')
    first.close()
    first.close() // once is as good as twice: the other one still needs them
    const token = await sign(one)
    expect((await second.verify(token)).outcome).toBe('valid')
    expect((await elsewhere.verify(token)).outcome).toBe('unavailable')
    second.close()
    elsewhere.close()
  })

  it('that are asked for are waited for, before the verifier that asks is closed', async () => {
    const set = JSON.stringify({ keys: [one.published] })
    let answer = (): void => {}
    server.misbehave((response) => (answer = () => void response.end(set)))
    const waiting = outcome(await sign(one))
    await server.asked(1)
    const idle = verifier.idle()
    answer()
    await idle
    verifier.close()
    expect(await waiting).toBe('valid')
  })

  it('serve a token that names none only where there is no choice', async () => {
    const nameless = await sign({ ...one, published: {} })
    expect(await outcome(nameless)).toBe('valid')
    server.publish(one.published, two.published)
    clock.advance(hour)
    expect(await outcome(nameless)).toBe('invalid')
  })

  it.each([
    ['for encryption', { use: 'enc' }],
    ['for something else', { key_ops: ['sign'] }],
    ['for another algorithm', { alg: 'ES384' }],
  ])('%s check no signatures', async (_what, more: JWK) => {
    const odd = await pair('odd', 'ES256', more)
    server.publish(one.published, odd.published)
    expect(await outcome(await sign(odd))).toBe('invalid')
    expect(await outcome(await sign(one))).toBe('valid')
  })

  it('are no secrets: one that was published signs nothing', async () => {
    const secret = new TextEncoder().encode('a secret that everybody can read now')
    server.publish(one.published, { kty: 'oct', kid: 'k', k: Buffer.from(secret).toString('base64url') })
    const token = await new SignJWT({}).setProtectedHeader({ alg: 'HS256', kid: 'k' }).sign(secret)
    expect(await verifier.verify(token)).toEqual({ outcome: 'invalid', reason: 'algorithm' })
    expect(server.requests).toBe(0)
  })

  it('of every algorithm that has a public key are taken', async () => {
    for (const alg of ['RS256', 'PS384', 'ES512', 'EdDSA']) {
      const other = await pair(alg, alg)
      server.publish(one.published, { kty: 'future', kid: 'x' }, other.published)
      clock.advance(5_000)
      expect(await outcome(await sign(other, alg))).toBe('valid')
    }
  })
})
