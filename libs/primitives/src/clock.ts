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

/** One object for each: a process has as many timers as connections, and closures cost three times as much. */
class StartedTimer implements Timer {
  private handle: ReturnType<typeof setTimeout>

  constructor(run: () => void, ms: number) {
    this.handle = ms > longestMs ? this.wait(run, ms) : setTimeout(run, ms)
  }

  cancel(): void {
    clearTimeout(this.handle)
  }

  private wait(run: () => void, ms: number): ReturnType<typeof setTimeout> {
    const goOn = (): void => {
      const leftMs = ms - longestMs
      this.handle = leftMs > longestMs ? this.wait(run, leftMs) : setTimeout(run, leftMs)
    }
    return setTimeout(goOn, longestMs)
  }
}

/** The machine's clock. Its timers keep the process alive until they fire or are cancelled. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer: (run, ms) => new StartedTimer(run, ms),
}
