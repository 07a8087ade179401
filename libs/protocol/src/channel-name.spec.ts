import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { createChannelGrammar, parseChannelName, usualGrammar, validateChannelName } from './channel-name.js'
import { Errors } from './codes.js'
import { inspectText } from './text.js'

describe('channel names', () => {
  it.each([
    ['news', { namespace: '', isPrivate: false, rest: 'news' }],
    ['chat:lobby', { namespace: 'chat', isPrivate: false, rest: 'lobby' }],
    ['chat:a:b', { namespace: 'chat', isPrivate: false, rest: 'a:b' }],
    ['$chat:lobby', { namespace: 'chat', isPrivate: true, rest: 'lobby' }],
    ['chat:$lobby', { namespace: 'chat', isPrivate: false, rest: '$lobby' }],
    ['$$x', { namespace: '', isPrivate: true, rest: '$x' }],
    [':x', { namespace: '', isPrivate: false, rest: 'x' }],
    ['dialog#1,2', { namespace: '', isPrivate: false, rest: 'dialog#1,2', users: ['1', '2'] }],
    ['ns:a#b#c', { namespace: 'ns', isPrivate: false, rest: 'a#b#c', users: ['c'] }],
    ['#42', { namespace: '', isPrivate: false, rest: '#42', users: ['42'] }],
    ['a#', { namespace: '', isPrivate: false, rest: 'a#', users: [''] }],
    ['__proto__:x', { namespace: '__proto__', isPrivate: false, rest: 'x' }],
  ])('[13.1] %s', (name, expected) => {
    expect(parseChannelName(name)).toEqual({ name, grammar: usualGrammar, ...expected })
  })

  const other = createChannelGrammar({
    privatePrefix: 'private-',
    namespaceBoundary: '::',
    userBoundary: '@',
    userSeparator: ';',
    maxBytes: 20,
  })

  it.each([
    ['private-chat::lobby', { namespace: 'chat', isPrivate: true, rest: 'lobby' }],
    ['chat::a::b', { namespace: 'chat', isPrivate: false, rest: 'a::b' }],
    ['$chat:a#1,2', { namespace: '', isPrivate: false, rest: '$chat:a#1,2' }],
    ['dialog@1;2,3', { namespace: '', isPrivate: false, rest: 'dialog@1;2,3', users: ['1', '2,3'] }],
  ])('[13.1] %s where other signs are configured', (name, expected) => {
    expect(other.parse(name)).toEqual({ name, grammar: other, ...expected })
  })

  it('[13.1] a sign that is empty is not there', () => {
    const bare = createChannelGrammar({
      privatePrefix: '',
      namespaceBoundary: '',
      userBoundary: '',
      userSeparator: '',
    })
    const name = '$chat:a#1,2'
    expect(bare.parse(name)).toEqual({ name, grammar: bare, namespace: '', isPrivate: false, rest: name })
    const joined = createChannelGrammar({ userSeparator: '' })
    expect(joined.parse('a#1,2').users).toEqual(['1,2'])
  })

  it('[13.1] the length is bounded by what is configured', () => {
    const any = { allowNonAscii: true }
    expect(other.validate('x'.repeat(20), any)).toBeUndefined()
    expect(other.validate('x'.repeat(21), any)).toBe(Errors.badRequest)
    expect(other.validate('é'.repeat(11), any)).toBe(Errors.badRequest)
  })

  it('[13.1] nothing of a name is lost or invented by parsing', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('$', ':', '#', ',', 'a', 'é') }), (name) => {
        const { namespace, isPrivate, rest } = parseChannelName(name)
        const body = isPrivate ? name.slice(1) : name
        expect([rest, `${namespace}:${rest}`]).toContain(body)
      }),
    )
  })

  it.each([
    ['255 bytes', 'x'.repeat(255), undefined],
    ['256 bytes', 'x'.repeat(256), Errors.badRequest],
    ['a newline', 'a\nb', Errors.badRequest],
    ['NUL', '\0', Errors.badRequest],
    ['DEL', '\u007f', Errors.badRequest],
    ['a C1 control', '\u0085', Errors.badRequest],
    ['a lone high surrogate', 'a\ud800', Errors.badRequest],
    ['a lone low surrogate', '\udc00a', Errors.badRequest],
    ['surrogates in the wrong order', '\udc00\ud800', Errors.badRequest],
    ['an emoji', '\u{1f600}', undefined],
    ['128 two-byte letters', 'é'.repeat(128), Errors.badRequest],
    ['127 two-byte letters', 'é'.repeat(127), undefined],
  ])('[7.2] where any script is allowed, %s', (_what, name, expected) => {
    expect(validateChannelName(name, { allowNonAscii: true })).toBe(expected)
  })

  it('[13.1] without a channel_regex a name is ASCII', () => {
    expect(validateChannelName('café', { allowNonAscii: false })).toBe(Errors.badRequest)
    expect(validateChannelName('cafe', { allowNonAscii: false })).toBeUndefined()
  })

  it('counts the bytes that the encoder would make, and knows what has none', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const bytes = new TextEncoder().encode(text)
        const facts = inspectText(text)
        expect(facts.utf8Bytes).toBe(bytes.length)
        expect(facts.isWellFormed).toBe(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes) === text)
      }),
    )
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0xd7fe, max: 0xe002 })), (units) => {
        const text = String.fromCharCode(...units)
        const bytes = new TextEncoder().encode(text)
        expect(inspectText(text)).toMatchObject({
          utf8Bytes: bytes.length,
          isWellFormed: new TextDecoder().decode(bytes) === text,
        })
      }),
    )
  })
})
