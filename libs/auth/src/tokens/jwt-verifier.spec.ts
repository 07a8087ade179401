import { describe, expect, it } from '@jest/globals'
import { Buffer } from 'node:buffer'
import { createHmac } from 'node:crypto'
import type { Clock } from '@natter/primitives'
import { createTokenVerifier } from './jwt-verifier.js'
import { NoTokens, type TokenVerdict } from './token-verifier.js'

const NOW_S = 1_700_000_000
const clock: Clock = { now: () => NOW_S * 1000, setTimer: () => ({ cancel() {} }) }
const verifier = createTokenVerifier({
  connection: { hmacSecret: 'secret', previousHmacSecret: 'old' },
  clock,
})

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
