import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { ModelLog } from '../test/model-log.js'
import type { LogMessage } from './message.js'
import { Ring } from './ring.js'

const sized = fc.record({ others: fc.nat(2), bytes: fc.integer({ min: 1, max: 30 }) })

function filled(limits: { maxCount: number; maxBytes: number }, count: number, start = 0) {
  const log = new ModelLog()
  log.pad(start)
  const ring = new Ring<LogMessage>(limits)
  ring.startAt(start)
  for (let n = 0; n < count; n++) ring.push(log.append(1))
  return { ring, log }
}

describe('the ring', () => {
  it('proves nothing below its floor, for what lies there was dropped or never seen', () => {
    const { ring } = filled({ maxCount: 2, maxBytes: 1_000 }, 3, 10)
    expect(ring.floor).toBe(12)
    expect(ring.after(11)).toBeUndefined()
    expect(ring.after(12)?.map(({ seq }) => seq)).toEqual([14, 16])
  })

  it('keeps one message that alone is larger than the limit, for else it could not be told from a hole', () => {
    const ring = new Ring<LogMessage>({ maxCount: 9, maxBytes: 10 })
    ring.push({ seq: 1, prev: 0, timeNs: 1n, bytes: 99 })
    expect(ring.after(0)).toHaveLength(1)
    ring.push({ seq: 2, prev: 1, timeNs: 2n, bytes: 99 })
    expect(ring.after(1)).toHaveLength(1)
    expect(ring.floor).toBe(1)
  })

  it('forgets everything when it starts anew, also downwards', () => {
    const { ring } = filled({ maxCount: 9, maxBytes: 1_000 }, 3)
    ring.startAt(2)
    expect([ring.floor, ring.count, ring.bytes]).toEqual([2, 0, 0])
    expect(ring.after(2)).toEqual([])
    expect(ring.after(1)).toBeUndefined()
    expect(ring.stampOf(4)).toBeUndefined()
  })

  it('hands out copies, so that a later message does not appear in what was asked for before', () => {
    const { ring, log } = filled({ maxCount: 9, maxBytes: 1_000 }, 2)
    const asked = ring.after(0)
    ring.push(log.append())
    expect(asked).toHaveLength(2)
  })

  it('answers as a list of everything would, cut to count and bytes', () => {
    const limits = fc.record({
      maxCount: fc.integer({ min: 1, max: 100 }),
      maxBytes: fc.integer({ min: 1, max: 1_000 }),
    })
    const pushes = fc.array(sized, { maxLength: 300, size: 'max' })
    fc.assert(
      fc.property(
        limits,
        fc.nat(5),
        pushes,
        fc.array(fc.nat(1_000), { maxLength: 8 }),
        (limit, start, sizes, probes) => {
          const log = new ModelLog()
          log.pad(start)
          const ring = new Ring<LogMessage>(limit)
          ring.startAt(start)
          let model: LogMessage[] = []
          let floor = start
          const bytes = () => model.reduce((sum, message) => sum + message.bytes, 0)
          for (const size of sizes) {
            const message = log.append(size.others, size.bytes)
            ring.push(message)
            model.push(message)
            while (model.length > limit.maxCount || (model.length > 1 && bytes() > limit.maxBytes)) {
              floor = model[0]?.seq ?? floor
              model = model.slice(1)
            }
            if (ring.count !== model.length || ring.bytes !== bytes() || ring.floor !== floor)
              throw new Error('R2')
          }
          for (const probe of probes) {
            const position = probe % (log.top + 2)
            const above = model.filter(({ seq }) => seq > position)
            const upTo = model.filter(({ seq }) => seq <= position)
            const count = probe % 5
            expect(ring.after(position)).toEqual(position < floor ? undefined : above) // R1
            const newest = upTo.length < count ? undefined : upTo.slice(upTo.length - count).toReversed()
            expect(ring.newest(count, position)).toEqual(newest)
            expect(ring.stampOf(position)).toBe(model.find(({ seq }) => seq === position)?.timeNs)
          }
        },
      ),
    )
  })
})
