import { describe, expect, it } from '@jest/globals'
import { Buffer } from 'node:buffer'
import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import type { Clock } from '@natter/primitives'
import { createTokenVerifier } from './jwt-verifier.js'
import {
  NoTokens,
  type ConnectionClaims,
  type SubscriptionClaims,
  type TokenVerdict,
} from './token-verifier.js'

const NOW_S = 1_700_000_000
const clock: Clock = { now: () => NOW_S * 1000, setTimer: () => ({ cancel() {} }) }
const verifier = createTokenVerifier({
  connection: { hmacSecret: 'secret', previousHmacSecret: 'old' },
  clock,
})

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const encode = (text: string): string => Buffer.from(text).toString('base64url')

/** Signs by hand, so that the tests don't believe what the code believes. */
function sign(
  payload: string,
  { secret = 'secret', header = '{"alg":"HS256","typ":"JWT"}', hash = 'sha256' } = {},
) {
  const body = `${encode(header)}.${encode(payload)}`
  return `${body}.${createHmac(hash, secret).update(body).digest('base64url')}`
}

const claims = (object: Record<string, unknown>): string => sign(JSON.stringify(object))
const invalid = (reason: string): TokenVerdict => ({ outcome: 'invalid', reason })
const infoOf = (verdict: TokenVerdict): string | undefined =>
  verdict.outcome === 'valid' && verdict.claims.connInfo
    ? new TextDecoder().decode(verdict.claims.connInfo)
    : undefined

