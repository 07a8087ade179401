import { describe, expect, it } from '@jest/globals'
import { Subjects } from './subjects.js'
import { isRetention, isSameRetention, limitsOf, withWish, type Retention } from './retention.js'
import { decodeTopology, encodeTopology, newTopology } from './topology.js'

const refusing: Retention = { onFull: 'refuse', maxBytes: 10_000, maxAgeMs: 60_000 }
const size = { maxBytes: 20_000, maxAgeMs: 30_000 }

describe('what streams keep', () => {
  it('each part changes only for who says so: a node with fewer settings must not resize the streams of all', () => {
    expect(withWish(refusing, {})).toEqual(refusing)
    expect(withWish(refusing, { maxBytes: 5_000 })).toEqual({ ...refusing, maxBytes: 5_000 })
    expect(withWish(refusing, { maxAgeMs: 5_000 })).toEqual({ ...refusing, maxAgeMs: 5_000 })
    expect(withWish(undefined, {})).toEqual({ onFull: 'forget', maxBytes: 2 ** 30, maxAgeMs: 86_400_000 })
    expect(withWish(refusing, size)).toEqual({ ...size, onFull: 'refuse' })
    expect(withWish(refusing, { ...size, onFull: 'forget' })).toEqual({ ...size, onFull: 'forget' })
    expect(withWish(undefined, size)).toEqual({ ...size, onFull: 'forget' })
    expect(withWish(undefined, { ...size, onFull: 'refuse' }).onFull).toBe('refuse')
  })

  it.each([
    { ...size, onFull: 'refuse', maxBytes: 0 } as const,
    { ...size, onFull: 'refuse', maxBytes: 1 } as const,
    { ...size, onFull: 'refuse', maxAgeMs: 0 } as const,
  ])(
    'K3: of the record %j only what can be is kept, or a mesh that was given 0 once would never start',
    (recorded) => {
      const { onFull, maxBytes, maxAgeMs } = withWish(recorded, {})
      expect(onFull).toBe('refuse')
      expect([maxBytes, maxAgeMs]).toEqual([
        recorded.maxBytes < 2 ? 2 ** 30 : size.maxBytes,
        recorded.maxAgeMs === 0 ? 86_400_000 : size.maxAgeMs,
      ])
    },
  )

  it('a stream that refuses has no age, because it would evict what is not archived', () => {
    expect(limitsOf(refusing)).toMatchObject({ discard: 'new', max_age: 0, duplicate_window: 120e9 })
  })

  it('a stream that forgets does so by age too, and NATS wants no window longer than that', () => {
    const limits = limitsOf({ ...size, onFull: 'forget' })
    expect(limits).toEqual({ discard: 'old', max_bytes: 20_000, max_age: 30e9, duplicate_window: 30e9 })
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
