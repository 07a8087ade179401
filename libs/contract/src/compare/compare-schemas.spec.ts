import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { z } from 'zod'
import { contract, objectSchema, similarSchemas, valueOf } from '../../test/arbitraries.js'
import type { Schema } from '../json/schema.js'
import type { Direction } from './change.js'
import { compareContracts, isBreaking } from './compare-contracts.js'
import { compareSchemas } from './compare-schemas.js'

const compare = (before: Schema, after: Schema, direction: Direction = 'request') =>
  compareSchemas(before, after, direction, 'x')
const breaks = (before: Schema, after: Schema, direction: Direction = 'request'): boolean =>
  isBreaking(compare(before, after, direction))

/** Another's judgement of what fits. */
const takes = (schema: Schema, value: unknown): boolean => z.fromJSONSchema(schema).safeParse(value).success

const withField = (schema: Schema, name: string, node: Schema, isRequired = false): Schema => ({
  ...schema,
  properties: { ...(schema['properties'] as Schema), [name]: node },
  required: [...(schema['required'] as string[]), ...(isRequired ? [name] : [])],
})
const withoutField = (schema: Schema, name: string): Schema => {
  const { [name]: _, ...properties } = schema['properties'] as Schema
  return { ...schema, properties, required: (schema['required'] as string[]).filter((one) => one !== name) }
}
const type = (name: string, more: Schema = {}): Schema => ({ type: name, ...more })

describe('between two contracts', () => {
  it('nothing is different where they are the same', () => {
    fc.assert(fc.property(contract, (one) => expect(compareContracts(one, structuredClone(one))).toEqual([])))
  })

  it('breaking comes with a name: each change has the path that its sentence begins with', () => {
    fc.assert(
      fc.property(contract, contract, (before, after) => {
        for (const { path, message } of compareContracts(before, after))
          expect(message.startsWith(`${path} `)).toBe(true)
      }),
    )
  })
})

describe('a request', () => {
  it('S1: that breaks nobody takes all that could be said before, as another validator finds', () => {
    const cases = fc
      .oneof(similarSchemas, fc.tuple(objectSchema, objectSchema))
      .chain(([before, after]) => fc.tuple(fc.constant(before), fc.constant(after), valueOf(before)))
    fc.assert(
      fc.property(cases, ([before, after, value]) => {
        fc.pre(takes(before, value) && !breaks(before, after))
        expect(takes(after, value)).toBe(true)
      }),
    )
  })

  it('S2: with a new optional field never breaks', () => {
    fc.assert(
      fc.property(objectSchema, objectSchema, (before, node) => {
        const changes = compare(before, withField(before, 'new', node))
        expect(changes).toEqual([
          expect.objectContaining({ path: 'x.new', kind: 'field-added', breaking: false }),
        ])
      }),
    )
  })

  it('with a new required field always breaks, and the field is named', () => {
    fc.assert(
      fc.property(objectSchema, objectSchema, (before, node) => {
        const changes = compare(before, withField(before, 'new', node, true))
        expect(changes).toEqual([
          expect.objectContaining({ path: 'x.new', kind: 'required-field-added', breaking: true }),
        ])
      }),
    )
  })

  it('without a field that it had always breaks, and the field is named; so does a reply', () => {
    fc.assert(
      fc.property(objectSchema, objectSchema, fc.boolean(), (after, node, isRequired) => {
        const before = withField(after, 'old', node, isRequired)
        for (const direction of ['request', 'reply'] as const)
          expect(compare(before, withoutField(before, 'old'), direction)).toEqual([
            expect.objectContaining({ path: 'x.old', kind: 'field-removed', breaking: true }),
          ])
      }),
    )
  })
})

describe('a reply', () => {
  it('S1: that breaks nobody tells only what could be told before, as another validator finds', () => {
    const cases = fc
      .oneof(similarSchemas, fc.tuple(objectSchema, objectSchema))
      .chain(([before, after]) => fc.tuple(fc.constant(before), fc.constant(after), valueOf(after)))
    fc.assert(
      fc.property(cases, ([before, after, value]) => {
        fc.pre(takes(after, value) && !breaks(before, after, 'reply'))
        expect(takes(before, value)).toBe(true)
      }),
    )
  })
})

describe('one type for another', () => {
  const recursive = (leaf: Schema): Schema => ({
    type: 'object',
    properties: { value: leaf, next: { $ref: '#' } },
    required: ['value'],
  })
  const tuple = (...items: Schema[]): Schema => ({ type: 'array', prefixItems: items, items: false })

  it.each<[string, Schema, Schema, boolean, boolean]>([
    ['an integer for a number', type('integer'), type('number'), false, true],
    ['anything for a text', type('string'), {}, false, true],
    ['a text that may be null', type('string'), { type: ['string', 'null'] }, false, true],
    ['a text for some words', { enum: ['a', 'b'] }, type('string'), false, true],
    ['words that keep a limit', { enum: ['aa', 'bb'] }, type('string', { minLength: 2 }), false, true],
    ['words that do not', { enum: ['a', 'bb'] }, type('string', { minLength: 2 }), true, true],
    [
      'a wider range',
      type('number', { minimum: 2, maximum: 3 }),
      type('number', { exclusiveMinimum: 1 }),
      false,
      true,
    ],
    ['a higher bound', type('integer', { minimum: 1 }), type('integer', { minimum: 2 }), true, false],
    ['what nothing can be', { allOf: [{ const: 'a' }, { const: 'b' }] }, type('number'), false, true],
    [
      'the same bound, excluded',
      type('number', { minimum: 1 }),
      type('number', { exclusiveMinimum: 1 }),
      true,
      false,
    ],
    ['another pattern', type('string', { pattern: '^a' }), type('string', { pattern: '^b' }), true, true],
    ['a format more', type('string'), type('string', { format: 'email' }), true, false],
    ['no array for anything', type('array', { items: {} }), type('array', { items: false }), true, false],
    ['a longer tuple', tuple(type('string')), tuple(type('string'), type('number')), false, true],
    [
      'one element more exact',
      type('array', { items: type('number') }),
      type('array', { items: type('integer') }),
      true,
      false,
    ],
    [
      'a record of less',
      type('object', { additionalProperties: {} }),
      type('object', { additionalProperties: type('string') }),
      true,
      false,
    ],
    [
      'fields that nobody declared',
      type('object'),
      type('object', { additionalProperties: false }),
      true,
      false,
    ],
    ['recursion with another leaf', recursive(type('integer')), recursive(type('number')), false, true],
    [
      'an intersection taken apart',
      { allOf: [type('string', { minLength: 1 }), type('string', { maxLength: 9 })] },
      type('string', { minLength: 1, maxLength: 9 }),
      false,
      false,
    ],
    [
      'what nobody understands, changed',
      type('string', { if: { const: 'a' } }),
      type('string', { if: { const: 'b' } }),
      true,
      true,
    ],
    ['never', { not: {} }, type('string'), false, true],
    ['a reference to nothing', { $ref: '#/$defs/a' }, { $ref: '#/$defs/b' }, true, true],
    ['bytes for JSON', { type: 'string', contentEncoding: 'binary' }, {}, true, true],
  ])('%s', (_, before, after, isRequestBroken, isReplyBroken) => {
    expect([breaks(before, after), breaks(before, after, 'reply')]).toEqual([isRequestBroken, isReplyBroken])
  })
})