describe('connection tokens', () => {
  it.each([
    ['a user with an expiry', { sub: 'u', exp: NOW_S + 60 }, { user: 'u', expiresAtMs: (NOW_S + 60) * 1000 }],
    ['no sub is the anonymous user', { iat: 1 }, { user: '', issuedAtMs: 1000 }],
    ['an empty sub too', { sub: '' }, { user: '' }],
    ['no exp is a connection without end', { sub: 'u' }, { user: 'u' }],
    [
      'expire_at overrules exp for the connection',
      { exp: NOW_S + 60, expire_at: NOW_S + 9 },
      { user: '', expiresAtMs: (NOW_S + 9) * 1000 },
    ],
    ['expire_at 0 is a connection without end', { exp: NOW_S + 60, expire_at: 0 }, { user: '' }],
    [
      'a connection that ended before it began is for the gateway to answer (110)',
      { expire_at: 5 },
      { user: '', expiresAtMs: 5000 },
    ],
    ['unknown claims are ignored', { sub: 'u', role: 'admin' }, { user: 'u' }],
    ['nbf in the past', { sub: 'u', nbf: NOW_S - 1 }, { user: 'u' }],
  ])('[12.1] %s', async (_rule, payload, expected) => {
    expect(await verifier.verify(claims(payload))).toEqual({ outcome: 'valid', claims: expected })
  })

  it.each([
    ['exp has passed', { exp: NOW_S - 1 }],
    ['exp is now', { exp: NOW_S }],
    ['nbf is to come: the client fetches another one', { nbf: NOW_S + 60 }],
  ])('[12.1] expired: %s', async (_rule, payload) => {
    expect(await verifier.verify(claims(payload))).toEqual({ outcome: 'expired' })
  })

  it.each([
    ['a sub that is a number', { sub: 42 }, 'claim-sub'],
    ['a sub with half a surrogate pair: two users could become one', { sub: '\ud800' }, 'claim-sub'],
    ['a channel claim: it is a subscription token', { sub: 'u', channel: 'c' }, 'claim-channel'],
    ['an empty channel claim', { sub: 'u', channel: '' }, 'claim-channel'],
    ['an exp that is text', { exp: 'soon' }, 'claim-exp'],
    ['an exp in milliseconds: it would never end', { exp: 1_790_000_000_000 }, 'claim-exp'],
    ['an iat in milliseconds: no moment would be after it', { iat: 1_790_000_000_000 }, 'claim-iat'],
    ['an expire_at that is text', { expire_at: 'soon' }, 'claim-expire_at'],
    ['an expire_at below zero', { expire_at: -1 }, 'claim-expire_at'],
    ['b64info that is not base64', { b64info: '%' }, 'claim-b64info'],
    [
      'b64info that is not JSON inside: it would break every frame it is put in',
      { b64info: 'AP8=' },
      'claim-b64info',
    ],
  ])('[12.1] invalid: %s', async (_rule, payload, reason) => {
    expect(await verifier.verify(claims(payload))).toEqual(invalid(reason))
  })

  it('[12.1] what a token says of subscriptions, and for apps, is passed on as it was written', async () => {
    const verdict = await verifier.verify(
      sign(`{"sub":"u","jti":"t1","iat":7,"meta":{ "id":12345678901234567890 },"channels":["a","b"],
        "subs":{"b":{"info":1E2,"data": [1] ,"override":{"presence":{"value":true},"force_recovery":{"value":false}}},
        "c":{"b64info":"eyJ4IjoxfQ==","b64data":"AP8="}, "a\u0062":{}}}`),
    )
    if (verdict.outcome !== 'valid') throw new Error('the token is good')
    const { metaJson, subscriptions = new Map(), tokenId, issuedAtMs } = verdict.claims
    expect([metaJson, tokenId, issuedAtMs]).toEqual(['{ "id":12345678901234567890 }', 't1', 7_000])
    expect([...subscriptions]).toEqual([
      ['a', {}],
      ['b', { info: bytes('1E2'), data: bytes('[1]'), override: { presence: true, forceRecovery: false } }],
      ['c', { info: bytes('{"x":1}'), data: Uint8Array.of(0, 255) }],
      ['ab', {}],
    ])
  })

  it.each([
    ['channels that are no list', { channels: 'a' }, 'claim-channels'],
    ['a channel that is no text', { channels: [1] }, 'claim-channels'],
    ['subs that are no object', { subs: ['a'] }, 'claim-subs'],
    ['a sub that is no object', { subs: { a: true } }, 'claim-subs'],
    ['an info of a sub that is no JSON', { subs: { a: { b64info: 'AP8=' } } }, 'claim-b64info'],
    ['data of a sub that are no base64', { subs: { a: { b64data: '%' } } }, 'claim-b64data'],
    ['an override without value', { subs: { a: { override: { presence: true } } } }, 'claim-override'],
    ['an override that is none', { subs: { a: { override: 1 } } }, 'claim-override'],
    ['meta that is no object', { meta: 'x' }, 'claim-meta'],
  ])('[12.1] invalid: %s', async (_rule, payload, reason) => {
    expect(await verifier.verify(claims(payload))).toEqual(invalid(reason))
  })

  it('[12.1] null says nothing', async () => {
    const nothing = { sub: null, info: null, meta: null, channels: null, subs: null, expire_at: null }
    expect(await verifier.verify(claims(nothing))).toEqual({ outcome: 'valid', claims: { user: '' } })
  })

  it('[12.1] info reaches others as it was written, numbers beyond a double included', async () => {
    const info = '{"id":12345678901234567890, "n":1E2}'
    expect(infoOf(await verifier.verify(sign(`{"sub":"u","info": ${info}}`)))).toBe(info)
  })

  it('[12.1] b64info is info by another way, and goes first', async () => {
    const verdict = await verifier.verify(
      claims({ info: 1, b64info: Buffer.from('{"a":2}').toString('base64') }),
    )
    expect(infoOf(verdict)).toBe('{"a":2}')
  })

  it('a token signed with the previous secret holds while secrets change', async () => {
    const verdict = await verifier.verify(sign('{"sub":"u"}', { secret: 'old' }))
    expect(verdict).toEqual({ outcome: 'valid', claims: { user: 'u' } })
  })

  it('an expired token of the previous secret is expired, not forged', async () => {
    expect(await verifier.verify(sign('{"exp":1}', { secret: 'old' }))).toEqual({ outcome: 'expired' })
  })

  it('expiry is only told for a signature that holds', async () => {
    expect(await verifier.verify(sign('{"exp":1}', { secret: 'guess' }))).toEqual(invalid('signature'))
  })

  it.each([
    [
      'alg none without a signature',
      `${encode('{"alg":"none"}')}.${encode('{"sub":"admin"}')}.`,
      'algorithm',
    ],
    ['alg none in other letters', `${encode('{"alg":"NONE"}')}.${encode('{"sub":"admin"}')}.`, 'algorithm'],
    ['HS512 claimed over a signature of HS256', sign('{}', { header: '{"alg":"HS512"}' }), 'signature'],
    ['RS256 claimed over an HMAC', sign('{}', { header: '{"alg":"RS256"}' }), 'algorithm'],
    [
      'an extension that must be understood',
      sign('{}', { header: '{"alg":"HS256","crit":["x"],"x":1}' }),
      'malformed',
    ],
    [
      'a changed payload',
      sign('{"sub":"a"}').replace(encode('{"sub":"a"}'), encode('{"sub":"b"}')),
      'signature',
    ],
    ['no signature', sign('{}').replace(/[^.]*$/, ''), 'signature'],
    ['empty', '', 'malformed'],
    ['no token at all', 'hello', 'malformed'],
    ['two dots', '..', 'malformed'],
    ['a payload that is no object', sign('[1]'), 'malformed'],
    ['absurdly long: refused before any work', 'a'.repeat(32_769), 'too-long'],
  ])('refused: %s', async (_what, token, reason) => {
    expect(await verifier.verify(token)).toEqual(invalid(reason))
  })

  it('an empty secret is refused at once: anybody could sign for it', () => {
    expect(() => createTokenVerifier({ connection: { hmacSecret: '' }, clock })).toThrow(/empty/)
  })

  it('where no key is configured no token is believed', async () => {
    expect(await new NoTokens().verify()).toEqual(invalid('no-key-configured'))
  })
})

