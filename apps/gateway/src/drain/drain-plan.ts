/**
 * How many connections are told to go, and when.
 *
 * DP1. The counts add up to all connections, and nobody is told at or after `availableMs` (but for the first batch, which is at 0).
 * DP2. Up to any moment no more were told than the rate allows by the end of its tick, unless that would take longer than there is.
 * DP3. Batches are evenly apart and differ by one connection at most, also where the window was shortened: what comes back to the other
 *      gateways comes as evenly as the time allows.
 */
export interface DrainWindow {
  readonly connections: number
  /** Connections told to go in a second. */
  readonly ratePerSecond: number
  /** The window is shortened to this. 0 = all at once. */
  readonly availableMs: number
}

export interface Batch {
  /** Since the first batch. */
  readonly atMs: number
  readonly count: number
}

/** Fine enough that a gateway's thousands leave in small groups, coarse enough that a timer keeps up. */
export const tickMs = 50

/** One batch at least, of nobody where there is nobody. */
export function planDrain({ connections, ratePerSecond, availableMs }: DrainWindow): readonly Batch[] {
  const wantedTicks = Math.ceil((connections * 1_000) / (ratePerSecond * tickMs)) // DP2
  const ticks = Math.max(1, Math.min(wantedTicks, Math.floor(availableMs / tickMs))) // DP1
  return Array.from({ length: ticks }, (_, tick) => ({
    atMs: tick * tickMs,
    count: share(connections, tick + 1, ticks) - share(connections, tick, ticks), // DP3
  }))
}

/** From the first batch to a tick after the last one. */
export function windowMsOf(batches: readonly Batch[]): number {
  return (batches.at(-1)?.atMs ?? 0) + tickMs
}

/** How many of all are gone after so many of all ticks: by one division each, so that no error adds up. */
const share = (all: number, done: number, ticks: number): number => Math.ceil((all * done) / ticks)
