/** Facts of this process, one JSON line each. */
export type LogLevel = 'error' | 'warn' | 'info' | 'debug'

export type Fields = Readonly<Record<string, unknown>>

/**
 * *error*: somebody must act. *warn*: look this week. *info*: the life of the node. *debug*: single connections.
 *
 * `event` is `noun:verb[:phase]`, from the typed event maps where there is one. No method throws, whatever the fields are, and
 * none waits. Payloads and tokens are never passed.
 */
export interface Logger {
  error(event: string, fields?: Fields): void
  warn(event: string, fields?: Fields): void
  info(event: string, fields?: Fields): void
  debug(event: string, fields?: Fields): void
  /** The same logger with fields that stand on each of its lines. */
  child(fields: Fields): Logger
  /** Whether a line of this level is written, for callers whose fields cost something to make. */
  writes(level: LogLevel): boolean
}

/** For tests and tools that want silence. */
export const noLogger: Logger = {
  error: () => {},
  warn: () => {},
  info: () => {},
  debug: () => {},
  child: () => noLogger,
  writes: () => false,
}
