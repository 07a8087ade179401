import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { natter, type RunOptions } from '../../test/natter.js'

const secret = 'a-secret-of-a-test'
const env = { NATTER_CLIENT_TOKEN_HMAC_SECRET_KEY: secret }

type Json = Record<string, unknown>

async function make(line: readonly string[], options: RunOptions = { env }): Promise<string> {
  const { code, out, err } = await natter(line, options)
  expect([code, err]).toEqual([0, ''])
  return out.trim()
}

async function check(
  token: string,
  options: RunOptions = { env },
  more: readonly string[] = [],
): Promise<Json> {
  const { code, out } = await natter(['check-token', token, '--json', ...more], options)
  const verdict = JSON.parse(out) as Json
  expect(code).toBe(verdict['good'] === true ? 0 : 1)
  return verdict
}

describe('natter token', () => {
  it('makes one that a gateway with these settings takes, with all that was said', async () => {
    const token = await make([
      'token',
      '--user=ann',
      '--expires=5m',
      '--info={"name":"Ann"}',
      '--channels=news,chat:lobby',
      '--meta={"plan":1}',
      '--caps=[{"channels":["news"],"allow":["pub"]}]',
      '--id=j1',
      '--subs={"a":{"data":1}}',
      '--claims={"extra":true}',
    ])
    const verdict = await check(token)
    expect(verdict).toMatchObject({
      good: true,
      kind: 'connection',
      key: 'client.token_hmac_secret_key, NATTER_CLIENT_TOKEN_HMAC_SECRET_KEY',
      header: { alg: 'HS256' },
      claims: {
        sub: 'ann',
        info: { name: 'Ann' },
        channels: ['news', 'chat:lobby'],
        meta: { plan: 1 },
        subs: { a: { data: 1 } },
        jti: 'j1',
        extra: true,
      },
    })
    const { exp, iat } = verdict['claims'] as { exp: number; iat: number }
    expect(exp - iat).toBe(300)
  })

  it('ends in an hour if nothing else is said, and never only where that is said', async () => {
    const { claims } = (await check(await make(['token', '--user', 'ann']))) as { claims: Json }
    expect(Number(claims['exp']) - Number(claims['iat'])).toBe(3_600)
    const forever = await check(await make(['token', '--user', 'ann', '--expires', 'never']))
    expect(forever).toMatchObject({ good: true })
    expect(forever['claims']).not.toHaveProperty('exp')
  })

  it('puts in what the settings ask for: aud, iss, and the user under the name that is read', async () => {
    const strict = {
      ...env,
      NATTER_CLIENT_TOKEN_AUDIENCE: 'mesh',
      NATTER_CLIENT_TOKEN_ISSUER: 'https://auth.example.com',
      NATTER_CLIENT_TOKEN_USER_ID_CLAIM: 'uid',
    }
    const token = await make(['token', '--user', 'ann'], { env: strict })
    const claims = { uid: 'ann', aud: 'mesh', iss: 'https://auth.example.com' }
    expect(await check(token, { env: strict })).toMatchObject({ good: true, claims })
  })

  it('prints the token and nothing else, so that it can be put into a variable', async () => {
    const { out, err } = await natter(['token', '--user', 'ann'], { env })
    expect(out).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
    expect(err).toBe('')
  })

  it('takes a secret from a flag with a warning, and never prints one', async () => {
    const { code, out, err } = await natter(['token', '--secret', 'hunter2-hunter2', '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(err)).toMatchObject({ warning: { code: 'secret-in-sight' } })
    expect(out + err).not.toContain('hunter2')
  })

  it('warns of one that these gateways would refuse, because it shows only when a client connects', async () => {
    const { code, err } = await natter(['token', '--secret', 'another-secret', '--json'], { env })
    expect(code).toBe(0)
    expect(err).toContain('would-be-refused')
    expect(err).toContain('another secret')
  })

  it('says what it could be signed with, where there is nothing', async () => {
    const { code, err } = await natter(['token', '--user', 'ann', '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(err)).toMatchObject({ error: { code: 'no-signing-key' } })
    expect(err).toContain('NATTER_CLIENT_TOKEN_HMAC_SECRET_KEY_FILE')
  })

  it('takes one place of a key', async () => {
    const { code, err } = await natter(['token', '--secret', 'a', '--secret-file', 'b'])
    expect([code, err]).toEqual([
      2,
      '--secret-file and --secret: keep one of them.\nSee natter token --help.\n',
    ])
  })
})

describe('natter token with files', () => {
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'natter-token-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const pairs = {
    RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    ES384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    ES512: () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
    EdDSA: () => generateKeyPairSync('ed25519'),
  }

  it.each([
    ['RS256', 'RSA', 'pem'],
    ['ES256', 'ECDSA', 'pem'],
    ['ES384', 'ECDSA', 'jwk'],
    ['ES512', 'ECDSA', 'pem'],
    ['EdDSA', 'EDDSA', 'jwk'],
  ] as const)(
    'signs %s with what the key is for, and a gateway with the public %s key takes it',
    async (algorithm, kind, form) => {
      const { privateKey, publicKey } = pairs[algorithm]()
      const text =
        form === 'jwk'
          ? JSON.stringify(privateKey.export({ format: 'jwk' }))
          : String(privateKey.export({ format: 'pem', type: 'pkcs8' }))
      writeFileSync(join(folder, 'private'), text)
      const publicPem = String(publicKey.export({ format: 'pem', type: 'spki' }))
      const keyEnv = { [`NATTER_CLIENT_TOKEN_${kind}_PUBLIC_KEY`]: publicPem }
      const token = await make(['token', '--user', 'ann', '--key-file', 'private', '--key-id', 'k1'], {
        cwd: folder,
        env: keyEnv,
      })
      expect(await check(token, { env: keyEnv })).toMatchObject({
        good: true,
        header: { alg: algorithm, kid: 'k1' },
        key: expect.stringContaining(`client.token_${kind.toLowerCase()}_public_key`),
      })
    },
  )

  it('refuses an algorithm that the key is not for, and a file that holds none', async () => {
    const { privateKey, publicKey } = pairs.ES256()
    writeFileSync(join(folder, 'private'), String(privateKey.export({ format: 'pem', type: 'pkcs8' })))
    writeFileSync(join(folder, 'public'), String(publicKey.export({ format: 'pem', type: 'spki' })))
    const say = async (...more: string[]) => (await natter(['token', ...more], { cwd: folder })).err
    expect(await say('--key-file', 'private', '--algorithm', 'RS256')).toContain(
      'The key is for ES256, not for RS256.',
    )
    expect(await say('--key-file', 'public')).toContain('--key-file holds no private key')
    expect(await say('--key-file', 'absent')).toContain(
      "--key-file names absent, which can't be read: there is none.",
    )
    expect(await say('--secret-file', 'private', '--algorithm', 'ES256')).toContain(
      'ES256 takes a private key',
    )
  })

  it('finds the secret in the settings’ file, in a file that a variable names, and in the mesh of this machine', async () => {
    writeFileSync(join(folder, 'natter.yaml'), 'client:\n  token_hmac_secret_key: in-the-settings\n')
    const ofFile = await make(['token', '--user', 'ann'], { cwd: folder })
    expect(await check(ofFile, { cwd: folder })).toMatchObject({
      good: true,
      key: `client.token_hmac_secret_key, file ${join(folder, 'natter.yaml')}`,
    })
    rmSync(join(folder, 'natter.yaml'))
    writeFileSync(join(folder, 'secret'), `${secret}\n`)
    const named = { NATTER_CLIENT_TOKEN_HMAC_SECRET_KEY_FILE: 'secret' }
    expect(await check(await make(['token'], { env: named, cwd: folder }))).toMatchObject({ good: true })
    mkdirSync(join(folder, '.natter'))
    writeFileSync(join(folder, '.natter', 'secrets.json'), JSON.stringify({ tokenHmacSecretKey: secret }))
    const local = await make(['token', '--user', 'ann'], { cwd: folder })
    expect(await check(local)).toMatchObject({ good: true })
    expect(await check(local, { cwd: folder })).toMatchObject({
      key: `the mesh of this machine, in ${join(folder, '.natter')}`,
    })
  })

  it('isn’t stopped by what is wrong in another section, and is by what is wrong in its own', async () => {
    const token = ['token', '--user', 'ann']
    await make(token, { env: { ...env, NATTER_GATEWAY_PORT: 'nonsense' } })
    const { code, err } = await natter(token, { env: { ...env, NATTER_CLIENT_PING_INTERVAL: 'soon' } })
    expect(code).toBe(1)
    expect(err).toContain('client.ping_interval')
  })
})

describe('natter sub-token', () => {
  it('makes one for a channel, with the keys of subscription tokens where there are some', async () => {
    const line = [
      'sub-token',
      '--channel',
      '$chat:ann',
      '--user',
      'ann',
      '--info',
      '1',
      '--sub-data',
      '{"a":1}',
      '--allow',
      'pub',
    ]
    const claims = { channel: '$chat:ann', sub: 'ann', info: 1, data: { a: 1 }, allow: ['pub'] }
    expect(await check(await make(line))).toMatchObject({ good: true, kind: 'subscription', claims })
    const apart = { ...env, NATTER_CLIENT_SUBSCRIPTION_TOKEN_HMAC_SECRET_KEY: 'for-subscriptions' }
    const token = await make(line, { env: apart })
    expect(await check(token, { env: apart })).toMatchObject({
      good: true,
      key: expect.stringContaining('client.subscription_token_hmac_secret_key'),
    })
    expect(await check(token)).toMatchObject({ good: false, reason: 'signature' })
  })

  it('wants a channel', async () => {
    expect(await natter(['sub-token', '--user', 'ann'])).toMatchObject({ code: 2 })
  })
})

function makeKeyFile(text: string): { file: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'natter-key-'))
  writeFileSync(join(folder, 'key'), text)
  return { file: join(folder, 'key'), remove: () => rmSync(folder, { recursive: true }) }
}

describe('natter check-token', () => {
  const changed = async (...more: string[]): Promise<Json> => check(await make(['token', ...more]))

  it('says why a token is refused, as a gateway would, and what the client is told', async () => {
    const good = await make(['token', '--user', 'ann'])
    const wrong = { NATTER_CLIENT_TOKEN_HMAC_SECRET_KEY: 'another' }
    expect(await check(good, { env: wrong })).toMatchObject({
      good: false,
      reason: 'signature',
      answer: { code: 3500 },
    })
    expect(await check(good, { env: {} })).toMatchObject({ good: false, reason: 'no-key-configured' })
    expect(await check('nonsense')).toMatchObject({ good: false, reason: 'malformed' })
    const strict = { ...env, NATTER_CLIENT_TOKEN_AUDIENCE: 'mesh' }
    const verdict = await check(good, { env: strict })
    expect(verdict).toMatchObject({ good: false, reason: 'claim-aud', key: expect.any(String) })
    expect(verdict['why']).toContain('its aud is not "mesh", which client.token_audience asks for')
  })

  it('knows expired ones, users that are numbers, and tokens of the other kind', async () => {
    const { err, out } = await natter(['token', '--claims', '{"exp":1}', '--json'], { env })
    expect(err).toContain('its time is over')
    const { token } = JSON.parse(out) as { token: string }
    expect(await check(token)).toMatchObject({ outcome: 'expired', answer: { code: 109 } })
    const number = await natter(['token', '--claims', '{"sub":7}'], { env })
    expect(await check(number.out.trim())).toMatchObject({
      reason: 'claim-sub',
      why: 'its sub is no text: a user is a text, never a number.',
    })
    const sub = await make(['sub-token', '--channel', 'a'])
    expect(await check(sub, { env }, ['--kind', 'connection'])).toMatchObject({ reason: 'claim-channel' })
    expect(await changed('--user', 'ann')).toMatchObject({ good: true })
  })

  it('knows tokens of nobody where the settings turn them away', async () => {
    const token = await make(['token'])
    expect(await check(token)).toMatchObject({ good: true })
    const strict = { ...env, NATTER_CLIENT_DISALLOW_ANONYMOUS_CONNECTION_TOKENS: 'true' }
    expect(await check(token, { env: strict })).toMatchObject({ good: false, answer: { code: 3507 } })
  })

  it('names the key before, so that one knows when it can go', async () => {
    const token = await make(['token', '--user', 'ann'])
    const rotated = {
      NATTER_CLIENT_TOKEN_HMAC_SECRET_KEY: 'the-new-one',
      NATTER_CLIENT_TOKEN_PREVIOUS_HMAC_SECRET_KEY: secret,
    }
    expect(await check(token, { env: rotated })).toMatchObject({
      good: true,
      key: expect.stringContaining('client.token_previous_hmac_secret_key'),
    })
  })

  it('knows that nobody can tell while the published keys are away, and blames no token for that', async () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    const key = makeKeyFile(JSON.stringify(privateKey.export({ format: 'jwk' })))
    const away = { NATTER_CLIENT_TOKEN_JWKS_PUBLIC_ENDPOINT: 'http://127.0.0.1:1/keys' }
    const { out } = await natter(['token', '--user', 'ann', '--key-file', key.file], { env: away })
    key.remove()
    const verdict = await check(out.trim(), { env: away })
    expect(verdict).toMatchObject({ good: false, outcome: 'unavailable', answer: { code: 100 } })
    expect(verdict['why']).toContain("can't be fetched from http://127.0.0.1:1/keys")
  })

  it('reads it from standard input, where it is kept out of the shell’s memory', async () => {
    const token = await make(['token', '--user', 'ann'])
    const { code, out } = await natter(['check-token'], { env, stdin: `${token}\n` })
    expect(code).toBe(0)
    expect(out).toContain('Good: it lets its bearer connect.')
    expect(out).toMatch(/sub +ann/)
    expect(out).toMatch(/exp +\d+, \d{4}-.*Z, in 60 min/)
  })

  it('shows what a token says as text, whatever its writer put in', async () => {
    const { out } = await natter(['token', '--claims', JSON.stringify({ sub: '\u001b[31mred' })], { env })
    const shown = await natter(['check-token', out.trim()], { env })
    expect(shown.out).toContain('\\u001b[31mred')
    expect(shown.out).not.toContain('\u001b')
  })
})
