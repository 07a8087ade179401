import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { systemClock } from './clock.js'

const dayMs = 86_400_000

describe('a timer of the machine', () => {
  beforeEach(() => void jest.useFakeTimers())
  afterEach(() => void jest.useRealTimers())

  it('waits as long as it was told, also longer than the platform can: a token may end in a year', () => {
    for (const ms of [1, 20, 24 * dayMs, 25 * dayMs, 365 * dayMs]) {
      const run = jest.fn()
      systemClock.setTimer(run, ms)
      jest.advanceTimersByTime(ms - 1)
      expect(run).not.toHaveBeenCalled()
      jest.advanceTimersByTime(1)
      expect(run).toHaveBeenCalledTimes(1)
      jest.advanceTimersByTime(60 * dayMs)
      expect(run).toHaveBeenCalledTimes(1)
    }
  })

  it('can be cancelled at any time, or a client that left would be ended again', () => {
    for (const afterMs of [0, 10 * dayMs, 30 * dayMs, 59 * dayMs]) {
      const run = jest.fn()
      const timer = systemClock.setTimer(run, 60 * dayMs)
      jest.advanceTimersByTime(afterMs)
      timer.cancel()
      timer.cancel()
      jest.advanceTimersByTime(60 * dayMs)
      expect(run).not.toHaveBeenCalled()
      expect(jest.getTimerCount()).toBe(0)
    }
  })
})
