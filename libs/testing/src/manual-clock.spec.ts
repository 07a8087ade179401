import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { ManualClock } from './manual-clock.js'

describe('ManualClock', () => {
  it('fires due timers by time, then by the order they were set, each at its own time', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50)), fc.nat(60), (delays, ms) => {
        const clock = new ManualClock(0)
        const fired: [number, number][] = []
        for (const [index, delay] of delays.entries()) {
          clock.setTimer(() => fired.push([clock.now(), index]), delay)
        }
        clock.advance(ms)
        const due = delays
          .map((delay, index): [number, number] => [delay, index])
          .filter(([delay]) => delay <= ms)
          .toSorted((a, b) => a[0] - b[0] || a[1] - b[1])
        expect(fired).toEqual(due)
        expect(clock.now()).toBe(ms)
        expect(clock.pendingTimers).toBe(delays.length - due.length)
      }),
    )
  })

  it('a timer set by a timer fires in the same advance when it falls within it', () => {
    const clock = new ManualClock(0)
    const fired: number[] = []
    clock.setTimer(() => clock.setTimer(() => fired.push(clock.now()), 5), 5)
    clock.advance(9)
    expect(fired).toEqual([])
    clock.advance(1)
    expect(fired).toEqual([10])
  })

  it('a timer of 0 ms never fires before time is moved', () => {
    const clock = new ManualClock()
    let fired = false
    clock.setTimer(() => {
      fired = true
    }, 0)
    expect(fired).toBe(false)
    clock.advance(0)
    expect(fired).toBe(true)
  })

  it('a cancelled timer is gone, and cancelling twice is harmless', () => {
    const clock = new ManualClock()
    const timer = clock.setTimer(() => {
      throw new Error('fired')
    }, 1)
    timer.cancel()
    timer.cancel()
    clock.advance(10)
    expect(clock.pendingTimers).toBe(0)
  })
})
