import { describe, expect, it } from '@jest/globals'
import { z } from 'zod'
import { coerceText } from './coerce-text.js'
import { duration } from './values/duration.js'
import { list } from './values/list.js'
import { port } from './values/port.js'

describe('text from the environment', () => {
  it.each<[string, z.ZodType, unknown]>([
    ['8001', z.string(), '8001'],
    ['8001', z.number(), 8001],
    ['-1.5', z.number(), -1.5],
    ['8001', port().optional(), 8001],
    ['0x10', z.int(), '0x10'],
    ['', z.int(), ''],
    ['1e3', z.int(), '1e3'],
    ['true', z.string(), 'true'],
    ['true', z.boolean(), true],
    ['False', z.boolean().default(true), false],
    ['0', z.boolean(), false],
    ['yes', z.boolean(), 'yes'],
    ['{"a":1}', z.strictObject({ a: z.int() }), { a: 1 }],
    ['[1]', z.array(z.int()), [1]],
    ['[1', z.array(z.int()), '[1'],
    ['[1]', z.string(), '[1]'],
    ['5', z.union([z.boolean(), z.int()]), 5],
    ['5s', duration(), '5s'],
  ])('%j is read by what the schema takes, not by how it looks', (text, schema, meant) => {
    expect(coerceText(schema, text)).toEqual(meant)
  })

  it('is a comma list where a list is wanted, its items read by theirs', () => {
    expect(list().parse(coerceText(list(), 'a, b,,c ,'))).toEqual(['a', 'b', 'c'])
    expect(list(port()).parse(coerceText(list(port()), '1,2'))).toEqual([1, 2])
    expect(list(duration()).parse(['1s', 5])).toEqual([1000, 5])
    expect(list(port()).safeParse('1,x').success).toBe(false)
  })
})
