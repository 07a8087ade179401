import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'

describe('what properties draw from', () => {
  it('reaches the bound that is named: a law about long texts must see one', () => {
    const lengths = fc
      .sample(fc.array(fc.nat(), { maxLength: 200 }), { numRuns: 200, seed: 1 })
      .map((one) => one.length)
    expect(Math.max(...lengths)).toBeGreaterThan(150)
  })
})
