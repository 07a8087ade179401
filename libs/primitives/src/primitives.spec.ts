import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { Backoff } from './backoff.js'
import { Gate } from './gate.js'
import { TypedEvents } from './typed-events.js'

describe('Backoff', () => {
  it('stays between half and the whole of a step that grows to its cap, so that nobody hammers and nobody waits for ever', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { maxLength: 20, size: 'max' }),
        (dice) => {
          const backoff = new Backoff({ baseMs: 100, maxMs: 1_000 }, () => dice.shift() ?? 0)
          for (const step of [100, 200, 400, 800, 1_000, 1_000]) {
            const waitMs = backoff.next()
            expect(waitMs).toBeGreaterThanOrEqual(step / 2)
            expect(waitMs).toBeLessThanOrEqual(step)
          }
          backoff.reset()
          expect(backoff.next()).toBeLessThanOrEqual(100)
        },
      ),
    )
  })
})

describe('Gate', () => {
  it('never lets more than its width run, and lets everybody run in the end, failures included', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.boolean(), { maxLength: 20, size: 'max' }),
        async (width, fails) => {
          const gate = new Gate(width)
          let running = 0
          let most = 0
          const outcomes = await Promise.allSettled(
            fails.map((isFailing) =>
              gate.run(async () => {
                running += 1
                most = Math.max(most, running)
                await Promise.resolve()
                running -= 1
                if (isFailing) throw new Error('failed')
              }),
            ),
          )
          expect(most).toBeLessThanOrEqual(width)
          expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(
            fails.filter(Boolean).length,
          )
          expect(gate.waiting).toBe(0)
        },
      ),
    )
  })

  it('serves first come first', async () => {
    const gate = new Gate(1)
    const order: number[] = []
    await Promise.all([1, 2, 3].map((n) => gate.run(async () => void order.push(n))))
    expect(order).toEqual([1, 2, 3])
  })
})

describe('TypedEvents', () => {
  it('survives a listener that throws, and tells who asked for that', () => {
    const errors: unknown[] = []
    const events = new TypedEvents<{ 'thing:happen': { n: number } }>((error) => errors.push(error))
    const heard: number[] = []
    events.on('thing:happen', () => {
      throw new Error('a bad listener')
    })
    const stop = events.on('thing:happen', ({ n }) => heard.push(n))
    events.emit('thing:happen', { n: 1 })
    stop()
    events.emit('thing:happen', { n: 2 })
    expect(heard).toEqual([1])
    expect(errors).toHaveLength(2)
    expect(events.listenerCount).toBe(1)
  })
})
