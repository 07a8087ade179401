import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { isCapable, type CapableVerb } from './capability.js'
import { parseChannelName } from './channel-name.js'

const verbs: CapableVerb[] = ['subscribe', 'publish', 'presence', 'history']
const may = (pattern: string, channel: string, verb: CapableVerb = 'publish'): boolean =>
  isCapable([{ channels: [pattern], allow: ['publish'] }], verb, parseChannelName(channel))

describe('a capability', () => {
  it.each([
    ['chat:a', 'chat:a', true],
    ['chat:a', 'chat:ab', false],
    ['chat:*', 'chat:a', true],
    ['chat:*', 'chat:', true],
    ['chat:*', 'chats:a', false],
    ['*', 'anything', true],
    ['c*t:a', 'chat:a', false],
    ['c*t:a', 'c*t:a', true],
    ['', 'a', false],
  ])('%j covers %j: %s (C2: only a last star stands for a rest)', (pattern, channel, expected) => {
    expect(may(pattern, channel)).toBe(expected)
  })

  it.each([
    ['*', '$chat:a', false],
    ['chat:*', '$chat:a', false],
    ['$*', '$chat:a', true],
    ['$chat:*', '$chat:a', true],
    ['$chat:a', '$chat:a', true],
    ['chat:*', 'chat:#ana', false],
    ['*', '#ana', false],
    ['#*', '#ana', true],
    ['chat:#*', 'chat:#ana,ben', true],
    ['chat:#ana', 'chat:#ana', true],
  ])('%j covers %j: %s (C1: a star opens nothing that a sign closes)', (pattern, channel, expected) => {
    expect(may(pattern, channel)).toBe(expected)
  })

  it('allows its verbs and no others', () => {
    expect(verbs.map((verb) => may('*', 'a', verb))).toEqual(verbs.map((verb) => verb === 'publish'))
  })

  it('that nobody gave allows nothing, and of several one is enough', () => {
    const channel = parseChannelName('a')
    for (const verb of verbs) {
      expect(isCapable(undefined, verb, channel)).toBe(false)
      expect(isCapable([], verb, channel)).toBe(false)
    }
    const two = [
      { channels: ['b'], allow: verbs },
      { channels: ['c', 'a'], allow: verbs },
    ]
    expect(isCapable(two, 'history', channel)).toBe(true)
  })

  it('never reaches a private or user-limited name by a pattern without the sign (C1)', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', ':', '$', '#', ','), maxLength: 6 })
    fc.assert(
      fc.property(word, word, (start, rest) => {
        const name = start + rest
        const isClosed = name.startsWith('$') || name.includes('#')
        const saysSo =
          start.startsWith('$') === name.startsWith('$') && (start.includes('#') || !rest.includes('#'))
        if (`${start}*` === name) return
        expect(may(`${start}*`, name)).toBe(!isClosed || saysSo)
      }),
    )
  })
})
