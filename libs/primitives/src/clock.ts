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

/** The platform's timers hold 31 bits of milliseconds, 24.8 days, and fire at once beyond that. */
const longestMs = 2_147_483_647

/** The machine's clock. Its timers keep the process alive until they fire or are cancelled. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(run, ms) {
    let handle: ReturnType<typeof setTimeout>
    const wait = (leftMs: number): void => {
      handle = leftMs > longestMs ? setTimeout(wait, longestMs, leftMs - longestMs) : setTimeout(run, leftMs)
    }
    wait(ms)
    return { cancel: () => clearTimeout(handle) }
  },
}
