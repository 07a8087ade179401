import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { cutReason } from './close-reason.js'

describe('cutReason', () => {
  it('keeps as many whole characters as 123 bytes hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200, size: 'max' }), (reason) => {
        const cut = cutReason(reason)
        const bytes = Buffer.byteLength(cut)
        expect(reason.startsWith(cut)).toBe(true)
        expect(bytes).toBeLessThanOrEqual(123)
        const next = String.fromCodePoint(reason.codePointAt(cut.length) ?? 0)
        if (cut !== reason) expect(bytes + Buffer.byteLength(next)).toBeGreaterThan(123)
      }),
    )
  })
})
