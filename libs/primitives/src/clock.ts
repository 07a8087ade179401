/** A started timer. `cancel` after it fired, or twice, does nothing. */
export interface Timer {
  cancel(): void
}

/** The only source of time below the apps, so that tests can own it. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. */
  now(): number
  /** Calls `run` once, `ms` milliseconds from now; 0 means in a later turn, never at once. */
  setTimer(run: () => void, ms: number): Timer
}

/** The machine's clock. Its timers keep the process alive until they fire or are cancelled. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(run, ms) {
    const handle = setTimeout(run, ms)
    return { cancel: () => clearTimeout(handle) }
  },
}
