import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { duration, parseDuration } from './duration.js'

describe('a duration', () => {
  it.each([
    ['250ms', 250],
    ['25s', 25_000],
    ['10m', 600_000],
    ['1h30m', 5_400_000],
    ['720h', 2_592_000_000],
    ['1.5s', 1500],
    ['0s', 0],
    ['400', 400],
  ])('%s is %i ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  it.each(['', 's', '-5s', '5 s', '5S', '5sec', '1e3', 'NaN', 'Infinity', '5s!'])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined()
  })

  it('of any units adds up, whatever their order', () => {
    const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
    const part = fc.tuple(fc.nat(5000), fc.constantFrom(...(Object.keys(units) as (keyof typeof units)[])))
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
        const text = parts.map(([amount, unit]) => `${amount}${unit}`).join('')
        const expectedMs = parts.reduce((sum, [amount, unit]) => sum + amount * units[unit], 0)
        expect(parseDuration(text)).toBe(expectedMs)
      }),
    )
  })

  it('may be a plain number of milliseconds, from a file as from text', () => {
    expect(duration().parse(1500)).toBe(1500)
    expect(duration().parse('1500')).toBe(1500)
  })

  it('is refused outside its bounds, and the sentence names them', () => {
    const result = duration({ minMs: 1000, maxMs: 5000 }).safeParse('6s')
    expect(result.error?.issues[0]?.message).toContain('at least 1000ms and at most 5000ms')
    expect(duration().safeParse(-1).success).toBe(false)
    expect(duration().safeParse(1.5).success).toBe(false)
    expect(duration().safeParse(Number.NaN).success).toBe(false)
  })
})
