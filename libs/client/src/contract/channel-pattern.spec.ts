import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { channelName, channelParams } from './channel-pattern.js'

describe('a pattern', () => {
  it('makes a name of its parameters, and finds them in it', () => {
    expect(channelName('chat::room', { room: 'lobby' })).toBe('chat:lobby')
    expect(channelName('chat:dm-:one-:other', { one: 'ana', other: 'b-c' })).toBe('chat:dm-ana-b-c')
    expect(channelParams('chat:dm-:one-:other', 'chat:dm-ana-b-c')).toEqual({ one: 'ana', other: 'b-c' })
    expect(channelParams('chat::room', 'shop:lobby')).toBeUndefined()
    expect(channelParams('chat::room', 'chat:')).toBeUndefined()
  })

  it('is a whole name without a colon, and a path of no namespace with one in front', () => {
    expect([channelName('news', {}), channelParams('news', 'news')]).toEqual(['news', {}])
    expect(channelParams('news', 'news2')).toBeUndefined()
    expect([channelName(':#:user', { user: 'ana' }), channelParams(':#:user', '#ana')]).toEqual([
      '#ana',
      { user: 'ana' },
    ])
  })

  it.each([
    ['is empty', { one: '', other: 'b' }],
    ['is missing', { one: 'a' }],
    ['holds the character that ends it', { one: 'a-b', other: 'c' }],
  ])('refuses a parameter that %s: the name would be of another channel', (_what, params) => {
    expect(() => channelName('chat:dm-:one-:other', params as { one: string; other: string })).toThrow(
      /The parameter/,
    )
  })

  it('takes every character literally', () => {
    expect(channelParams('a.b:x(:y)*', 'a.b:x(1)*')).toEqual({ y: '1' })
    expect(channelParams('a.b:x(:y)*', 'a.b:x1)')).toBeUndefined()
  })

  it('gives back what went in, for any parameters that it takes', () => {
    const value = fc.string({ minLength: 1, unit: 'grapheme' })
    fc.assert(
      fc.property(value, value, (one, other) => {
        fc.pre(!one.includes('/'))
        const params = { one, other }
        expect(channelParams('n:a:one/:other', channelName('n:a:one/:other', params))).toEqual(params)
      }),
    )
  })
})
