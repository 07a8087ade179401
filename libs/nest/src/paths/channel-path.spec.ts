import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { bySpecificity, channelPath, matchPath, overlaps } from './channel-path.js'

const match = (path: string, rest: string) => matchPath(channelPath(path), rest)

describe('a path', () => {
  it('takes a parameter up to the next literal character, and the rest with the last', () => {
    expect(match(':room', 'a:b.c')).toEqual({ room: 'a:b.c' })
    expect(match(':team.:room', 'red.lobby.2')).toEqual({ team: 'red', room: 'lobby.2' })
    expect(match('dm-:a-:b', 'dm-ann-bob-2')).toEqual({ a: 'ann', b: 'bob-2' })
    expect(match('lobby', 'lobby')).toEqual({})
  })

  it('leaves what it does not describe to others', () => {
    expect(match('lobby', 'lobby2')).toBeUndefined()
    expect(match(':team.:room', 'red')).toBeUndefined()
    expect(match(':room', '')).toBeUndefined()
  })

  it('means each literal character as it is written, whatever regular expressions make of it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (text) => {
        fc.pre(!text.includes(':'))
        expect(match(text, text)).toEqual({})
        expect(match(text, `${text}x`)).toBeUndefined()
      }),
    )
  })

  it.each([
    ['', 'is empty'],
    [':a:b', 'two parameters with nothing between'],
    [':a.:a', 'twice'],
    ['a:', 'without a name'],
    ['a:1', 'without a name'],
  ])('"%s" is refused: it %s', (text, why) => {
    expect(() => channelPath(text)).toThrow(why)
  })
})

describe('of two paths', () => {
  it('the one with more literal characters wins', () => {
    const paths = [':any', 'dm-:a-:b', 'lobby', ':team.:room'].map(channelPath)
    expect(paths.toSorted(bySpecificity).map((path) => path.text)).toEqual([
      'lobby',
      'dm-:a-:b',
      ':team.:room',
      ':any',
    ])
  })

  it('those that could answer for one channel are found', () => {
    expect(overlaps(channelPath('a:x'), channelPath(':xb'))).toBe(true) // "ab" is one of both: no, "a…b" is
    expect(overlaps(channelPath('lobby'), channelPath('hobby'))).toBe(false)
    expect(overlaps(channelPath(':a.:b'), channelPath(':a-:b'))).toBe(true) // "x.y-z" is one of both: "x." and "y-z"
    expect(overlaps(channelPath(':a.x'), channelPath(':a.y'))).toBe(false)
  })

  it('a channel that both match is never missed, nor one invented', () => {
    const part = fc.constantFrom('a', 'b', '.', ':x', ':y')
    const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''))
    const isPath = (text: string) => {
      try {
        channelPath(text)
        return true
      } catch {
        return false
      }
    }
    const channels = wordsOf(['a', 'b', '.', 'c'], 6)
    fc.assert(
      fc.property(path.filter(isPath), path.filter(isPath), (left, right) => {
        const [a, b] = [channelPath(left), channelPath(right)]
        const isBoth = channels.some((channel) => matchPath(a, channel) && matchPath(b, channel))
        expect(overlaps(a, b)).toBe(isBoth)
      }),
      { numRuns: 200 },
    )
  })
})

/** All words of these letters, up to so many. */
function wordsOf(letters: readonly string[], length: number): string[] {
  if (length === 0) return ['']
  const shorter = wordsOf(letters, length - 1)
  return [
    ...shorter,
    ...shorter
      .filter((word) => word.length === length - 1)
      .flatMap((word) => letters.map((letter) => word + letter)),
  ]
}
