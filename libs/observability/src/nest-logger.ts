import type { Fields, Logger } from './logger.js'

/** What Nest wants of a logger, by shape: this layer doesn't import Nest. */
export interface NestLogger {
  log(message: unknown, ...rest: unknown[]): void
  error(message: unknown, ...rest: unknown[]): void
  warn(message: unknown, ...rest: unknown[]): void
  debug(message: unknown, ...rest: unknown[]): void
  verbose(message: unknown, ...rest: unknown[]): void
  fatal(message: unknown, ...rest: unknown[]): void
}

/**
 * Writes what Nest says as `nest:say`. Its ordinary chatter (modules, routes) is debug for us: the life of a node is told by
 * our own events.
 */
export function nestLogger(logger: Logger): NestLogger {
  const quietly = (message: unknown, ...rest: unknown[]): void =>
    logger.debug('nest:say', fieldsOf(message, rest))
  const loudly = (message: unknown, ...rest: unknown[]): void =>
    logger.error('nest:say', fieldsOf(message, rest))
  return {
    log: quietly,
    debug: quietly,
    verbose: quietly,
    warn: (message, ...rest) => logger.warn('nest:say', fieldsOf(message, rest)),
    error: loudly,
    fatal: loudly,
  }
}

/** Nest's last argument is the context, and `error` may have a stack before it. */
function fieldsOf(message: unknown, rest: readonly unknown[]): Fields {
  const context = rest.at(-1)
  const others = rest.slice(0, -1)
  return {
    ...(typeof context === 'string' ? { context } : {}),
    ...(message instanceof Error ? { error: message } : { message }),
    ...(others.length === 0 ? {} : { more: others }),
  }
}
