import type { ApiError } from '@natter/hooks'
import { InvalidError, NatterError, UnavailableError, UnknownOutcomeError } from '@natter/primitives'
import { Errors, type ErrorCode } from '@natter/protocol'
import { CommandError } from '../connection/command-error.js'
import { BrokenAnswerError } from '../hooks/app-json.js'

/** A request of an app that will never be done, and why: the sentence is for its author. */
export class RefusedError extends Error {
  constructor(
    readonly reply: ErrorCode,
    message: string = reply.message,
  ) {
    super(message)
  }
}

/** The other gateways, or one of them, did not say that they did their part. */
export class SilentPeersError extends Error {}

/** What the app is told; `isBug`: nobody foresaw it. */
export function explain(error: unknown): { error: ApiError; isBug: boolean } {
  if (error instanceof RefusedError) return { error: refused(error.reply, error.message), isBug: false }
  if (error instanceof CommandError) return { error: ofCommand(error.reply), isBug: false }
  if (error instanceof BrokenAnswerError)
    return { error: refused(Errors.badRequest, error.message), isBug: false }
  if (error instanceof InvalidError) return { error: refused(Errors.badRequest, error.message), isBug: false }
  if (error instanceof UnavailableError)
    return { error: internal('unavailable', error.message), isBug: false }
  if (error instanceof UnknownOutcomeError || error instanceof SilentPeersError)
    return { error: internal('unknown', error.message), isBug: false }
  return { error: internal('unknown', Errors.internal.message), isBug: !(error instanceof NatterError) }
}

const refused = ({ code }: ErrorCode, message: string): ApiError => ({ code, message, outcome: 'refused' })

function ofCommand(reply: ErrorCode): ApiError {
  const { code, message } = reply
  return reply.temporary ? internal('unavailable', message) : { code, message, outcome: 'refused' }
}

const internal = (outcome: ApiError['outcome'], message: string): ApiError => ({
  code: Errors.internal.code,
  message,
  temporary: true,
  outcome,
})
