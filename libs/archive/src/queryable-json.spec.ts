import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { MAX_QUERYABLE_BYTES, queryableJson } from './queryable-json.js'

const of = (text: string): string | undefined => queryableJson(Buffer.from(text))
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

describe('queryableJson', () => {
  it('answers the text as it came, also with duplicate keys, spaces and odd numbers', () => {
    const texts = [
      '{ "b":1E2,\t"a":[] , "b":-0.0 }\r\n',
      '"\\ud83d\\ude00"',
      '[[],{},[{}]]',
      '0',
      ' null ',
      '1e999',
    ]
    for (const text of texts) expect(of(text)).toBe(text)
  })

  it('refuses what jsonb refuses, and what would grow when it is stored', () => {
    const numbers = ['1e1000', '1e131071', '1e-1000', '1e400000', '1e99999999999', '9'.repeat(1_001)]
    const strings = ['"\\u0000"', '"\\ud800"', '"\\ud800x"', '"\\ud800\\u0041"', '"\\udc00"', '{"\\u0000":1}']
    for (const text of [...numbers, ...strings, nested(257), nested(20_000)]) expect(of(text)).toBeUndefined()
    expect(of(nested(256))).toBe(nested(256))
    expect(queryableJson(Uint8Array.of(0x22, 0xff, 0x22))).toBeUndefined()
    expect(queryableJson(Buffer.alloc(MAX_QUERYABLE_BYTES + 1, '1'))).toBeUndefined()
  })

  it('refuses what is no JSON: it may be bytes that happen to be text', () => {
    const texts = [
      '',
      ' ',
      '{',
      '[1,]',
      '{"a"}',
      '{"a":1,}',
      '01',
      '1.',
      '.5',
      '+1',
      '-',
      '1e',
      'nul',
      '"a',
      '"\n"',
      '1 2',
      ']',
    ]
    for (const text of [...texts, '\ufeff1', '[1}', '{1:2}', '"\\x"', '"\\u12"', '"\\u 123"'])
      expect([text, of(text)]).toEqual([text, undefined])
  })

  it('takes every text that JSON.stringify makes of plain values', () => {
    const plain = fc.jsonValue({ noUnicodeString: true, maxDepth: 5 })
    fc.assert(
      fc.property(plain, (value) => {
        const text = JSON.stringify(value)
        fc.pre(!text.includes('\\u0000') && !/\\ud[89a-f]/.test(text))
        expect(of(text)).toBe(text)
      }),
    )
  })
})
