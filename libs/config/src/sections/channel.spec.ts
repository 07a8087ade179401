import { describe, expect, it } from '@jest/globals'
import { channelProblems, channelSection } from './channel.js'
import { grammarOf } from './channel-signs.js'

const said = (signs: object = {}) => ({
  without_namespace: channelSection.settings.without_namespace.schema.parse({}),
  namespaces: [],
  max_length: 255,
  private_prefix: '$',
  namespace_boundary: ':',
  user_boundary: '#',
  user_separator: ',',
  ...signs,
})
const keysOf = (signs: object) => channelProblems(said(signs)).map(({ key }) => key)

describe('channels', () => {
  it('[13.1] are read by the signs that are configured', () => {
    const grammar = grammarOf(said({ private_prefix: '!', namespace_boundary: '/', max_length: 20 }))
    expect(grammar.parse('!chat/a#b')).toMatchObject({ namespace: 'chat', isPrivate: true, users: ['b'] })
    expect(grammar.maxBytes).toBe(20)
  })

  it.each([
    [{}, []],
    [{ private_prefix: 'private-', namespace_boundary: '::', user_boundary: '@', user_separator: ';' }, []],
    [{ private_prefix: '', namespace_boundary: '', user_boundary: '', user_separator: '' }, []],
    [{ user_boundary: ':' }, ['channel.namespace_boundary', 'channel.user_boundary']],
    [{ namespace_boundary: '::', user_separator: ':' }, ['channel.user_separator']],
    [{ namespace_boundary: '-' }, ['channel.namespace_boundary']],
    [{ private_prefix: '*' }, ['channel.private_prefix']],
    [{ user_boundary: '{' }, ['channel.user_boundary']],
  ])('[13.1] signs that could be taken for something else are refused: %j', (signs, keys) => {
    expect(keysOf(signs)).toEqual(keys)
  })

  it.each(['a b', 'é', 'x'.repeat(17)])('[13.1] %j is no sign', (sign) => {
    expect(channelSection.settings.user_boundary.schema.safeParse(sign).success).toBe(false)
  })
})
