import { watchTerminal } from '@natter/observability'

/**
 * Turns the many ways to be asked to stop into two calls: `stop`, then `hurry`. SIGHUP asks for a stop where it says that the terminal is
 * gone; else it asks to read the configuration again, where somebody can.
 *
 * A terminal's Ctrl-C reaches us directly, again through npm, and again through the program that started us, all within
 * moments: within `sameRequestMs` they are one request.
 */
const sameRequestMs = 1000

const signals = ['SIGINT', 'SIGTERM'] as const

/** Answers what ends the listening. */
export function onStopRequest(stop: () => void, hurry: () => void, reload?: () => void): () => void {
  const isTerminalGone = watchTerminal()
  let firstAtMs: number | null = null
  const request = () => {
    if (firstAtMs === null) {
      firstAtMs = Date.now()
      stop()
    } else if (Date.now() - firstAtMs > sameRequestMs) hurry()
  }
  const onDisconnect = () => firstAtMs ?? request()
  const hangUp = (): void => {
    if (reload === undefined || isTerminalGone()) request()
    else if (firstAtMs === null) reload()
  }
  for (const signal of signals) process.on(signal, request)
  process.on('SIGHUP', hangUp)
  // Who started us is gone without a word.
  if (process.channel !== undefined) process.once('disconnect', onDisconnect)
  return () => {
    for (const signal of signals) process.off(signal, request)
    process.off('SIGHUP', hangUp)
    process.off('disconnect', onDisconnect)
  }
}
