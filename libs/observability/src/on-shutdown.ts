/**
 * An orderly end: on the first signal the handler runs, then the process exits.
 *
 * S1. The handler runs once, whatever asks for the end and how often.
 * S2. A second signal hurries: `hurry` aborts and what is left gets a second.
 * S3. The process ends by the deadline, handler or not; then the exit code is 1, as when the handler fails.
 */
import type { Logger } from './logger.js'

export interface Shutdown {
  /** The signal, or what was handed to the returned function. */
  readonly reason: string
  /** Aborted when somebody is out of patience: cut short what can be cut. */
  readonly hurry: AbortSignal
}

export interface ShutdownOptions {
  readonly logger: Logger
  /** From the first signal to the end at the latest. Default 10 s. */
  readonly deadlineMs?: number
}

const hurriedMs = 1000

/** Installs the handler for SIGINT and SIGTERM. The result asks for the same end, for other reasons. */
export function onShutdown(
  handler: (shutdown: Shutdown) => void | Promise<void>,
  { logger, deadlineMs = 10_000 }: ShutdownOptions,
): (reason: string) => void {
  const hurry = new AbortController()
  let isEnding = false

  const giveUp = (reason: string): void => {
    logger.error('process:stop:late', { reason, deadlineMs })
    process.exit(1) // S3
  }
  const run = async (reason: string): Promise<void> => {
    logger.info('process:stop:start', { reason })
    setTimeout(giveUp, deadlineMs, reason)
    try {
      await handler({ reason, hurry: hurry.signal })
      logger.info('process:stop:done', { reason })
      process.exit(0)
    } catch (error) {
      logger.error('process:stop:failed', { reason, error })
      process.exit(1)
    }
  }
  const ask = (reason: string): void => {
    if (!isEnding) {
      isEnding = true // S1
      void run(reason)
    } else if (!hurry.signal.aborted) {
      logger.warn('process:stop:hurry', { reason })
      setTimeout(giveUp, hurriedMs, reason)
      hurry.abort() // S2
    }
  }
  process.on('SIGINT', ask)
  process.on('SIGTERM', ask)
  return (reason) => {
    if (!isEnding) ask(reason)
  }
}