describe('subscription tokens', () => {
  const verify = (payload: object) => verifier.verifySubscription(claims({ channel: 'room:a', ...payload }))

  it.each([
    ['who and where', { sub: 'u' }, { user: 'u' }],
    ['nobody in particular', {}, { user: '' }],
    ['for one connection alone', { sub: 'u', client: 'c1' }, { user: 'u', client: 'c1' }],
    ['an empty client is any', { client: '' }, { user: '' }],
    ['exp ends the subscription too', { exp: NOW_S + 60 }, { user: '', expiresAtMs: (NOW_S + 60) * 1000 }],
    ['expire_at goes first', { exp: NOW_S + 60, expire_at: 9 }, { user: '', expiresAtMs: 9_000 }],
    ['0 is never', { exp: NOW_S + 60, expire_at: 0 }, { user: '' }],
    ['its own name', { jti: 't', iat: 7 }, { user: '', tokenId: 't', issuedAtMs: 7_000 }],
    [
      'what others and the client are told',
      { info: { a: 1 }, data: [2], override: { join_leave: { value: true } } },
      { user: '', info: bytes('{"a":1}'), data: bytes('[2]'), override: { joinLeave: true } },
    ],
  ])('[12.2] %s', async (_rule, payload, expected) => {
    expect(await verify(payload)).toEqual({ outcome: 'valid', claims: { channel: 'room:a', ...expected } })
  })

  it.each([
    ['no channel: it is a connection token', { channel: undefined }, 'claim-channel'],
    ['a channel that is no text', { channel: 1 }, 'claim-channel'],
    ['an empty channel', { channel: '' }, 'claim-channel'],
    ['a sub that is a number', { sub: 1 }, 'claim-sub'],
    ['a client that is a number', { client: 1 }, 'claim-client'],
    ['info that would break frames', { b64info: 'AP8=' }, 'claim-b64info'],
    ['an override that is none', { override: [] }, 'claim-override'],
    ['an expire_at that is text', { expire_at: 'soon' }, 'claim-expire_at'],
  ])('[12.2] invalid: %s', async (_rule, payload, reason) => {
    expect(await verify(payload)).toEqual(invalid(reason))
  })

  it('[12.2] has expired, or isn’t valid yet', async () => {
    expect(await verify({ exp: NOW_S })).toEqual({ outcome: 'expired' })
    expect(await verify({ nbf: NOW_S + 1 })).toEqual({ outcome: 'expired' })
  })

  it('[12.3] keys of their own are for them alone', async () => {
    const apart = createTokenVerifier({
      connection: { hmacSecret: 'secret' },
      subscription: { hmacSecret: 'other' },
      clock,
    })
    const [mine, other] = ['secret', 'other'].map((secret) => sign('{"channel":"a"}', { secret }))
    expect(await apart.verifySubscription(mine ?? '')).toEqual(invalid('signature'))
    expect((await apart.verifySubscription(other ?? '')).outcome).toBe('valid')
    expect((await apart.verify(claims({}))).outcome).toBe('valid')
    expect(await apart.verify(sign('{}', { secret: 'other' }))).toEqual(invalid('signature'))
  })

  it('[12.3] keys of their own alone leave connection tokens without any', async () => {
    const apart = createTokenVerifier({ connection: {}, subscription: { hmacSecret: 'other' }, clock })
    expect([apart.hasKeys, apart.hasSubscriptionKeys]).toEqual([false, true])
    expect(await apart.verify(claims({}))).toEqual(invalid('algorithm'))
  })
})

