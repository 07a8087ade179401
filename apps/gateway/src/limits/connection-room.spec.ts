import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { connectionRoom, ownDescriptors } from './connection-room.js'
import { parseLimits } from './descriptors.js'

describe('the room for connections', () => {
  it('[20.17] never takes all descriptors, whatever was asked for: the process needs some itself, and who is refused needs one (CR1, CR2)', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 300, max: 2 ** 30 }),
        fc.option(fc.integer({ min: 1, max: 2 ** 30 }), { nil: undefined }),
        (descriptors, asked) => {
          const { maxConnections, cutFrom } = connectionRoom(asked, descriptors)
          expect(maxConnections).toBeLessThanOrEqual(descriptors - ownDescriptors - 32)
          expect(maxConnections).toBeLessThanOrEqual(asked ?? 15_000)
          expect(cutFrom).toBe(asked !== undefined && maxConnections < asked ? asked : undefined)
        },
      ),
    )
  })

  it('takes what was asked for where there is room, and 15,000 where nothing was: one core was measured with so many', () => {
    expect(connectionRoom(50_000, 100_000).maxConnections).toBe(50_000)
    expect(connectionRoom(undefined, 1_048_576).maxConnections).toBe(15_000)
    expect(connectionRoom(undefined, Infinity).maxConnections).toBe(15_000)
    expect(connectionRoom(undefined, undefined).maxConnections).toBe(15_000)
    expect(connectionRoom(20_000, undefined)).toMatchObject({ maxConnections: 20_000, cutFrom: undefined })
  })

  it('fits itself into a small process, and says that it cut what was asked for', () => {
    expect(connectionRoom(undefined, 1_024).maxConnections).toBe(793)
    expect(connectionRoom(15_000, 1_024)).toEqual({
      maxConnections: 793,
      descriptors: 1_024,
      cutFrom: 15_000,
    })
  })

  it('does not begin where there is no room for a single one: it would refuse everybody, and nobody would know why', () => {
    expect(() => connectionRoom(undefined, 160)).toThrow(
      expect.objectContaining({ code: 'too-few-descriptors', message: expect.stringContaining('ulimit -n') }),
    )
  })
})

describe('the limit of descriptors', () => {
  it.each([
    ['Max open files            1024                 524288               files     \n', 1_024],
    ['Max open files            unlimited            unlimited            files     \n', Infinity],
    ['Max processes             95                   95                   processes \n', undefined],
  ])('is the soft one, which is the one that counts: %j', (text, limit) => {
    expect(parseLimits(text)).toBe(limit)
  })
})
