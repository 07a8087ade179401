import { describe, expect, it } from '@jest/globals'
import { z } from 'zod'
import { keysOfValue } from './value-keys.js'
import { duration } from './values/duration.js'

const namespace = z
  .strictObject({ name: z.string(), on: z.boolean().default(false), ttl: duration().optional() })
  .superRefine(() => {})

describe('the keys of a value', () => {
  it.each([
    ['an object', namespace.optional()],
    ['a list', z.array(namespace)],
    ['a record', z.record(z.string(), namespace)],
  ])('of %s are found for the reference, with what each takes', (_, schema) => {
    expect(keysOfValue(schema)).toMatchObject([
      { key: 'name', kind: 'a text', isRequired: true },
      { key: 'on', kind: 'true or false', default: false, isRequired: false },
      { key: 'ttl', kind: expect.stringContaining('a duration'), default: undefined, isRequired: false },
    ])
  })

  it('of anything else are none', () => {
    expect(keysOfValue(z.string())).toEqual([])
  })
})
