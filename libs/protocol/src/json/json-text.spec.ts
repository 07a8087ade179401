import { describe, expect, it } from '@jest/globals'
import { isJson, isJsonObject } from './json-text.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('JSON text', () => {
  it.each([
    ['{"a":1}', true, true],
    [' {} ', true, true],
    ['[1]', true, false],
    ['null', true, false],
    ['"x"', true, false],
    ['', false, false],
    ['{"a":}', false, false],
    ['\ufeff{}', false, false],
    ['{}{}', false, false],
  ])('%j is JSON: %s, an object: %s', (text, json, object) => {
    expect([isJson(bytes(text)), isJsonObject(bytes(text))]).toEqual([json, object])
  })

  it('bytes that are not UTF-8 are no JSON, even inside a string', () => {
    expect(isJson(Uint8Array.of(0x22, 0xc3, 0x22))).toBe(false)
  })
})
