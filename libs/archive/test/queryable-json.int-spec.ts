import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { queryableJson } from '@natter/archive'
import { startPostgres, type PostgresServer } from '@natter/testing'
import fc from 'fast-check'
import { Database } from './database.js'

let server: PostgresServer
let database: Database
beforeAll(async () => {
  server = await startPostgres()
  database = await Database.create(server)
}, 60_000)
afterAll(async () => {
  await database.close()
  await server.stop()
})

const space = fc.constantFrom('', ' ', '\t\n', '\r ')
const hostileString = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\\u0000',
        '\\ud800',
        '\\udc00',
        '\\ud83d\\ude00',
        '\\u00e9',
        '\\n',
        '\\/',
        '\\"',
        '\\x',
      ),
      fc.string({ unit: 'grapheme', maxLength: 4 }).map((text) => JSON.stringify(text).slice(1, -1)),
    ),
    { maxLength: 5 },
  )
  .map((parts) => `"${parts.join('')}"`)
const hostileNumber = fc
  .tuple(
    fc.constantFrom('', '-', '+'),
    fc.constantFrom('0', '1', '00', '12', '9'.repeat(999), '9'.repeat(1_001), ''),
    fc.constantFrom('', '.', '.0', '.5', `.${'1'.repeat(990)}`, `.${'1'.repeat(16_500)}`),
    fc.constantFrom(
      '',
      'e',
      'e5',
      'E-5',
      'e+999',
      'e-999',
      'e1000',
      'e131071',
      'e-20000',
      'e400000',
      'e99999999999',
    ),
  )
  .map((parts) => parts.join(''))
const { value } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.oneof(hostileString, hostileNumber, fc.constantFrom('true', 'null', 'nul', '', '\ufeff1')),
    fc
      .tuple(space, fc.array(tie('value'), { maxLength: 3 }))
      .map(([gap, all]) => `[${gap}${all.join(`${gap},`)}]`),
    fc
      .tuple(
        space,
        fc.array(fc.tuple(fc.constantFrom('"a"', '"b"', '"\\u0000"'), tie('value')), { maxLength: 3 }),
      )
      .map(([gap, all]) => `{${all.map(([key, each]) => `${gap}${key}${gap}:${each}`).join(',')}}`),
    fc
      .tuple(fc.integer({ min: 250, max: 260 }), tie('value'))
      .map(([n, each]) => '['.repeat(n) + each + ']'.repeat(n)),
  ),
}))
const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe('queryableJson', () => {
  it('Q1: whatever it answers, jsonb takes', async () => {
    let answered = 0
    await fc.assert(
      fc.asyncProperty(fc.oneof(value, fc.json()), async (text) => {
        const found = queryableJson(Buffer.from(text))
        if (found === undefined) return
        answered += 1
        await database.query('select $1::jsonb', [found])
        expect(isJson(found)).toBe(true)
      }),
      { numRuns: 3_000 },
    )
    expect(answered).toBeGreaterThan(300)
  }, 60_000)
})
