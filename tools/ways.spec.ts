import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { isAtLeast } from './ways.mjs'

describe('the version of a program', () => {
  it.each([
    ['2.14.5', true],
    ['2.15.0', true],
    ['3.0.0', true],
    ['2.14.4', false],
    ['2.9.10', false],
  ])('%s is new enough: %s', (version, isEnough) => {
    expect(isAtLeast(version, '2.14.5')).toBe(isEnough)
  })

  it('is compared by numbers, never as text', () => {
    const part = fc.integer({ min: 0, max: 200 })
    const version = fc.tuple(part, part, part)
    fc.assert(
      fc.property(version, version, (a, b) => {
        const order = a[0] - b[0] || a[1] - b[1] || a[2] - b[2]
        expect(isAtLeast(a.join('.'), b.join('.'))).toBe(order >= 0)
      }),
    )
  })
})
