import type { EventEmitter } from 'node:events'

export interface EventuallyOptions {
  /** Default 5,000. */
  timeoutMs?: number
  /** Default 20. */
  intervalMs?: number
}

/**
 * Polls until `check` answers something other than false or undefined, and returns it. Only for foreign state that has no event
 * (another process, a server's counters); where there is an event, wait for it. What `check` throws counts as "not yet".
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { timeoutMs = 5_000, intervalMs = 20 }: EventuallyOptions = {},
): Promise<Exclude<T, false | undefined>> {
  const deadline = Date.now() + timeoutMs
  let last: unknown
  for (;;) {
    try {
      const result = await check()
      if (result !== false && result !== undefined) return result as Exclude<T, false | undefined>
      last = result
    } catch (error) {
      last = error
    }
    if (Date.now() >= deadline) {
      throw new Error(`not within ${timeoutMs} ms; at last: ${String(last)}`, { cause: last })
    }
    await new Promise((resolve) => setTimeout(resolve, intervalMs))
  }
}

/** The first argument of the next `name` event; rejects when it doesn't come. */
export function once<T>(emitter: EventEmitter, name: string, timeoutMs = 5_000): Promise<T> {
  return new Promise((resolve, reject) => {
    const arrived = (value: T): void => {
      clearTimeout(timer)
      resolve(value)
    }
    const timer = setTimeout(() => {
      emitter.off(name, arrived)
      reject(new Error(`no "${name}" within ${timeoutMs} ms`))
    }, timeoutMs)
    emitter.once(name, arrived)
  })
}
