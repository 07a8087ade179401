import type { Logger } from './logger.js'

/**
 * What nobody caught is logged, with its stack, and ends the process with 1: it has left an unknown state behind, and a
 * supervisor starts a fresh one.
 */
export function crashWith(logger: Logger): void {
  const crash = (error: unknown): void => {
    const stack = error instanceof Error ? error.stack : undefined
    logger.error('process:crash', { error, ...(stack === undefined ? {} : { stack }) })
    process.exit(1)
  }
  process.on('uncaughtException', crash)
  process.on('unhandledRejection', crash)
}
