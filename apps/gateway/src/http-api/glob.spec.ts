import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { compileGlob } from './glob.js'

describe('a pattern of channel names', () => {
  it.each([
    ['*', 'anything:at all', true],
    ['room:*', 'room:a', true],
    ['room:*', 'rooms:a', false],
    ['*:a', 'room:a', true],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['?', 'é', true],
    ['??', 'a', false],
    ['[a-c]x', 'bx', true],
    ['[!a-c]x', 'bx', false],
    ['[!a-c]x', 'dx', true],
    ['{room,chat}:{1,2}', 'chat:2', true],
    ['{room,chat}:{1,2}', 'chat:3', false],
    ['{a,{b,c}}', 'c', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['\\{a', '{a', true],
    ['', '', true],
  ])('%s and %s: %s', (pattern, text, fits) => {
    expect(compileGlob(pattern)(text)).toBe(fits)
  })

  it.each(['[a', '{a', '{{{{a,b}{a,b},c}{a,b}', '{a,b}'.repeat(8)])('%s is none', (pattern) => {
    expect(() => compileGlob(pattern)).toThrow(/no pattern/)
  })

  it('matches as a regular expression would, and in the time that its length allows (GL1)', () => {
    const unit = fc.constantFrom('a', 'b', '*', '?')
    fc.assert(
      fc.property(
        fc.string({ unit, maxLength: 8 }),
        fc.string({ unit: fc.constantFrom('a', 'b') }),
        (pattern, text) => {
          const expression = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'u')
          expect(compileGlob(pattern)(text)).toBe(expression.test(text))
        },
      ),
    )
    expect(compileGlob('*a'.repeat(120))(`${'a'.repeat(255)}b`)).toBe(false)
  })
})
