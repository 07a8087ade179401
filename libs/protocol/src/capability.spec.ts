import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  CapabilityLimits,
  capabilityProblem,
  isCapable,
  type Capability,
  type CapableVerb,
} from './capability.js'
import { createChannelGrammar, parseChannelName } from './channel-name.js'

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

  it('that nobody gave allows nothing', () => {
    const channel = parseChannelName('a')
    for (const verb of verbs) {
      expect(isCapable(undefined, verb, channel)).toBe(false)
      expect(isCapable([], verb, channel)).toBe(false)
    }
  })

  it('of several the first that covers the channel decides alone (C2)', () => {
    const list: Capability[] = [
      { channels: ['b'], allow: verbs },
      { channels: ['c', 'a'], allow: ['history'] },
      { channels: ['*'], allow: ['publish'] },
    ]
    const allows = (verb: CapableVerb, name: string) => isCapable(list, verb, parseChannelName(name))
    expect([allows('history', 'a'), allows('publish', 'a')]).toEqual([true, false])
    expect([allows('history', 'd'), allows('publish', 'd')]).toEqual([false, true])
    expect([allows('history', '$b'), allows('publish', '$b')]).toEqual([false, false])
  })

  const by = (match: Capability['match'], pattern: string, name: string): boolean => {
    const one: Capability = {
      channels: [pattern],
      allow: ['publish'],
      ...(match === undefined ? {} : { match }),
    }
    return isCapable([one], 'publish', parseChannelName(name))
  }

  it.each([
    ['exact', 'chat:*', 'chat:*', true],
    ['exact', 'chat:*', 'chat:a', false],
    ['exact', '$a', '$a', true],
    ['wildcard', '*:news', 'chat:news', true],
    ['wildcard', 'a*b*c', 'a-b-b-c', true],
    ['wildcard', 'a*b*c', 'a-c-b', false],
    ['wildcard', 'ab*ba', 'aba', false],
    ['wildcard', 'a**', 'a', true],
    ['wildcard', 'a', 'ab', false],
    ['wildcard', '*', '$a', false],
    ['wildcard', '$*', '$a', true],
    ['wildcard', '*', 'chat:#ana', false],
    ['wildcard', '*#*', 'chat:#ana', true],
    ['wildcard', '*#*', 'chat:a#b#ana', false],
    ['wildcard', '*#*#*', 'chat:a#b#ana', true],
    ['wildcard', 'chat:*#*#*', 'chat:x#ana', false],
    ['regex', 'chat:\\d+', 'chat:42', true],
    ['regex', '^chat:\\d+$', 'chat:42', true],
    ['regex', 'chat:\\d+', 'chat:42x', false],
    ['regex', '(', 'chat:42', false],
    ['regex', '.*', '$a', false],
    ['regex', '^.a', '$a', false],
    ['regex', '^\\$.*', '$a', true],
    ['regex', '.*', 'chat:#ana', false],
    ['regex', '.*#ana', 'chat:#ana', true],
    ['regex', '.*#ana|.*', 'chat:#ben', false],
    ['regex', '\\$b|.*', '$a', false],
  ] as const)('that reads as %s: %j covers %j: %s (C1)', (match, pattern, name, expected) => {
    expect(by(match, pattern, name)).toBe(expected)
  })

  it('knows the signs of its mesh (C1)', () => {
    const { parse } = createChannelGrammar({ privatePrefix: 'private-', userBoundary: '@' })
    const every = (match: Capability['match'], pattern: string): Capability[] => [
      { channels: [pattern], allow: ['publish'], ...(match === undefined ? {} : { match }) },
    ]
    for (const [match, pattern] of [
      [undefined, '*'],
      ['wildcard', '*'],
      ['regex', '.*'],
    ] as const) {
      const allows = (name: string) => isCapable(every(match, pattern), 'publish', parse(name))
      expect(['$a', 'a#b', 'private-a', 'a@b'].map((name) => allows(name))).toEqual([
        true,
        true,
        false,
        false,
      ])
    }
    expect(isCapable(every('regex', '[^@]*@.*'), 'publish', parse('a@b'))).toBe(true)
    expect(isCapable(every('wildcard', 'private-*@*'), 'publish', parse('private-a@b'))).toBe(true)
  })

  it.each([
    [
      'too many entries',
      Array.from({ length: CapabilityLimits.entries + 1 }, () => ({ channels: [], allow: [] })),
    ],
    [
      'too many channels',
      [{ channels: Array.from({ length: CapabilityLimits.channels + 1 }, () => 'a'), allow: [] }],
    ],
    ['a name that is too long', [{ channels: ['a'.repeat(CapabilityLimits.patternLength + 1)], allow: [] }]],
    ['an expression that is none', [{ channels: ['a', '('], match: 'regex', allow: [] }]],
    ['an expression of another engine', [{ channels: ['(?=a)'], match: 'regex', allow: [] }]],
  ] satisfies [string, Capability[]][])('with %s is refused', (_what, list) => {
    expect(capabilityProblem(list)).toBeDefined()
  })

  it('that says what it may is not', () => {
    const list: Capability[] = [
      { channels: ['('], match: 'exact', allow: verbs },
      { channels: ['a|b', 'c'], match: 'regex', allow: verbs },
    ]
    expect(capabilityProblem(list)).toBeUndefined()
  })

  it('by a wildcard says the same as the expression that it stands for', () => {
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 6 })
    const name = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 })
    fc.assert(
      fc.property(pattern, name, (wild, text) => {
        const same = new RegExp(`^${wild.replaceAll('*', '.*')}$`, 'u').test(text)
        expect(by('wildcard', wild, text)).toBe(same)
      }),
    )
  })

  it('never reaches a private or user-limited name by a pattern without the sign (C1)', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', ':', '$', '#', ','), maxLength: 6 })
    fc.assert(
      fc.property(word, word, (start, rest) => {
        const name = start + rest
        const isOpen = start.startsWith('$') === name.startsWith('$') && !rest.includes('#')
        if (`${start}*` === name) return
        expect(may(`${start}*`, name)).toBe(isOpen)
        expect(by('wildcard', `${start}*`, name)).toBe(isOpen)
      }),
    )
  })
})
