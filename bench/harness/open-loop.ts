/**
 * Sends on time, whatever happens to what was sent before.
 *
 * O1. Each turn has its due time from the start; one that comes late is sent at once, and its latency counts from when it was due
 *     (no coordinated omission).
 */
import { nowUs } from './payload.js'
import { Histogram } from './statistics.js'

export interface OpenLoop {
  /** Turns in all. */
  turns: number
  perSecond: number
  /** Sends one turn; `dueUs` is when it should have been. */
  send(turn: number, dueUs: number): void
}

/** How late turns were sent, in microseconds. */
export interface Lateness {
  lateP99Us: number
  latestUs: number
}

/** Resolves when the last turn was sent. */
export function openLoop({ turns, perSecond, send }: OpenLoop): Promise<Lateness> {
  const periodUs = 1_000_000 / perSecond
  const startUs = nowUs() + 1000
  return new Promise((resolve, reject) => {
    let turn = 0
    const late = new Histogram()
    const tick = (): void => {
      const dueUs = Math.round(startUs + turn * periodUs)
      const lateUs = nowUs() - dueUs
      if (lateUs < 0) return void setTimeout(tick, -lateUs / 1000)
      late.record(lateUs)
      try {
        send(turn, dueUs) // O1
      } catch (error) {
        return reject(error)
      }
      turn += 1
      if (turn === turns) resolve({ lateP99Us: late.percentile(0.99), latestUs: late.percentile(1) })
      else setImmediate(tick) // not at once: what was sent has to leave
    }
    tick()
  })
}
