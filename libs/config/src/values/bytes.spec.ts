import { describe, expect, it } from '@jest/globals'
import { bytes, parseBytes } from './bytes.js'

describe('a size', () => {
  it.each([
    ['1MB', 1_000_000],
    ['64KB', 64_000],
    ['64KiB', 65_536],
    ['1GiB', 1_073_741_824],
    ['1.5kb', 1500],
    ['12 MiB', 12_582_912],
    ['12B', 12],
    ['512', 512],
  ])('%s is %i bytes', (text, size) => {
    expect(parseBytes(text)).toBe(size)
  })

  it.each(['', 'MB', '-1KB', '5K', '1 M B', '1e3'])('%j is none', (text) => {
    expect(parseBytes(text)).toBeUndefined()
  })

  it('is refused outside its bounds', () => {
    expect(bytes({ minBytes: 1024 }).safeParse('1KB').success).toBe(false)
    expect(bytes({ minBytes: 1024 }).parse('1KiB')).toBe(1024)
    expect(bytes({ maxBytes: 10 }).safeParse(11).success).toBe(false)
  })
})
