import { describe, expect, it } from '@jest/globals'
import { Allowance } from './allowance.js'

describe('an allowance', () => {
  it('never grows beyond the burst, however long a client is silent: a night of silence is no licence for a flood', () => {
    const allowance = new Allowance({ perSecond: 100, burst: 50 }, 0)
    expect(allowance.take(51, 86_400_000)).toBe(false)
    expect(allowance.take(50, 86_400_000)).toBe(true)
    expect(allowance.take(1, 86_400_000)).toBe(false)
  })

  it('fills with so many per second, not per millisecond', () => {
    const allowance = new Allowance({ perSecond: 10, burst: 50 }, 0, 0)
    expect(allowance.take(1, 99)).toBe(false)
    expect(allowance.take(10, 1_000)).toBe(true)
    expect(allowance.take(1, 1_000)).toBe(false)
  })

  it('loses nothing by what it refuses', () => {
    const allowance = new Allowance({ perSecond: 1, burst: 10 }, 0)
    expect([allowance.take(11, 0), allowance.take(10, 0)]).toEqual([false, true])
  })
})
