import { UnavailableError, type Clock } from '@natter/primitives'

/** SDKs give up on a command after 5 s, and take the connection for broken; a gateway answers all of them before that. */
export const commandTimeoutMs = 3_800

const tooLate = (): UnavailableError =>
  new UnavailableError('too-late', 'The mesh did not answer in time. Try again.')

/**
 * The outcome of `work`, or UnavailableError `too-late` when that takes too long; what comes later is dropped, and work that
 * waits in a line can ask `isWanted`.
 */
export function inTime<T>(clock: Clock, work: (isWanted: () => boolean) => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let isWanted = true
    const timer = clock.setTimer(() => {
      isWanted = false
      reject(tooLate())
    }, commandTimeoutMs)
    work(() => isWanted)
      .then(resolve, reject)
      .finally(() => timer.cancel())
  })
}
