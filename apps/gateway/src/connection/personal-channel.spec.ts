import { describe, expect, it } from '@jest/globals'
import { parseChannelName } from '@natter/protocol'
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
    expect(personalChannelOf(user, namespace)).toBe(expected)
  })

  it('is of nobody else, whatever they are called', () => {
    const user = fc.string({ unit: fc.constantFrom('a', 'b', '#', ',', ':', '$'), maxLength: 6 })
    fc.assert(
      fc.property(user, fc.constantFrom('', 'users'), (id, namespace) => {
        const channel = personalChannelOf(id, namespace)
        if (channel === undefined) return
        expect(parseChannelName(channel)).toMatchObject({ users: [id], namespace, isPrivate: false })
      }),
    )
  })
})
