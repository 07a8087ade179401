/**
 * One value of whatever a pipeline resolved to.
 *
 * S1. An Observable's last value and a generator's return value are the result; what came before is progress, in its order.
 * S2. An aborted signal, or an error, ends the source: it is unsubscribed, its `finally` runs.
 * S3. A source that ends without a value has said nothing. For a hook that would be a yes, so it is an error there.
 */
import { ClientError } from '@natter/hooks'
import { InternalError } from '@natter/primitives'
import { Errors } from '@natter/protocol'
import { isObservable, Subscription, type Observable } from 'rxjs'

export interface Listening {
  readonly signal: AbortSignal
  progress(value: unknown): void
  /** Whether nothing is an answer. S3. */
  readonly mayBeEmpty: boolean
}

export async function settle(result: unknown, listening: Listening): Promise<unknown> {
  const value = isObservable(result) ? await lastOf(result, listening) : result
  return isGenerator(value) ? returnOf(value, listening) : value
}

function lastOf(source: Observable<unknown>, { signal, progress, mayBeEmpty }: Listening): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let last: { value: unknown } | undefined
    const subscription = new Subscription() // there before the source is: one may end while it is subscribed
    const end = () => {
      signal.removeEventListener('abort', abort)
      subscription.unsubscribe()
    }
    const fail = (error: unknown) => {
      end()
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- what was thrown stays what it was
      reject(error)
    }
    const abort = () => fail(nobodyWaits())
    signal.addEventListener('abort', abort) // S2
    const inner = source.subscribe({
      next: (value) => {
        try {
          if (last !== undefined) progress(last.value)
          last = { value }
        } catch (error) {
          fail(error)
        }
      },
      error: fail,
      complete: () => {
        end()
        if (last === undefined && !mayBeEmpty)
          reject(saidNothing()) // S3
        else resolve(last?.value)
      },
    })
    subscription.add(inner)
    if (signal.aborted) abort()
  })
}

type Generator = AsyncGenerator<unknown, unknown, void>

function isGenerator(value: unknown): value is Generator {
  if (typeof value !== 'object' || value === null) return false
  return Symbol.asyncIterator in value && typeof (value as { next?: unknown }).next === 'function'
}

async function returnOf(source: Generator, { signal, progress }: Listening): Promise<unknown> {
  const aborted = abortOf(signal)
  try {
    for (;;) {
      const step = await Promise.race([source.next(), aborted.promise])
      if (step.done) return step.value
      progress(step.value)
    }
  } catch (error) {
    // S2: a generator that waits for something else ends when that comes; nobody waits for its end.
    void source.return(undefined).catch(() => undefined)
    throw error
  } finally {
    aborted.forget()
  }
}

function abortOf(signal: AbortSignal): { promise: Promise<never>; forget(): void } {
  let forget = () => {}
  const promise = new Promise<never>((_, reject) => {
    const abort = () => reject(nobodyWaits())
    forget = () => signal.removeEventListener('abort', abort)
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
  })
  promise.catch(() => undefined)
  return { promise, forget }
}

function nobodyWaits(): ClientError {
  return new ClientError(Errors.internal.code, Errors.internal.message, { temporary: true })
}

function saidNothing(): InternalError {
  return new InternalError(
    'no-answer',
    'A hook ended without a value: an interceptor or an Observable left it out.',
  )
}
