/**
 * Turns the many ways to be asked to stop into two calls: `stop`, then `hurry`.
 *
 * A terminal's Ctrl-C reaches us directly, again through npm, and again through the program that started us, all within
 * moments: within `sameRequestMs` they are one request.
 */
const sameRequestMs = 1000

export function onStopRequest(stop: () => void, hurry: () => void): void {
  let firstAtMs: number | null = null
  const request = () => {
    if (firstAtMs === null) {
      firstAtMs = Date.now()
      stop()
    } else if (Date.now() - firstAtMs > sameRequestMs) hurry()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, request)
  // Who started us is gone without a word.
  if (process.channel !== undefined) process.once('disconnect', () => firstAtMs ?? request())
}
