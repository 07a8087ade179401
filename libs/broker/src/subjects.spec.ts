import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { decodeName, encodeName, fnv1a32, shardKeyOf, shardOf, Subjects } from './subjects.js'

const name = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
  .filter((text) => !/[\p{Cc}\p{Surrogate}]/u.test(text))
const nasty = fc.stringMatching(/^[.*>$=:{}a ]{1,20}$/)
const any = fc.oneof(name, nasty)

describe('subject encoding', () => {
  it('decode(encode(s)) = s', () => {
    fc.assert(fc.property(any, (text) => expect(decodeName(encodeName(text))).toBe(text)))
  })

  it('no two names share a token', () => {
    fc.assert(fc.property(any, any, (a, b) => (encodeName(a) === encodeName(b)) === (a === b)))
  })

  it('no name produces a wildcard, a dot, an empty token or the token for "no namespace"', () => {
    fc.assert(
      fc.property(any, (text) => /^[A-Za-z0-9_=-]+$/.test(encodeName(text)) && encodeName(text) !== '='),
    )
  })

  it('255 bytes become at most 765 characters', () => {
    expect(encodeName('.'.repeat(255))).toHaveLength(765)
    expect(encodeName('ä'.repeat(127))).toHaveLength(762)
  })

  it('tokens that no name encodes to have no name: the encoding is bijective', () => {
    for (const token of ['', '=', '=4', '=41', '=e4', '=C3', 'a.b', '*', '=00', '=ED=A0=80']) {
      expect(decodeName(token)).toBeUndefined()
    }
  })

  it('decoding never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => decodeName(text) === undefined || true))
  })

  it.each([['\ud800'], ['a\udc00'], [''], ['a\r\nb'], ['\u0000']])('refuses %j', (text) => {
    expect(() => encodeName(text)).toThrow(expect.objectContaining({ code: 'bad-name' }))
  })
})

describe('shards', () => {
  it('hashes as FNV-1a with 32 bits, for life', () => {
    expect(fnv1a32('')).toBe(0x811c9dc5)
    expect(fnv1a32('a')).toBe(0xe40c292c)
    expect(fnv1a32('foobar')).toBe(0xbf9cf968)
  })

  it.each([
    ['market:btc', 'btc'],
    ['$market:btc', 'btc'],
    ['btc', 'btc'],
    ['$btc', 'btc'],
    ['a:b:c', 'b:c'],
    ['orders:{btc}:7', 'btc'],
    ['x{btc}', 'btc'],
    ['a:{}', '{}'],
    ['a:}{', '}{'],
    ['chat:$x', '$x'],
  ])('the key of %s is %s', (channel, key) => expect(shardKeyOf(channel)).toBe(key))

  it('names with the same key share a shard, so that one stream can order them', () => {
    expect(
      new Set(['market:btc', 'depth:btc', '$prices:btc', 'o:{btc}:1'].map((one) => shardOf(one))).size,
    ).toBe(1)
  })
})

describe('subjects', () => {
  const subjects = new Subjects('natter')

  it('spells them as documented', () => {
    const shard = shardOf('chat:room 1')
    expect(subjects.stored('chat', 'chat:room 1')).toBe(`natter.c.${shard}.chat.chat=3Aroom=201`)
    expect(subjects.live('', 'x')).toBe(`natter.l.${shardOf('x')}.=.x`)
    expect(subjects.presence('', 'x')).toBe(`natter.p.${shardOf('x')}.=.x`)
    expect(subjects.controlOfUser('a.b')).toBe('natter.ctl.user.a=2Eb')
    expect(subjects.stream(3)).toBe('NATTER_CH_3')
  })

  it('namespace and name together tell every channel apart', () => {
    const pair = fc.tuple(fc.oneof(fc.constant(''), any), any)
    fc.assert(
      fc.property(pair, pair, (a, b) => {
        const isSame = a[0] === b[0] && a[1] === b[1]
        return (subjects.stored(...a) === subjects.stored(...b)) === isSame
      }),
    )
  })

  it('reads the shard back from a stored subject only', () => {
    expect(subjects.shardIn(subjects.stored('', 'x'))).toBe(shardOf('x'))
    for (const other of [subjects.live('', 'x'), 'natter.c.256.=.x', 'other.c.1.=.x', 'natter.c.x']) {
      expect(subjects.shardIn(other)).toBeUndefined()
    }
  })

  it.each([['Natter'], ['a.b'], [''], ['a*'], ['-a']])('refuses the prefix %j', (prefix) => {
    expect(() => new Subjects(prefix)).toThrow(expect.objectContaining({ code: 'bad-prefix' }))
  })
})

describe('the channel of a stored subject', () => {
  const subjects = new Subjects('natter')
  const namespace = fc.oneof(fc.constant(''), any)

  it('is the one whose subject it is: an archive must not mix up two channels', () => {
    fc.assert(
      fc.property(namespace, any, (space, channel) => {
        expect(subjects.channelOf(subjects.stored(space, channel))).toEqual({ namespace: space, channel })
      }),
    )
  })

  it('no two channels share a subject', () => {
    fc.assert(
      fc.property(namespace, any, namespace, any, (spaceA, a, spaceB, b) => {
        const isSame = spaceA === spaceB && a === b
        return (subjects.stored(spaceA, a) === subjects.stored(spaceB, b)) === isSame
      }),
    )
  })

  it('is nobody’s for sentinels, live subjects, other meshes and what is malformed', () => {
    const live = subjects.live('chat', 'chat:a')
    const foreign = new Subjects('other').stored('chat', 'chat:a')
    const odd = [
      'natter.c.7.chat',
      'natter.c.7.chat.a.b',
      'natter.c.999.chat.a',
      'natter.c.x.chat.a',
      'natter.c.7.=4.a',
    ]
    for (const subject of [subjects.sentinel(0), live, foreign, '', ...odd]) {
      expect(subjects.channelOf(subject)).toBeUndefined()
    }
  })
})