describe('[12.5] what else a token has to hold', () => {
  const judge = async (rules: object, payload: Record<string, unknown>): Promise<string> => {
    const strict = createTokenVerifier({ connection: { hmacSecret: 'secret', ...rules }, clock })
    const verdict = await strict.verify(claims(payload))
    return verdict.outcome === 'invalid' ? verdict.reason : verdict.outcome
  }

  it.each([
    [{ audience: 'mesh' }, { aud: 'mesh' }, 'valid'],
    [{ audience: 'mesh' }, { aud: ['other', 'mesh'] }, 'valid'],
    [{ audience: 'mesh' }, { aud: 'meshes' }, 'claim-aud'],
    [{ audience: 'mesh' }, { aud: [] }, 'claim-aud'],
    [{ audience: 'mesh' }, {}, 'claim-aud'],
    [{ audienceRegex: 'mesh-[a-z]+' }, { aud: 'mesh-eu' }, 'valid'],
    [{ audienceRegex: 'mesh-[a-z]+' }, { aud: [7, 'mesh-eu'] }, 'valid'],
    [{ audienceRegex: 'a|b' }, { aud: 'ab' }, 'claim-aud'],
    [{ issuer: 'https://us' }, { iss: 'https://us' }, 'valid'],
    [{ issuer: 'https://us' }, { iss: ['https://us'] }, 'claim-iss'],
    [{ issuer: 'https://us' }, {}, 'claim-iss'],
    [{ issuerRegex: 'https://us\\.example' }, { iss: 'https://us.example' }, 'valid'],
    [{ issuerRegex: 'https://us\\.example' }, { iss: 'https://us.example.evil' }, 'claim-iss'],
    [{ issuerRegex: 'https://us' }, { iss: 'evil https://us' }, 'claim-iss'],
    [{ leewayMs: 5_000 }, { exp: NOW_S - 4 }, 'valid'],
    [{ leewayMs: 5_000 }, { exp: NOW_S - 5 }, 'expired'],
    [{ leewayMs: 5_000 }, { nbf: NOW_S + 5 }, 'valid'],
    [{ leewayMs: 5_000 }, { nbf: NOW_S + 6 }, 'expired'],
    [{ audience: 'mesh' }, { aud: 'other', exp: 1 }, 'claim-aud'],
  ])('%j: %j is %s', async (rules, payload, expected) => {
    expect(await judge(rules, payload)).toBe(expected)
  })

  it('who is still within the leeway has an end that is still to come', async () => {
    const lenient = createTokenVerifier({ connection: { hmacSecret: 'secret', leewayMs: 5_000 }, clock })
    const verdict = await lenient.verify(claims({ exp: NOW_S - 4 }))
    expect(verdict).toMatchObject({ claims: { expiresAtMs: (NOW_S + 1) * 1000 } })
  })

  it('another claim may say who the user is', async () => {
    const renaming = createTokenVerifier({ connection: { hmacSecret: 'secret', userIdClaim: 'uid' }, clock })
    const named = await renaming.verify(claims({ sub: 'x', uid: 'ana' }))
    expect(named).toMatchObject({ claims: { user: 'ana' } })
    expect(await renaming.verify(claims({ sub: 'x', uid: 1 }))).toEqual(invalid('claim-uid'))
    const channel = await renaming.verifySubscription(claims({ channel: 'a', uid: 'ana' }))
    expect(channel).toMatchObject({ claims: { user: 'ana' } })
  })
})

describe('any claims at all', () => {
  const names = [
    'sub',
    'exp',
    'nbf',
    'iat',
    'jti',
    'expire_at',
    'info',
    'b64info',
    'data',
    'b64data',
    'channels',
  ]
  const more = ['subs', 'meta', 'channel', 'client', 'override', 'aud', 'iss', '__proto__', 'constructor']
  const claimed = fc.dictionary(
    fc.constantFrom(...names, ...more),
    fc.oneof(fc.jsonValue(), fc.string(), fc.integer(), fc.dictionary(fc.string(), fc.jsonValue())),
  )

  it('[12.1] [12.2] are judged, and what is believed can be told to others', async () => {
    const verdicts = new Set<string>()
    await fc.assert(
      fc.asyncProperty(claimed, async (payload) => {
        const token = sign(JSON.stringify(payload))
        for (const verdict of [await verifier.verify(token), await verifier.verifySubscription(token)]) {
          verdicts.add(verdict.outcome)
          if (verdict.outcome !== 'valid') continue
          const { claims: said } = verdict
          expect(typeof said.user).toBe('string')
          for (const info of infosIn(said)) JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(info))
          if ('metaJson' in said) expect(JSON.parse(said.metaJson ?? '')).toEqual(payload['meta'])
        }
      }),
      { numRuns: 1_000 },
    )
    expect([...verdicts].toSorted()).toEqual(['expired', 'invalid', 'valid'])
  })

  it('[12.3] any text is judged as a token', async () => {
    const part = fc.oneof(fc.string(), fc.base64String(), fc.json().map(encode))
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 4 }), async (parts) => {
        expect((await verifier.verify(parts.join('.'))).outcome).toBe('invalid')
      }),
      { numRuns: 500 },
    )
  })
})

function infosIn(said: ConnectionClaims | SubscriptionClaims): Uint8Array[] {
  const found = [
    'connInfo' in said ? said.connInfo : undefined,
    'info' in said ? said.info : undefined,
    ...('subscriptions' in said ? [...(said.subscriptions?.values() ?? [])].map(({ info }) => info) : []),
  ]
  return found.filter((info) => info !== undefined)
}
