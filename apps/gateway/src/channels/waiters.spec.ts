import { describe, expect, it, jest } from '@jest/globals'
import { UnavailableError } from '@natter/primitives'
import { ManualClock } from '@natter/testing'
import fc from 'fast-check'
import { Waiters } from './waiters.js'

const timeoutMs = 3_000

function start() {
  const clock = new ManualClock(0)
  const waiters = new Waiters(clock, timeoutMs)
  const ends: string[] = []
  const wait = (name: string): void =>
    void waiters.wait().then(
      () => ends.push(`${name} released`),
      (error: unknown) =>
        ends.push(`${name} ${error instanceof UnavailableError ? error.code : String(error)}`),
    )
  return { clock, waiters, ends, wait }
}

const settled = (): Promise<void> => new Promise(setImmediate)

describe('who waits for a channel', () => {
  it('waits no longer than the timeout, each from its own start, so that a command is answered before SDKs give up', async () => {
    const { clock, ends, wait } = start()
    wait('first')
    await clock.advanceAsync(1_000)
    wait('second')
    await clock.advanceAsync(timeoutMs - 1_001)
    expect(ends).toEqual([])
    await clock.advanceAsync(1)
    expect(ends).toEqual(['first channel-not-ready'])
    await clock.advanceAsync(1_000)
    expect(ends).toEqual(['first channel-not-ready', 'second channel-not-ready'])
    expect(clock.pendingTimers).toBe(0)
  })

  it('goes on when the channel is live, all in the order they came, and leaves no timer', async () => {
    const { clock, waiters, ends, wait } = start()
    wait('first')
    wait('second')
    waiters.release()
    expect(clock.pendingTimers).toBe(0)
    await settled()
    expect(ends).toEqual(['first released', 'second released'])
  })

  it('is let go when its time is over: a channel that never opens must not collect who asked', async () => {
    const { clock, waiters, wait } = start()
    const cancel = jest.fn()
    const setTimer = clock.setTimer.bind(clock)
    jest.spyOn(clock, 'setTimer').mockImplementation((run, ms) => {
      setTimer(run, ms)
      return { cancel }
    })
    wait('late')
    await clock.advanceAsync(timeoutMs)
    wait('waiting')
    waiters.release()
    expect(cancel).toHaveBeenCalledTimes(1) // of the one that is still there
  })

  it('is answered once and is gone then, after any order of waits, releases and time', async () => {
    const steps = fc.array(fc.constantFrom('wait', 'release', 'time'), { maxLength: 30, size: 'max' })
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        const { clock, waiters, ends, wait } = start()
        let count = 0
        for (const step of sequence) {
          if (step === 'wait') wait(String((count += 1)))
          else if (step === 'release') waiters.release()
          else clock.advance(700)
          await settled()
          expect(clock.pendingTimers).toBe(count - ends.length)
        }
        clock.advance(timeoutMs)
        await settled()
        expect(clock.pendingTimers).toBe(0)
        expect(new Set(ends.map((end) => end.split(' ')[0])).size).toBe(count)
        expect(ends).toHaveLength(count)
      }),
    )
  })
})
