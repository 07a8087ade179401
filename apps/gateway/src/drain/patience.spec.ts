import { describe, expect, it } from '@jest/globals'
import { ManualClock } from '@natter/testing'
import { Patience } from './patience.js'

describe('patience', () => {
  const make = (deadlineMs: number) => {
    const clock = new ManualClock()
    const hurry = new AbortController()
    return { clock, hurry, patience: new Patience(clock, deadlineMs, hurry.signal) }
  }
  /** What has ended so far. */
  const noted = (waits: Record<string, Promise<unknown>>): string[] => {
    const ended: string[] = []
    for (const [name, wait] of Object.entries(waits)) void wait.then(() => ended.push(name))
    return ended
  }
  const never = new Promise<void>(() => {})

  it('waits as long as it was asked to, and never past the deadline (PT1)', async () => {
    const { clock, patience } = make(1_000)
    const ended = noted({
      short: patience.pause(300),
      work: patience.within(500, never),
      long: patience.pause(5_000),
      longWork: patience.within(5_000, never),
    })
    await clock.advanceAsync(300)
    expect(ended).toEqual(['short'])
    await clock.advanceAsync(200)
    expect(ended).toEqual(['short', 'work'])
    await clock.advanceAsync(500)
    expect(ended).toEqual(['short', 'work', 'long', 'longWork'])
    expect(patience.leftMs).toBe(0)
    await patience.pause(1_000) // at once
    expect(clock.pendingTimers).toBe(0) // PT3
  })

  it('hurried, ends its pauses at once and leaves work a moment, however much was left (PT2)', async () => {
    const { clock, hurry, patience } = make(60_000)
    const ended = noted({ pause: patience.pause(30_000), work: patience.within(30_000, never) })
    hurry.abort()
    await clock.advanceAsync(0)
    expect(ended).toEqual(['pause'])
    expect(patience.leftMs).toBeLessThanOrEqual(700)
    await patience.pause(10_000) // at once
    await clock.advanceAsync(700)
    expect(ended).toEqual(['pause', 'work'])
    expect(clock.pendingTimers).toBe(0)
  })

  it('goes on when the work is done, and tells what it threw', async () => {
    const { clock, patience } = make(60_000)
    await patience.within(10_000, Promise.resolve())
    await expect(patience.within(10_000, Promise.reject(new Error('no way')))).rejects.toThrow('no way')
    expect(clock.pendingTimers).toBe(0)
  })

  it('made by somebody who is hurried already, has a moment', () => {
    const patience = new Patience(new ManualClock(), 60_000, AbortSignal.abort())
    expect(patience.leftMs).toBe(700)
  })
})
