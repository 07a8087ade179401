import { ClientError, DisconnectError } from '@natter/hooks'
import { InvalidError, NatterError, UnavailableError } from '@natter/primitives'
import { Disconnects, Errors, type DisconnectCode, type ErrorCode } from '@natter/protocol'
import type { Connection } from './connection.js'
import { disconnectOf } from './one-way-errors.js'
import type { Services } from './services.js'

/** Ends a command with an error reply. */
export class CommandError extends Error {
  constructor(readonly reply: ErrorCode) {
    super(reply.message)
  }
}

/** Ends a command with the connection. */
export class CommandDisconnect extends Error {
  constructor(readonly disconnect: DisconnectCode) {
    super(disconnect.reason)
  }
}

/** Undefined where the connection stays. */
export function explainDisconnect(error: unknown): DisconnectCode | undefined {
  if (error instanceof CommandDisconnect) return error.disconnect
  if (!(error instanceof DisconnectError)) return undefined
  const isCode = Number.isInteger(error.code) && error.code >= 3000 && error.code < 5000
  return isCode ? { code: error.code, reason: error.reason } : Disconnects.internal
}

/** SDKs take what is below 100 for temporary, whatever it was meant to say. */
function errorCodeOf({ code, message, temporary }: ClientError): ErrorCode {
  if (!Number.isInteger(code) || code < 100 || code > 0xffff_ffff) return Errors.internal
  return temporary ? { code, message, temporary } : { code, message }
}

/** What can't be done now, or may have been done, is temporary to the client; what nobody foresaw is a bug of ours. */
export function explain(error: unknown): { reply: ErrorCode; isBug: boolean } {
  if (error instanceof CommandError) return { reply: error.reply, isBug: false }
  if (error instanceof ClientError) return { reply: errorCodeOf(error), isBug: false }
  if (error instanceof UnavailableError && error.code === 'too-many-in-flight') {
    return { reply: Errors.tooManyRequests, isBug: false }
  }
  if (error instanceof InvalidError) return { reply: Errors.badRequest, isBug: false } // a repeat would fail the same way
  return { reply: Errors.internal, isBug: !(error instanceof NatterError) }
}

/** The reply to a command that failed, or the end of its connection. */
export function answerError(
  services: Pick<Services, 'events'>,
  connection: Connection,
  id: number,
  method: string,
  error: unknown,
): void {
  const disconnect = explainDisconnect(error)
  if (disconnect !== undefined) return connection.disconnect(disconnect)
  const { reply, isBug } = explain(error)
  services.events.emit('command:error', { method, code: reply.code, cause: isBug ? error : undefined })
  if (connection.wire.isUnidirectional) return connection.disconnect(disconnectOf(reply))
  connection.reply({ id, error: reply })
}
