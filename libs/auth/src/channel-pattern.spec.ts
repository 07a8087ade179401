import { describe, expect, it } from '@jest/globals'
import { channelPattern } from './channel-pattern.js'

describe('the expression of a namespace', () => {
  it.each([
    ['^[a-z]+$', ['abc', '', 'ab1', 'Abc']],
    ['[0-9]{2}', ['a12b', 'a1b2', '12']],
    ['^a|b$', ['ax', 'xb', 'xax', '']],
    ['a|', ['', 'x']],
    ['^(?:room|desk)-\\d+$', ['room-1', 'desk-', 'my-room-1', 'desk-22']],
    ['^[^ ]*$', ['', 'a b', 'é']],
    ['^.+$', ['', 'é😀']],
    ['^\\p{L}+$', ['é', '1']],
    ['^(?!admin).', ['admin-1', 'user-1']],
    ['\\w-\\w', ['a-b', 'a--b']],
  ])('[13.1] %s means what it means to the engine of this language', (source, texts) => {
    const pattern = channelPattern(source)
    const regex = new RegExp(source, 'u')
    for (const text of [...texts, ...texts])
      expect([text, pattern.test(text)]).toEqual([text, regex.test(text)])
  })

  it('[13.1] takes no time to speak of, whatever name a stranger makes up (CP1)', () => {
    const beganAtMs = performance.now()
    for (const source of ['^(a+)+$', '^([a-z]+-?)*$', '(a|a)*b', '^(\\w+\\.?)+#$'])
      for (let length = 240; length < 255; length += 1)
        expect(channelPattern(source).test(`${'a'.repeat(length)}!`)).toBe(false)
    expect(performance.now() - beganAtMs).toBeLessThan(1_000)
  })

  it('remembers no more names than it may, and forgets no rule (CP2)', () => {
    const pattern = channelPattern('^[a-z]\\d*$')
    for (let i = 0; i < 2_500; i += 1) expect(pattern.test(`a${i}`)).toBe(true)
    expect([pattern.test('a1'), pattern.test('1a'), pattern.test('1a')]).toEqual([true, false, false])
  })

  it('is refused where it is none', () => {
    expect(() => channelPattern('(')).toThrow(SyntaxError)
    expect(() => channelPattern(')(')).toThrow(SyntaxError)
  })
})
