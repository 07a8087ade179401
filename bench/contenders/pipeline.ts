/** So many at work at once, so many in all: a closed loop, for rates and for CPU per piece. Not for latencies. */
export interface Pipeline {
  count: number
  inFlight: number
}

export interface PipelineEnd {
  sent: number
  done: number
  tookMs: number
  firstError: string | undefined
  /** The largest of what the pieces answered. */
  largest: number
}

/** Called once per piece: with what it answered, or with why there is no answer. */
export type Done = (answer: number, error?: Error) => void

/** Resolves when each has ended, well or not. Callbacks: a promise per piece would be counted to the bare contender. */
export function pipeline({ count, inFlight }: Pipeline, act: (done: Done) => void): Promise<PipelineEnd> {
  const startedAt = performance.now()
  let [sent, ended, done, largest] = [0, 0, 0, 0]
  let firstError: string | undefined
  return new Promise((resolve) => {
    const end: Done = (answer, error) => {
      ended += 1
      if (error === undefined) done += 1
      else firstError ??= error.message
      if (answer > largest) largest = answer
      if (ended === count) resolve({ sent, done, tookMs: performance.now() - startedAt, firstError, largest })
      else next()
    }
    const next = (): void => {
      if (sent === count) return
      sent += 1
      act(end)
    }
    for (let index = 0; index < Math.min(inFlight, count); index += 1) next()
  })
}
