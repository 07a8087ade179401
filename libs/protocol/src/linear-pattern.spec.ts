import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { compilePattern } from './linear-pattern.js'

const matches = (source: string, text: string): boolean => compilePattern(source).matches(text)

describe('a linear pattern', () => {
  it.each([
    ['posts_\\d+', 'posts_42', true],
    ['^posts_[\\d]+$', 'posts_42', true],
    ['posts_\\d+', 'old_posts_42', false],
    ['posts_\\d+', 'posts_42_old', false],
    ['(news|chat):.*', 'chat:', true],
    ['(?:news|chat):.+', 'chat:', false],
    ['[^:]+:[a-c-]{2,3}', 'x:a-c', true],
    ['[^:]+:[a-c-]{2,3}', 'x:a', false],
    ['\\$team:\\S+', '$team:a', true],
    ['caf[\u00e0-\u00ff]', 'caf\u00e9', true],
    ['.', '\u{1f600}', true],
    ['', '', true],
    ['', 'a', false],
    ['a||b', '', true],
    ['(a*)*', 'aaa', true],
    ['a{3}', 'aaaa', false],
    ['a{2,}', 'aaaa', true],
    ['a.*?b', 'axb', true],
  ])('%j matches %j as a whole: %s (L1)', (source, text, expected) => {
    expect(matches(source, text)).toBe(expected)
  })

  it.each([
    '(',
    ')',
    'a)',
    '*',
    'a**',
    '[',
    '[]',
    '[z-a]',
    '[\\d-z]',
    '[[:alpha:]]',
    '(?=a)',
    '(?<n>a)',
    '(?i)a',
    '\\1',
    '\\b',
    '\\p{L}',
    'a{2,1}',
    'a{}',
    'a{99999}',
    '\\',
    'a{1001}',
    '(a{40}){40}',
    '((){999}){999}',
    '('.repeat(30) + ')'.repeat(30),
  ])('%j is refused when it is read (L3)', (source) => {
    expect(() => compilePattern(source)).toThrow(SyntaxError)
  })

  it('says the same as the engine that goes back, of what both know', () => {
    const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\w', '\\d', '#')
    const node = fc.letrec<{ node: string }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        atom,
        fc.tuple(tie('node'), tie('node')).map(([one, two]) => one + two),
        fc.tuple(tie('node'), tie('node')).map(([one, two]) => `(${one}|${two})`),
        fc
          .tuple(tie('node'), fc.constantFrom('*', '+', '?', '{1,2}', '{2}'))
          .map(([one, sign]) => `(?:${one})${sign}`),
      ),
    })).node
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '#', '1'), maxLength: 8 })
    fc.assert(
      fc.property(node, text, (source, name) => {
        expect(matches(source, name)).toBe(new RegExp(`^(?:${source})$`, 'u').test(name))
      }),
      { numRuns: 500 },
    )
  })

  it.each(['(a+)+', '(a|a)*', 'a*a*a*a*a*a*', '(a?){200}a{200}'])(
    '%s walks a long name once, where an engine that goes back would not come to an end (L2)',
    (source) => {
      expect(matches(source, `${'a'.repeat(250)}!`)).toBe(false)
    },
  )

  it.each([
    ['a#b', true],
    ['[#]?a[b#]+', true],
    ['.*', false],
    ['a[^b]b', false],
    ['a[!-~]b', false],
    ['a\\Wb', false],
    ['x#y|.*', false],
    ['(?:a#x|.*)', false],
  ])('%j in which a # has to be written matches a#b: %s', (source, expected) => {
    const isClosed = (point: number) => point === 35
    expect(compilePattern(source).matches('a#b', isClosed)).toBe(expected)
    expect(compilePattern(source).matches('a#b')).toBe(true)
  })
})
