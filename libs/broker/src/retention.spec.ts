import { describe, expect, it } from '@jest/globals'
import { Subjects } from './subjects.js'
import { isRetention, isSameRetention, limitsOf, withWish, type Retention } from './retention.js'
import { decodeTopology, encodeTopology, newTopology } from './topology.js'

const refusing: Retention = { onFull: 'refuse', maxBytes: 1_000, maxAgeMs: 60_000 }
const size = { maxBytes: 2_000, maxAgeMs: 30_000 }

describe('what streams keep', () => {
  it('sizes follow the newest boot; what a full stream does changes only for who says so', () => {
    expect(withWish(refusing, size)).toEqual({ ...size, onFull: 'refuse' })
    expect(withWish(refusing, { ...size, onFull: 'forget' })).toEqual({ ...size, onFull: 'forget' })
    expect(withWish(undefined, size)).toEqual({ ...size, onFull: 'forget' })
    expect(withWish(undefined, { ...size, onFull: 'refuse' }).onFull).toBe('refuse')
  })

  it('a stream that refuses has no age, because it would evict what is not archived', () => {
    expect(limitsOf(refusing)).toMatchObject({ discard: 'new', max_age: 0, duplicate_window: 120e9 })
  })

  it('a stream that forgets does so by age too, and NATS wants no window longer than that', () => {
    const limits = limitsOf({ ...size, onFull: 'forget' })
    expect(limits).toEqual({ discard: 'old', max_bytes: 2_000, max_age: 30e9, duplicate_window: 30e9 })
  })

  it('two are the same by their values, and none is only the same as none', () => {
    expect(isSameRetention(refusing, { ...refusing })).toBe(true)
    for (const other of [{ ...refusing, maxAgeMs: 1 }, { ...refusing, maxBytes: 1 }, undefined]) {
      expect(isSameRetention(refusing, other)).toBe(false)
    }
    expect(isSameRetention(undefined, undefined)).toBe(true)
  })

  it('is read in a record and may be absent there, but not be nonsense', () => {
    const plain = newTopology(new Subjects('natter'), 1, () => 'epoch')
    expect(decodeTopology(encodeTopology(plain)).retention).toBeUndefined()
    const record = { ...plain, retention: refusing }
    expect(decodeTopology(encodeTopology(record)).retention).toEqual(refusing)
    for (const nonsense of [null, {}, { ...refusing, onFull: 'explode' }, { ...refusing, maxBytes: '1' }]) {
      expect(isRetention(nonsense)).toBe(false)
      const bytes = Buffer.from(JSON.stringify({ ...plain, retention: nonsense }))
      expect(() => decodeTopology(bytes)).toThrow(expect.objectContaining({ code: 'bad-topology' }))
    }
  })
})
