import { describe, expect, it } from '@jest/globals'
import { TypedEvents } from '@natter/primitives'
import { ManualClock } from '@natter/testing'
import type { ProcessEvents } from '../process/managed-process.js'
import { healStore, saysDiskIsFull } from './heal-store.js'

const full =
  "[7] 2026/11/21 13:03:18.329717 [ERR] JetStream failed to store a msg on stream '$G > NATTER_CH_0': write /d/msgs/1.blk: no space left on device"
const GiB = 1_073_741_824

function start() {
  const clock = new ManualClock()
  const said: string[] = []
  const seen = { restarts: 0, free: 0 as number | Error, isReady: true }
  const events = new TypedEvents<ProcessEvents>()
  const server = {
    events,
    get isReady() {
      return seen.isReady
    },
    restart: () => void (seen.restarts += 1),
  }
  const freeBytes = () =>
    seen.free instanceof Error ? Promise.reject(seen.free) : Promise.resolve(seen.free)
  const healer = healStore({ server, storeFolder: '/d', clock, say: (line) => said.push(line), freeBytes })
  const complain = () => events.emit('process:line', { line: full, stream: 'stderr' })
  const becomeReady = () => events.emit('process:ready', { pid: 1, tookMs: 1 })
  return { clock, said, seen, healer, complain, becomeReady }
}

describe('a nats-server whose disk was full', () => {
  it('is restarted once there is room, not before, and both are said once however often it complains', async () => {
    const { clock, said, seen, complain } = start()
    for (let n = 0; n < 30; n += 1) {
      complain()
      await clock.advanceAsync(1_000)
    }
    expect([seen.restarts, said]).toEqual([0, [expect.stringContaining('disk is full: make room for /d')]])
    seen.free = GiB
    await clock.advanceAsync(3_000)
    expect(seen.restarts).toBe(1)
    expect(said).toEqual([expect.anything(), expect.stringContaining('There is room again')])
  })

  it('is left alone with little room, and while the disk can’t be asked: it would only fail again', async () => {
    const { clock, seen, complain } = start()
    complain()
    for (const free of [1_048_576, new Error('EIO')]) {
      seen.free = free
      await clock.advanceAsync(30_000)
    }
    expect(seen.restarts).toBe(0)
  })

  it('is restarted once a minute at most, so that a disk that fills again makes no loop', async () => {
    const { clock, seen, complain, becomeReady } = start()
    seen.free = GiB
    for (let n = 0; n < 170; n += 1) {
      const { restarts } = seen
      complain()
      await clock.advanceAsync(1_000)
      if (seen.restarts > restarts) becomeReady()
    }
    expect(seen.restarts).toBe(3)
  })

  it('is not restarted for what the one before it said: a last word may come after the order to restart', async () => {
    const { clock, seen, complain, becomeReady } = start()
    seen.free = GiB
    complain()
    await clock.advanceAsync(3_000)
    complain() // of the dying one
    becomeReady()
    await clock.advanceAsync(600_000)
    expect([seen.restarts, clock.pendingTimers]).toEqual([1, 0])
  })

  it('is nobody’s business while it starts by itself, or after the mesh was stopped', async () => {
    const { clock, seen, complain, healer } = start()
    Object.assign(seen, { free: GiB, isReady: false })
    complain()
    await clock.advanceAsync(30_000)
    healer.stop()
    seen.isReady = true
    complain()
    await clock.advanceAsync(30_000)
    expect([seen.restarts, clock.pendingTimers]).toEqual([0, 0])
  })
})

describe('the words of a full disk', () => {
  it.each([
    [full, true],
    ['[7] x [ERR] Filestore [NATTER_CH_0] Critical write error: write 1.blk: no space left on device', true],
    ['[7] x [ERR] JetStream failed to store a msg on stream: write 1.blk: disk quota exceeded', true],
    ['[7] x [ERR] JetStream out of File resources, will be DISABLED', true],
    // a restart mends neither of these
    ['[7] x [ERR] JetStream failed to store a msg on stream: maximum bytes exceeded', false],
    ['[7] x [ERR] error writing the log file: no space left on device', false],
  ])('are told from others: %s', (line, isFull) => expect(saysDiskIsFull(line)).toBe(isFull))
})
