import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Revocation } from './revocation.js'
import { RevokedSet, type Subject, type Verdict } from './revoked-set.js'

const user = fc.constantFrom('ana', 'bo')
const tokenId = fc.constantFrom('t1', 't2')
const moment = fc.integer({ min: 1, max: 20 })
const end = fc.option(moment, { nil: undefined }).map((at) => (at === undefined ? {} : { expiresAtMs: at }))

const revocation: fc.Arbitrary<Revocation> = fc.oneof(
  fc.tuple(user, end).map(([name, until]) => Object.assign({ kind: 'block' as const, user: name }, until)),
  user.map((name) => ({ kind: 'block' as const, user: name, isLifted: true as const })),
  fc.tuple(tokenId, end).map(([id, until]) => Object.assign({ kind: 'token' as const, tokenId: id }, until)),
  fc
    .tuple(user, moment, end)
    .map(([name, issuedBeforeMs, until]) =>
      Object.assign({ kind: 'before' as const, user: name, issuedBeforeMs }, until),
    ),
)

const subject: fc.Arbitrary<Subject> = fc.record({
  user: fc.constantFrom('', 'ana', 'bo'),
  isByToken: fc.boolean(),
  tokenId: fc.option(tokenId, { nil: undefined }),
  issuedAtMs: fc.option(moment, { nil: undefined }),
})

/** The rules, said slowly: of each kind and name the newest counts. */
function expected(told: readonly Revocation[], who: Subject, nowMs: number): Verdict {
  const holds = (fits: (one: Revocation) => boolean): Revocation | undefined => {
    const newest = told.findLast((one) => fits(one))
    return newest !== undefined && (newest.expiresAtMs ?? Infinity) > nowMs ? newest : undefined
  }
  const block = holds((one) => one.kind === 'block' && one.user === who.user)
  if (block?.kind === 'block' && block.isLifted !== true) return 'blocked'
  if (!who.isByToken) return 'good'
  if (holds((one) => one.kind === 'token' && one.tokenId === who.tokenId) !== undefined) return 'revoked'
  const before = holds((one) => one.kind === 'before' && one.user === who.user)
  if (before?.kind !== 'before') return 'good'
  return who.issuedAtMs === undefined || who.issuedAtMs < before.issuedBeforeMs ? 'invalidated' : 'good'
}

describe('who may not come in any more', () => {
  it('is who the newest record of each kind and name says, until it expires, cleared away or not (RV1)', () => {
    fc.assert(
      fc.property(fc.array(revocation, { maxLength: 12 }), subject, moment, (told, who, nowMs) => {
        const set = new RevokedSet()
        for (const one of told) set.put(one)
        expect(set.verdict(who, nowMs)).toBe(expected(told, who, nowMs))
        set.dropExpired(nowMs)
        expect(set.verdict(who, nowMs)).toBe(expected(told, who, nowMs))
      }),
    )
  })

  it('is, after a round, who was told in it alone, and during it who was known before as well (RV2)', () => {
    fc.assert(
      fc.property(
        fc.array(revocation, { maxLength: 8 }),
        fc.array(revocation, { maxLength: 8 }),
        subject,
        (before, told, who) => {
          const set = new RevokedSet()
          for (const one of before) set.put(one)
          set.beginRound()
          const known = set.verdict(who, 0)
          expect(known).toBe(expected(before, who, 0))
          for (const one of told) set.put(one)
          set.endRound()
          expect(set.verdict(who, 0)).toBe(expected(told, who, 0))
        },
      ),
    )
  })

  it('forgets what has expired, and counts what is left', () => {
    const set = new RevokedSet()
    set.put({ kind: 'block', user: 'ana', expiresAtMs: 5 })
    set.put({ kind: 'token', tokenId: 't1' })
    set.put({ kind: 'before', user: 'ana', issuedBeforeMs: 1, expiresAtMs: 9 })
    expect(set.sizes).toEqual({ block: 1, token: 1, before: 1 })
    set.dropExpired(5)
    expect([set.size, set.has('block', 'ana'), set.has('token', 't1')]).toEqual([2, false, true])
  })
})
