/** What the client is told of whatever was thrown. */
import { ClientError, DisconnectError } from '@natter/hooks'
import { Errors, type ErrorCode } from '@natter/protocol'
import { HttpException } from '@nestjs/common'
import { RpcException } from '@nestjs/microservices'
import { forbiddenMessage } from '../decorators/nest-names.js'

/** A bug, or something that nobody foresaw: `cause` is what was thrown. The client is told no word of it. */
export class UnforeseenError extends ClientError {
  constructor(cause: unknown) {
    super(Errors.internal.code, Errors.internal.message, { temporary: true, cause })
  }
}

/** Never throws. The table is in the lib's README. */
export function clientErrorOf(thrown: unknown): ClientError | DisconnectError {
  if (thrown instanceof ClientError || thrown instanceof DisconnectError) return thrown
  if (thrown instanceof HttpException) return ofHttp(thrown)
  if (thrown instanceof RpcException) return ofRpc(thrown)
  if (isTimeout(thrown)) return wire(Errors.internal)
  return ofPlainObject(thrown) ?? new UnforeseenError(thrown)
}

const wire = ({ code, message, temporary }: ErrorCode, text = message, cause?: unknown) =>
  new ClientError(code, text, { temporary: temporary ?? false, cause })

const byStatus: Readonly<Record<number, ErrorCode>> = {
  400: Errors.badRequest,
  401: Errors.unauthorized,
  403: Errors.permissionDenied,
  422: Errors.badRequest,
  429: Errors.tooManyRequests,
}

function ofHttp(thrown: HttpException): ClientError {
  const status = thrown.getStatus()
  if (status < 400 || status >= 500) return new UnforeseenError(thrown)
  const code = byStatus[status] ?? { code: status, message: thrown.message }
  const messages = messagesOf(thrown)
  if (messages === undefined) return wire(code, thrown.message, thrown)
  const details = messages.slice(0, 16).map((message) => ({ path: '', message }))
  return new ClientError(code.code, messages[0] ?? code.message, { details, cause: thrown })
}

/** The list that Nest's validation pipes make. */
function messagesOf(thrown: HttpException): string[] | undefined {
  const response = thrown.getResponse()
  const message = typeof response === 'object' ? (response as { message?: unknown }).message : undefined
  return Array.isArray(message) ? message.map(String) : undefined
}

function ofRpc(thrown: RpcException): ClientError {
  const error = thrown.getError()
  if (error === forbiddenMessage) return wire(Errors.permissionDenied)
  if (typeof error === 'string') return new ClientError(400, error)
  return ofPlainObject(error) ?? new UnforeseenError(thrown)
}

/** `{ code: 400–1999, message, temporary? }`: what an `RpcException` holds, and what Nest's base filter makes of it. */
function ofPlainObject(error: unknown): ClientError | undefined {
  if (typeof error !== 'object' || error === null || error instanceof Error) return undefined
  const { code, message, temporary } = error as Record<string, unknown>
  const isOurs = typeof code === 'number' && Number.isInteger(code) && code >= 400 && code < 2000
  if (!isOurs || typeof message !== 'string') return undefined
  return new ClientError(code, message, { temporary: temporary === true })
}

/** Of rxjs, by name: an application may have its own copy. */
const isTimeout = (thrown: unknown) => thrown instanceof Error && thrown.name === 'TimeoutError'
