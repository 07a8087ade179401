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

/** Resolves when each has ended, well or not. */
export function pipeline({ count, inFlight }: Pipeline, act: () => Promise<number>): Promise<PipelineEnd> {
  const startedAt = performance.now()
  let [sent, ended, done, largest] = [0, 0, 0, 0]
  let firstError: string | undefined
  return new Promise((resolve) => {
    const end = (): void => {
      ended += 1
      if (ended === count) resolve({ sent, done, tookMs: performance.now() - startedAt, firstError, largest })
      else next()
    }
    const succeeded = (answer: number): void => {
      done += 1
      largest = Math.max(largest, answer)
      end()
    }
    const failed = (error: unknown): void => {
      firstError ??= String(error)
      end()
    }
    const next = (): void => {
      if (sent === count) return
      sent += 1
      act().then(succeeded, failed)
    }
    for (let index = 0; index < Math.min(inFlight, count); index += 1) next()
  })
}
