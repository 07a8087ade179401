import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  adviceOf,
  CALM_MS,
  isRefusingAt,
  levelAfter,
  NEAR_MS,
  pauseAfter,
  shareOf,
  type Level,
  type Reading,
} from './levels.js'

const at = (share: number, onFull: Reading['onFull'] = 'refuse'): Reading => ({
  bytes: Math.round(share * 1_000_000),
  maxBytes: 1_000_000,
  onFull,
})

/** The changes of level over a walk. */
function walk(shares: readonly number[]): [Level, Level][] {
  const changes: [Level, Level][] = []
  let level: Level = 0
  for (const share of shares) {
    const next = levelAfter(level, at(share), false)
    if (next !== level) changes.push([level, next])
    level = next
  }
  return changes
}

describe('levels of a stream', () => {
  it('each is reached once on the way up and left once on the way down', () => {
    const up = Array.from({ length: 1_001 }, (_, i) => i / 1_000)
    const [rise, fall] = [
      [0, 50, 75, 90, 100],
      [100, 90, 75, 50, 0],
    ].map((levels) => levels.slice(1).map((level, i) => [levels[i], level]))
    expect(walk([...up, ...up.toReversed()])).toEqual([...(rise ?? []), ...(fall ?? [])])
  })

  it('a stream that trembles around a level is told once (L1)', () => {
    expect(walk([0.49, 0.5, 0.49, 0.505, 0.485, 0.5])).toEqual([[0, 50]])
    expect(walk([0.9, 0.885, 0.899, 0.9])).toEqual([[0, 90]])
    expect(walk([0.9, 0.879])).toEqual([
      [0, 90],
      [90, 75],
    ])
  })

  it('a change is told only when the share went a whole step, from any level to any share', () => {
    const level = fc.constantFrom<Level>(0, 50, 75, 90, 100)
    fc.assert(
      fc.property(level, fc.double({ min: 0, max: 1.2, noNaN: true }), (before, share) => {
        const after = levelAfter(before, at(share), false)
        expect(levelAfter(after, at(share), false)).toBe(after) // a second look at the same tells nothing new
        const reachedAt = after === 100 ? 0.99 : after / 100
        if (after > before) expect(share).toBeGreaterThanOrEqual(reachedAt - 1e-6)
        if (after < before) expect(share).toBeLessThan((before === 100 ? 0.99 : before / 100) - 0.02 + 1e-6)
      }),
    )
  })

  it('a stream that refuses is full a message before its last byte; one that is half empty only met a big message (L2)', () => {
    expect(levelAfter(75, at(0.89), true)).toBe(100)
    expect(levelAfter(75, at(0.8), true)).toBe(75)
    expect(levelAfter(100, at(0.93), false)).toBe(90)
  })

  it('publications are refused from 90 on, where the stream refuses, and never where it forgets (L3)', () => {
    const levels: Level[] = [0, 50, 75, 90, 100]
    expect(levels.filter((level) => isRefusingAt(level, at(1)))).toEqual([90, 100])
    expect(levels.filter((level) => isRefusingAt(level, at(1, 'forget')))).toEqual([])
  })

  it('a stream without a limit is at no level', () => {
    const endless: Reading = { bytes: 10 ** 12, maxBytes: 0, onFull: 'refuse' }
    expect([shareOf(endless), levelAfter(0, endless, true)]).toEqual([0, 0])
  })

  it('the fuller a stream that refuses, the sooner the next look', () => {
    expect([0.1, 0.4, 0.79, 0.8, 1].map((share) => pauseAfter(at(share)))).toEqual([
      CALM_MS,
      1_000,
      1_000,
      NEAR_MS,
      NEAR_MS,
    ])
    expect([pauseAfter(undefined), pauseAfter(at(1, 'forget'))]).toEqual([CALM_MS, CALM_MS]) // L4
  })

  it('the advice names what can be done, and says when it is over', () => {
    for (const level of [50, 75, 90, 100] as const) {
      expect(adviceOf(0, level, at(level / 100))).toMatch(
        /persistence.*nats\.hot_for.*nats\.stream_max_bytes/,
      )
    }
    expect(adviceOf(100, 90, at(0.95))).toContain('still refused')
    expect(adviceOf(90, 75, at(0.8))).toBe('Publications are taken')
    expect(adviceOf(75, 90, at(0.9, 'forget'))).toContain('oldest')
  })
})
