import { InvalidError, NatterError, UnavailableError } from '@natter/primitives'
import { Errors, type ErrorCode } from '@natter/protocol'
import type { Connection } from './connection.js'
import type { Services } from './services.js'

/** Ends a command with an error reply. */
export class CommandError extends Error {
  constructor(readonly reply: ErrorCode) {
    super(reply.message)
  }
}

/** What can't be done now, or may have been done, is temporary to the client; what nobody foresaw is a bug of ours. */
export function explain(error: unknown): { reply: ErrorCode; isBug: boolean } {
  if (error instanceof CommandError) return { reply: error.reply, isBug: false }
  if (error instanceof UnavailableError && error.code === 'too-many-in-flight') {
    return { reply: Errors.tooManyRequests, isBug: false }
  }
  if (error instanceof InvalidError) return { reply: Errors.badRequest, isBug: false } // a repeat would fail the same way
  return { reply: Errors.internal, isBug: !(error instanceof NatterError) }
}

/** The reply to a command that failed. */
export function answerError(
  services: Pick<Services, 'events'>,
  connection: Connection,
  id: number,
  method: string,
  error: unknown,
): void {
  const { reply, isBug } = explain(error)
  services.events.emit('command:error', { method, code: reply.code, cause: isBug ? error : undefined })
  connection.replyInTurn({ id, error: reply })
}
