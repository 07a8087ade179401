import { describe, expect, it } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { Disconnects, Errors, Unsubscribes, mayReconnect } from './codes.js'

const tables = { Errors, Disconnects, Unsubscribes }

describe('codes', () => {
  it.each(Object.entries(tables))(
    '%s: no two entries share a number, because clients switch on it',
    (_name, table) => {
      const codes = Object.values(table).map((entry) => entry.code)
      expect(new Set(codes).size).toBe(codes.length)
    },
  )

  it.each(Object.entries(tables))(
    '%s is frozen to the bottom, because it is shared by all connections',
    (_name, table) => {
      expect(Object.isFrozen(table)).toBe(true)
      for (const entry of Object.values(table)) expect(Object.isFrozen(entry)).toBe(true)
    },
  )

  it('[6.4] exactly 100, 111 and 113 are temporary: SDKs repeat those and no others', () => {
    const temporary = Object.values(Errors).filter((error) => 'temporary' in error)
    expect(temporary.map((error) => error.code)).toEqual([100, 111, 113])
  })

  it('[6.4] errors run from 100 to 113 without a gap', () => {
    const codes = Object.values(Errors).map((error) => error.code)
    expect(codes).toEqual(Array.from({ length: 14 }, (_, index) => 100 + index))
  })

  it.each([
    [2999, true],
    [3000, true],
    [3499, true],
    [3500, false],
    [3999, false],
    [4000, true],
    [4499, true],
    [4500, false],
    [4999, false],
    [5000, true],
  ])('[6.2] after a close with %i the client comes back: %s', (code, expected) => {
    expect(mayReconnect(code)).toBe(expected)
  })

  it('[6.3] each disconnect sits in the range that says what the client shall do', () => {
    const stranded = Object.values(Disconnects).filter(({ code }) => !mayReconnect(code))
    expect(stranded.map(({ code }) => code)).toEqual([
      3500, 3501, 3502, 3503, 3504, 3505, 3506, 3507, 3508, 3509,
    ])
  })

  it('[6.1] each reason fits into a close frame', () => {
    for (const { reason } of Object.values(Disconnects)) expect(reason.length).toBeLessThanOrEqual(123)
  })

  it('docs/protocol.md lists exactly these codes with these texts, because people look there', () => {
    const page = readFileSync(new URL('../../../docs/protocol.md', import.meta.url), 'utf8')
    const rows = [...page.matchAll(/^\| (\d{3,4}) +\| ([a-z ]+?) +\| (yes|no|)/gm)]
    const listed = rows.map(([, code, text]) => `${code} ${text}`)
    const ours = [
      ...Object.values(Disconnects).map(({ code, reason }) => `${code} ${reason}`),
      ...Object.values(Errors).map(({ code, message }) => `${code} ${message}`),
      ...Object.values(Unsubscribes).map(({ code, reason }) => `${code} ${reason}`),
    ]
    expect(listed).toEqual(ours)
    for (const [, code, , mark] of rows) {
      const number = Number(code)
      if (number >= 3000) expect([code, mark]).toEqual([code, mayReconnect(number) ? 'yes' : 'no'])
      else if (number < 1000)
        expect([code, mark]).toEqual([code, [100, 111, 113].includes(number) ? 'yes' : ''])
    }
  })
})
