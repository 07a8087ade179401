import {
  DeniedError,
  InvalidError,
  UnavailableError,
  UnknownOutcomeError,
  type NatterError,
} from '@natter/primitives'
import { Errors } from '@natter/protocol'
import type { ApiError } from '../api.js'

/** The gateway's reply as it is, as `cause` of what the app catches. */
export class ApiRefusal extends Error {
  override readonly name = 'ApiRefusal'

  constructor(readonly error: ApiError) {
    super(`${error.code} ${error.message}`)
  }
}

const denied: ReadonlySet<number> = new Set([Errors.unauthorized.code, Errors.permissionDenied.code])

const names = new Map<number, string>([
  [Errors.unauthorized.code, 'unauthorized'],
  [Errors.unknownChannel.code, 'unknown-channel'],
  [Errors.permissionDenied.code, 'permission-denied'],
  [Errors.limitExceeded.code, 'limit-exceeded'],
  [Errors.badRequest.code, 'bad-request'],
  [Errors.notAvailable.code, 'not-available'],
  [Errors.unrecoverablePosition.code, 'unrecoverable-position'],
])

/** What an app catches: by its class it knows what to do, by `cause` what the gateway said. */
export function natterErrorOf(error: ApiError): NatterError {
  const { code, message, outcome } = error
  const options = { cause: new ApiRefusal(error) }
  if (outcome === 'unknown') return new UnknownOutcomeError('unknown-outcome', message, options)
  if (outcome === 'unavailable') return new UnavailableError('gateway-unavailable', message, options)
  const name = names.get(code) ?? 'refused'
  return denied.has(code) ? new DeniedError(name, message, options) : new InvalidError(name, message, options)
}
