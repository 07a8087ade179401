import { describe, expect, it } from '@jest/globals'
import { judgeName } from './display-name.js'

const codeOf = (input: unknown): string => {
  const verdict = judgeName(input)
  return verdict.ok ? 'ok' : verdict.code
}

describe('a name at the door', () => {
  it('is one user in every spelling, so that two pages of one person are not two people', () => {
    const users = ['Ana María', ' ana  maría ', 'ANA MARI\u0301A'].map((name) => {
      const verdict = judgeName(name)
      return verdict.ok ? verdict.user : verdict.code
    })
    expect(new Set(users)).toEqual(new Set(['ana-maría']))
  })

  it('is counted in characters as people count them, not in code units', () => {
    expect(codeOf('🙂'.repeat(32))).toBe('ok')
    expect(codeOf('a'.repeat(33))).toBe('name-too-long')
  })

  it('is refused with a code that says what to change', () => {
    expect(codeOf(undefined)).toBe('name-missing')
    expect(codeOf('  \t ')).toBe('name-missing')
    expect(codeOf('a\u0007b')).toBe('name-not-printable')
    expect(codeOf('a\u202Eb')).toBe('name-not-printable')
    expect(codeOf('a\nb')).toBe('name-not-printable')
  })

  it('that differs only in signs stays somebody else', () => {
    const [first, second] = ['!!!', '???'].map((name) => judgeName(name))
    expect(first).not.toEqual(second)
  })
})
