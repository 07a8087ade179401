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
}

/** Resolves when each has ended, well or not. */
export function pipeline({ count, inFlight }: Pipeline, act: () => Promise<void>): Promise<PipelineEnd> {
  const startedAt = performance.now()
  let [sent, ended, done] = [0, 0, 0]
  let firstError: string | undefined
  return new Promise((resolve) => {
    const end = (): void => {
      ended += 1
      if (ended === count) resolve({ sent, done, tookMs: performance.now() - startedAt, firstError })
      else next()
    }
    const succeeded = (): void => {
      done += 1
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
