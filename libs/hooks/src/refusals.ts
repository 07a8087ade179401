import type { Refusal, RefusalError } from './hooks.js'

/** The client's command is answered with an error. Codes 400–1999 are the application's; 100–113 are the wire's own. */
export class ClientError extends Error {
  override readonly name = 'ClientError'
  readonly temporary: boolean
  readonly details: RefusalError['details']

  constructor(
    readonly code: number,
    message: string,
    options: { temporary?: boolean; details?: RefusalError['details']; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause })
    this.temporary = options.temporary ?? false
    this.details = options.details
  }
}

/** The client's connection is closed. 4000–4499 let its SDK come back, 4500–4999 do not. */
export class DisconnectError extends Error {
  override readonly name = 'DisconnectError'

  constructor(
    readonly code: number,
    /** At most 123 bytes travel. Default: none. */
    readonly reason: string = '',
  ) {
    super(`${code} ${reason}`)
  }
}

/** As it travels. Undefined for any other error: a bug, whose text is nobody's business. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof DisconnectError) return { disconnect: { code: error.code, reason: error.reason } }
  if (!(error instanceof ClientError)) return undefined
  const { code, message, temporary, details } = error
  return {
    error: {
      code,
      message,
      ...(temporary ? { temporary } : {}),
      ...(details === undefined ? {} : { details }),
    },
  }
}
