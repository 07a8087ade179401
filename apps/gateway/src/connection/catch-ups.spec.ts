import { describe, expect, it } from '@jest/globals'
import type { Namespace } from '@natter/auth'
import { Disconnects, type DisconnectCode } from '@natter/protocol'
import { ManualClock } from '@natter/testing'
import fc from 'fast-check'
import { CatchUps } from './catch-ups.js'

const patienceMs = 10_000

/** A client that takes what waits for it as the test says. */
class SlowReader {
  readonly socket = { isOpen: true, bufferedBytes: 0 }
  readonly disconnects: DisconnectCode[] = []
  constructor(private readonly catchUps: () => CatchUps) {}

  take(bytes: number): void {
    const { socket } = this
    if (!socket.isOpen || socket.bufferedBytes === 0) return
    socket.bufferedBytes = Math.max(0, socket.bufferedBytes - bytes)
    this.catchUps().wake(this)
  }

  disconnect(code: DisconnectCode): void {
    if (!this.socket.isOpen) return
    this.disconnects.push(code)
    this.close()
  }

  close(): void {
    this.socket.isOpen = false
    this.catchUps().wake(this)
  }
}

const setUp = () => {
  const clock = new ManualClock(0)
  const catchUps = new CatchUps(clock, () => 300)
  const reader = new SlowReader(() => catchUps)
  const waits: { isOver: boolean }[] = []
  const wait = (): void => {
    const one = { isOver: false }
    waits.push(one)
    void catchUps.drained(reader).then(() => (one.isOver = true))
  }
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  return { clock, catchUps, reader, waits, wait, settled }
}

describe('CatchUps', () => {
  it('a capped history gives at most its own size and age, and never more than a reply may hold', () => {
    const nowMs = Date.UTC(2026, 10, 21)
    const catchUps = new CatchUps(new ManualClock(nowMs), () => 300)
    const cap = (settings: Partial<Namespace>) =>
      catchUps.request({ isHistoryCapped: true, ...settings } as Namespace, 7).cap
    expect(cap({ historySize: 10, historyTtlMs: 60_000 })).toMatchObject({
      page: { count: 10 },
      oldestNs: BigInt(nowMs - 60_000) * 1_000_000n,
    })
    expect(cap({ historySize: 1_000 })).toMatchObject({ page: { count: 300 }, oldestNs: undefined })
    expect(cap({ isHistoryCapped: false, historySize: 10 })).toBeUndefined()
  })

  it('K1: who has nothing waiting, or is gone, waits for nothing', async () => {
    const { clock, catchUps, reader } = setUp()
    await catchUps.drained(reader)
    reader.socket.bufferedBytes = 1_000
    reader.close()
    await catchUps.drained(reader)
    expect(clock.pendingTimers).toBe(0)
  })

  it('K2: a client that takes nothing for 10 s is closed as slow', async () => {
    const { clock, reader, waits, wait, settled } = setUp()
    reader.socket.bufferedBytes = 65_536
    wait()
    clock.advance(patienceMs - 1)
    expect(reader.disconnects).toEqual([])
    clock.advance(1)
    await settled()
    expect(reader.disconnects).toEqual([Disconnects.slow])
    expect(waits).toEqual([{ isOver: true }])
  })

  it('K2: a client that reads slowly but steadily is not closed, though its page takes it an hour', async () => {
    const { clock, reader, waits, wait, settled } = setUp()
    reader.socket.bufferedBytes = 65_536
    wait()
    for (let taken = 0; taken < 65_536; taken += 128) {
      expect(waits).toEqual([{ isOver: false }])
      clock.advance(patienceMs - 1)
      reader.take(128)
    }
    await settled()
    expect(reader.disconnects).toEqual([])
    expect(waits).toEqual([{ isOver: true }])
  })

  it('K1-K3: in any order of pages, reads, time and the end, all go on exactly when nothing waits any more, and nothing is left', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('page' as const), amount: fc.integer({ min: 1, max: 1_000 }) }),
      fc.record({ kind: fc.constant('take' as const), amount: fc.integer({ min: 1, max: 1_500 }) }),
      fc.record({ kind: fc.constant('time' as const), amount: fc.integer({ min: 1, max: 6_000 }) }),
      fc.record({ kind: fc.constant('close' as const), amount: fc.constant(0) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (steps) => {
        const { clock, reader, waits, wait, settled } = setUp()
        let patienceLeftMs = Infinity
        for (const { kind, amount } of steps) {
          const { socket } = reader
          const over = waits.filter(({ isOver }) => isOver).length
          if (kind === 'page') {
            if (socket.isOpen) socket.bufferedBytes += amount
            const isFirst = socket.isOpen && waits.every(({ isOver }) => isOver)
            wait()
            if (isFirst) patienceLeftMs = patienceMs
          } else if (kind === 'take') {
            reader.take(amount)
            patienceLeftMs = patienceMs
          } else if (kind === 'time') {
            const isWaiting = socket.isOpen && waits.some(({ isOver }) => !isOver)
            clock.advance(amount)
            patienceLeftMs -= amount
            if (isWaiting) expect(socket.isOpen).toBe(patienceLeftMs > 0)
          } else reader.close()
          await settled()
          const mayGoOn = !socket.isOpen || socket.bufferedBytes === 0
          expect(waits.filter(({ isOver }) => isOver)).toHaveLength(mayGoOn ? waits.length : over)
          expect(clock.pendingTimers).toBe(mayGoOn ? 0 : 1)
        }
        expect(reader.disconnects.length).toBeLessThanOrEqual(1)
      }),
      { numRuns: 200 },
    )
  })
})
