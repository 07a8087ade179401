import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { publicationMessageId } from './message-id.js'
import { decodeMeta, encodeMeta, kindOfMeta, type PublicationMeta } from './meta.js'

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 30, size: 'max' }).map((value) => Buffer.from(value)),
  fc.json().map((value) => Buffer.from(value)),
)
const info = fc.record(
  { user: fc.string({ unit: 'binary' }), client: fc.string(), connInfo: bytes, chanInfo: bytes },
  { requiredKeys: ['user', 'client'] },
)
const meta = fc.record(
  {
    kind: fc.constantFrom('json' as const, 'bin' as const),
    info,
    tags: fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' })),
    timeMs: fc.nat(),
    key: fc.string(),
    delta: fc.constant(true),
  },
  { requiredKeys: ['kind'] },
) as fc.Arbitrary<PublicationMeta>

describe('Natter-Meta', () => {
  it('comes back as it went, bytes of any kind included', () => {
    fc.assert(fc.property(meta, (value) => expect(decodeMeta(encodeMeta(value))).toEqual(value)))
  })

  it('is one line of ASCII whatever users choose, so it can neither end nor become another header', () => {
    fc.assert(fc.property(meta, (value) => /^[\x20-\x7e]+$/.test(encodeMeta(value))))
    const forged = encodeMeta({ kind: 'json', tags: { 'a\r\nNats-Rollup': 'all\r\n\r\n' } })
    expect(forged).toBe(String.raw`{"k":"json","t":{"a\r\nNats-Rollup":"all\r\n\r\n"}}`)
  })

  it('tells its kind without being read whole, as it would read whole', () => {
    fc.assert(fc.property(meta, (value) => expect(kindOfMeta(encodeMeta(value))).toBe(value.kind)))
    const foreign = fc.oneof(
      fc.string(),
      fc.json(),
      fc.constantFrom('{"i":1,"k":"bin"}', '{"k":"jsonx"}', '{"k":"json"'),
    )
    fc.assert(fc.property(foreign, (text) => expect(kindOfMeta(text)).toBe(decodeMeta(text)?.kind)))
    expect(kindOfMeta(undefined)).toBeUndefined()
  })

  it('never throws on what others wrote', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => [decodeMeta(text)].length === 1))
    for (const text of [undefined, '', '[]', 'null', '{"k":"xml"}', '{'])
      expect(decodeMeta(text)).toBeUndefined()
    expect(decodeMeta('{"k":"json","i":7,"t":{"a":1}}')).toEqual({ kind: 'json' })
  })
})

describe('message ids of publications', () => {
  const part = fc.string({ maxLength: 4 })
  const parts = fc.record({ user: part, channel: part, value: part })

  it('only equal parts share an id: no separator can be smuggled in', () => {
    const same = (a: object, b: object): boolean =>
      JSON.stringify(Object.entries(a)) === JSON.stringify(Object.entries(b))
    fc.assert(
      fc.property(
        parts,
        parts,
        (a, b) => (publicationMessageId(a) === publicationMessageId(b)) === same(a, b),
      ),
    )
    const [left, right] = [
      { user: 'a', channel: 'b"c', value: 'd' },
      { user: 'a","b', channel: 'c', value: 'd' },
    ]
    expect(publicationMessageId(left)).not.toBe(publicationMessageId(right))
    expect(publicationMessageId(left)).toMatch(/^[\w-]{43}$/)
  })
})
