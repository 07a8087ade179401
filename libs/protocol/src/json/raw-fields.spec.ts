import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { findJsonField, jsonElements, jsonFields, jsonSequence } from './raw-fields.js'

const rawOf = (text: string, key: string): string | undefined => {
  const span = findJsonField(text, key)
  return span && text.slice(span.start, span.end)
}

describe('raw fields', () => {
  it.each([
    ['the last of duplicate keys wins, as with JSON.parse', '{"a":1,"a":2}', '2'],
    ['a key may be written with escapes', '{"\\u0061":[1]}', '[1]'],
    ['brackets and quotes inside strings are text', '{"x":"}]\\"","a":"{\\\\"}', '"{\\\\"'],
    ['a key deeper down is not ours', '{"x":{"a":1},"y":[{"a":2}]}', undefined],
    ['spaces around are not part of the value', ' { "a" :\t1E2\r, "b":0}', '1E2'],
    ['an empty object has nothing', ' {} ', undefined],
    ['a value equal to the key is no key', '{"x":"a"}', undefined],
    ['a longer key is another key', '{"aa":1,"b":2}', undefined],
    ['null is a value', '{"a":null}', 'null'],
  ])('%s', (_rule, text, expected) => {
    expect(rawOf(text, 'a')).toBe(expected)
  })

  it('agrees with JSON.parse on every key of arbitrary objects, however spaced', () => {
    const key = fc.oneof(fc.string({ maxLength: 4 }), fc.constantFrom('__proto__', 'data', '"', '\\'))
    const space = fc.constantFrom('', ' ', '\n\t')
    fc.assert(
      fc.property(fc.array(fc.tuple(key, fc.json())), space, (members, gap) => {
        const body = members.map(([name, json]) => `${gap}${JSON.stringify(name)}${gap}:${gap}${json}${gap}`)
        const text = `{${body.join(',')}}`
        const parsed = JSON.parse(text) as Record<string, unknown>
        for (const name of [...members.map(([first]) => first), 'absent']) {
          const raw = rawOf(text, name)
          expect(raw === undefined ? undefined : JSON.parse(raw)).toEqual(
            Object.hasOwn(parsed, name) ? parsed[name] : undefined,
          )
        }
      }),
    )
  })

  it('depth costs no stack: 20,000 levels', () => {
    const deep = '['.repeat(20_000) + ']'.repeat(20_000)
    expect(rawOf(`{"a":${deep},"b":1}`, 'a')).toBe(deep)
  })

  it('ends on any text, even one that JSON.parse would refuse', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', '\\', ':', ',', 'a', ' ') }),
        (text) => {
          try {
            findJsonField(text, 'a')
          } catch (error) {
            expect(error).toBeInstanceOf(SyntaxError) // an escaped key that is no string
          }
        },
      ),
    )
  })
})

describe('all fields of an object', () => {
  it('stand where their values do, whatever is in them', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.constantFrom('', ' ', '\n\t'),
        (value, space) => {
          const text = `${space}${JSON.stringify(value, null, space)}${space}`
          const found = [...jsonFields(text)].map(([key, { start, end }]) => [
            key,
            JSON.parse(text.slice(start, end)),
          ])
          expect(Object.fromEntries(found)).toEqual(JSON.parse(text))
        },
      ),
    )
  })

  it('are the last ones of their name, and none where there is no object', () => {
    const text = '{"a":1,"\\u0061":2}'
    expect([...jsonFields(text)]).toEqual([['a', { start: 16, end: 17 }]])
    for (const other of ['[1]', '"a"', '', '7']) expect(jsonFields(other).size).toBe(0)
  })
})

describe('the elements of an array, and values in a row', () => {
  const values = fc.array(fc.jsonValue())
  const spaces = fc.constantFrom('', ' ', '\n\t')

  it('elements stand where they are, byte for byte', () => {
    fc.assert(
      fc.property(values, spaces, (array, space) => {
        const text = `${space}${JSON.stringify(array, null, space)}${space}`
        const found = jsonElements(text).map(({ start, end }) => JSON.parse(text.slice(start, end)))
        expect(found).toEqual(JSON.parse(text))
      }),
    )
    for (const other of ['{}', '"[1]"', '', '7']) expect(jsonElements(other)).toEqual([])
  })

  it('objects may follow each other in lines, without them, and written over several', () => {
    fc.assert(
      fc.property(fc.array(fc.dictionary(fc.string(), fc.jsonValue())), spaces, (objects, space) => {
        const text = objects.map((one) => JSON.stringify(one, null, space)).join(space)
        const found = jsonSequence(text).map(({ start, end }) => JSON.parse(text.slice(start, end)))
        expect(found).toEqual(objects.map((one) => JSON.parse(JSON.stringify(one))))
      }),
    )
  })

  it('end on any text: it may be none that a parser takes', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', '\\', ':', ',', 'a', ' ') }),
        (text) => {
          const spans = jsonSequence(text)
          expect(
            spans
              .map(({ start, end }) => text.slice(start, end))
              .join('')
              .replaceAll(' ', ''),
          ).toBe(text.replaceAll(' ', ''))
          jsonElements(text)
        },
      ),
    )
  })
})
