/** A process that does one thing and ends: a step of an installation, whose exit code somebody waits for. */
import { crashWith } from './crash-with.js'
import { createLogger } from './json-logger.js'
import type { Logger, LogLevel } from './logger.js'
import { Veil } from './veil.js'

export interface OnceOptions {
  /** What is done: `node` in every log line. */
  readonly name: string
  readonly log: { readonly level: LogLevel }
  /** Never written to the log. Default none. */
  readonly secrets?: readonly string[]
}

/** Runs the task and ends the process: with 0, or with 1 and one line `process:once:failed` that says why. A signal ends it as it is. */
export async function runOnce(
  { name, log, secrets = [] }: OnceOptions,
  task: (logger: Logger) => Promise<void>,
): Promise<never> {
  const veil = new Veil()
  veil.cover(secrets)
  const logger = createLogger({ level: log.level, fields: { node: name }, veil })
  crashWith(logger)
  try {
    await task(logger)
  } catch (error) {
    logger.error('process:once:failed', { error })
    return process.exit(1)
  }
  logger.info('process:once:done')
  return process.exit(0)
}
