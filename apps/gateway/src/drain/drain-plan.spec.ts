import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { planDrain, tickMs, windowMsOf, type DrainWindow } from './drain-plan.js'

const windows: fc.Arbitrary<DrainWindow> = fc.record({
  connections: fc.integer({ min: 0, max: 100_000 }),
  ratePerSecond: fc.integer({ min: 10, max: 50_000 }),
  availableMs: fc.integer({ min: 0, max: 20_000 }),
})
const total = (counts: readonly { count: number }[]): number =>
  counts.reduce((sum, { count }) => sum + count, 0)

describe('the plan of a drain', () => {
  it('tells everybody, and nobody when the time is up (DP1)', () => {
    fc.assert(
      fc.property(windows, (window) => {
        const batches = planDrain(window)
        expect(total(batches)).toBe(window.connections)
        for (const { atMs } of batches.slice(1)) expect(atMs).toBeLessThan(window.availableMs)
        expect(batches[0]?.atMs).toBe(0)
      }),
    )
  })

  it('is never ahead of the rate by more than a tick, unless the time is too short for it (DP2)', () => {
    fc.assert(
      fc.property(windows, (window) => {
        const { connections, ratePerSecond, availableMs } = window
        const isShortened = (connections / ratePerSecond) * 1_000 > Math.floor(availableMs / tickMs) * tickMs
        fc.pre(!isShortened)
        let told = 0
        for (const { atMs, count } of planDrain(window)) {
          told += count
          expect(told).toBeLessThanOrEqual(Math.ceil((ratePerSecond * (atMs + tickMs)) / 1_000))
        }
      }),
    )
  })

  it('is even: batches a tick apart that differ by one at most, shortened or not (DP3)', () => {
    fc.assert(
      fc.property(windows, (window) => {
        const batches = planDrain(window)
        const counts = batches.map(({ count }) => count)
        expect(batches.map(({ atMs }) => atMs)).toEqual(batches.map((_, at) => at * tickMs))
        expect(
          counts.reduce((x, y) => Math.max(x, y)) - counts.reduce((x, y) => Math.min(x, y)),
        ).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('uses the window that the rate gives, and all of the time there is where that is too short', () => {
    expect(windowMsOf(planDrain({ connections: 15_000, ratePerSecond: 5_000, availableMs: 60_000 }))).toBe(
      3_000,
    )
    expect(windowMsOf(planDrain({ connections: 15_000, ratePerSecond: 5_000, availableMs: 1_000 }))).toBe(
      1_000,
    )
    expect(planDrain({ connections: 300, ratePerSecond: 1, availableMs: 0 })).toEqual([
      { atMs: 0, count: 300 },
    ])
    expect(planDrain({ connections: 0, ratePerSecond: 1, availableMs: 0 })).toEqual([{ atMs: 0, count: 0 }])
  })
})
