import { describe, expect, it } from '@jest/globals'
import { readPointer } from './json-pointer.js'

const read = (value: unknown, ...path: string[]): string | undefined =>
  readPointer(new TextEncoder().encode(JSON.stringify(value)), path)

describe('the id in a publication', () => {
  it('is found by its path, whatever the keys look like', () => {
    expect(read({ id: 'a' }, 'id')).toBe('"a')
    expect(read({ a: { 'b/c': ['x', 'y'] } }, 'a', 'b/c', '1')).toBe('"y')
    expect(read({ 'm~n': 'z' }, 'm~n')).toBe('"z')
  })

  it('keeps numbers and texts apart, so that 1 and "1" are two messages', () => {
    expect(read({ id: 1 }, 'id')).not.toBe(read({ id: '1' }, 'id'))
  })

  it('is none when absent, empty, too long or no scalar, because such a repeat cannot be recognised', () => {
    for (const id of [undefined, '', null, {}, [], true, 'x'.repeat(257)])
      expect(read({ id }, 'id')).toBeUndefined()
    expect(readPointer(new TextEncoder().encode('not json'), ['id'])).toBeUndefined()
  })

  it('does not see what every object inherits', () => {
    expect(read({}, 'constructor', 'name')).toBeUndefined()
    expect(read({}, '__proto__')).toBeUndefined()
  })
})
