import { describe, expect, it } from '@jest/globals'
import { CapabilityLimits } from '@natter/protocol'
import { readAllowed, readCapabilities, shareCapabilities, shareVerbs } from './capabilities.js'

describe('capabilities in the words of tokens', () => {
  it('[12.1] are read into the words of the mesh, by name unless they say how', () => {
    const caps = [
      { channels: ['news', 'chat:*'], allow: ['sub', 'pub', 'prs', 'hst'] },
      { channels: ['chat:*'], match: 'wildcard', allow: ['sub'] },
      { channels: ['^posts_\\d+$'], match: 'regex', allow: [] },
    ]
    expect(readCapabilities(caps)).toEqual([
      {
        channels: ['news', 'chat:*'],
        match: 'exact',
        allow: ['subscribe', 'publish', 'presence', 'history'],
      },
      { channels: ['chat:*'], match: 'wildcard', allow: ['subscribe'] },
      { channels: ['^posts_\\d+$'], match: 'regex', allow: [] },
    ])
  })

  it.each([undefined, null, []])('are none where nothing is said: %j', (caps) => {
    expect(readCapabilities(caps)).toBeUndefined()
  })

  it.each([
    ['no list', {}],
    ['a name that stands alone', [{ channels: 'news', allow: ['sub'] }]],
    ['no channels', [{ allow: ['sub'] }]],
    ['a verb that nobody knows', [{ channels: ['news'], allow: ['subscribe'] }]],
    ['a match that nobody knows', [{ channels: ['news'], match: 'glob', allow: ['sub'] }]],
    ['an expression that is none', [{ channels: ['('], match: 'regex', allow: ['sub'] }]],
    [
      'more than is looked through for a command',
      [{ channels: Array.from({ length: CapabilityLimits.channels + 1 }, () => 'a'), allow: ['sub'] }],
    ],
  ])('with %s are refused as a whole (K1)', (_what, caps) => {
    expect(readCapabilities(caps)).toBe('malformed')
  })

  it('of a subscription are a list of verbs', () => {
    expect(readAllowed(['pub', 'hst'])).toEqual(['publish', 'history'])
    expect(readAllowed(undefined)).toBeUndefined()
    expect(readAllowed([])).toBeUndefined()
    expect(readAllowed(['all'])).toBe('malformed')
    expect(readAllowed('pub')).toBe('malformed')
  })

  it('that are equal are one, kept once (K2)', () => {
    const caps = () => [{ channels: ['news'], match: 'wildcard', allow: ['sub', 'pub'] }]
    const read = readCapabilities(caps())
    expect(readCapabilities(caps())).toBe(read)
    expect(Object.isFrozen(read)).toBe(true)
    expect(readAllowed(['hst', 'pub'])).toBe(readAllowed(['pub', 'hst', 'pub']))
    expect(shareVerbs([])).toBeUndefined()
    const said = [{ channels: ['a*'], allow: ['publish' as const] }]
    expect(shareCapabilities(said)).toEqual(said)
    expect(shareCapabilities(structuredClone(said))).toBe(shareCapabilities(said))
  })

  it('that differ in how they are read are two: a name of one token must not be the pattern of another', () => {
    const read = (match: string) => readCapabilities([{ channels: ['ops-*'], match, allow: ['sub'] }])
    expect(['wildcard', 'exact', 'regex'].map((match) => read(match))).toMatchObject([
      [{ match: 'wildcard' }],
      [{ match: 'exact' }],
      [{ match: 'regex' }],
    ])
  })
})
