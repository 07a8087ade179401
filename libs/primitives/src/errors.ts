/**
 * What went wrong, told as what the reader should do next. `code` is a stable string for people and metrics; the wire's
 * numbers live in `@natter/protocol`. Driver errors become one of these at the adapter's edge, once, with `cause` kept.
 */
export abstract class NatterError extends Error {
  abstract override readonly name: string

  constructor(
    /** Stable, kebab-case, e.g. `nats-unreachable`. Never changes its meaning. */
    readonly code: string,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options)
  }
}

/** The request or setting is wrong: fix it; a repeat fails the same way. */
export class InvalidError extends NatterError {
  override readonly name = 'InvalidError'
}

/** Not allowed: get rights or a fresh token. */
export class DeniedError extends NatterError {
  override readonly name = 'DeniedError'
}

/** Certainly not done, and not your fault: repeat with backoff. */
export class UnavailableError extends NatterError {
  override readonly name = 'UnavailableError'
}

/** Sent, and nobody can say whether it was done: repeat only what is idempotent. */
export class UnknownOutcomeError extends NatterError {
  override readonly name = 'UnknownOutcomeError'
}

/** A bug or a broken promise of ours: tell us. */
export class InternalError extends NatterError {
  override readonly name = 'InternalError'
}

/** What anything thrown says, for a sentence: its message, or the name of an error that has none. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message || error.name : String(error)
