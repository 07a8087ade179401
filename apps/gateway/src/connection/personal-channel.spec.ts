import { describe, expect, it } from '@jest/globals'
import { createChannelGrammar, parseChannelName, usualGrammar } from '@natter/protocol'
import fc from 'fast-check'
import { personalChannelOf } from './personal-channel.js'

describe('a personal channel', () => {
  it.each([
    ['ana', '', '#ana'],
    ['ana', 'users', 'users:#ana'],
    ['', 'users', undefined],
    ['ana,ben', '', undefined],
    ['x#ana', '', undefined],
    ['a:b', '', undefined],
    ['a:b', 'users', 'users:#a:b'],
    ['né', '', '#né'],
    ['x'.repeat(300), '', undefined],
  ])('of %j in %j is %j', (user, namespace, expected) => {
    expect(personalChannelOf(usualGrammar, user, namespace)).toBe(expected)
  })

  it('is named by the signs of its mesh, and nobody has one where there are none', () => {
    const other = createChannelGrammar({ namespaceBoundary: '::', userBoundary: '@', userSeparator: ';' })
    expect(personalChannelOf(other, 'ana', 'users')).toBe('users::@ana')
    expect(personalChannelOf(other, 'ana,#b', '')).toBe('@ana,#b')
    expect(personalChannelOf(other, 'ana;ben', '')).toBeUndefined()
    expect(personalChannelOf(createChannelGrammar({ userBoundary: '' }), 'ana', '')).toBeUndefined()
  })

  it('is of nobody else, whatever they are called', () => {
    const user = fc.string({ unit: fc.constantFrom('a', 'b', '#', ',', ':', '$'), maxLength: 6 })
    fc.assert(
      fc.property(user, fc.constantFrom('', 'users'), (id, namespace) => {
        const channel = personalChannelOf(usualGrammar, id, namespace)
        if (channel === undefined) return
        expect(parseChannelName(channel)).toMatchObject({ users: [id], namespace, isPrivate: false })
      }),
    )
  })
})
