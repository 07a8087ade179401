/** How an error is told: as a part of an answer, or by the status of one. */
import type { ApiError } from '@natter/hooks'
import { Errors, type ErrorCode } from '@natter/protocol'

export interface ToldError {
  readonly code: number
  readonly message: string
  readonly temporary?: true
}

export const errorOf = ({
  code,
  message,
  temporary,
}: Pick<ApiError, 'code' | 'message' | 'temporary'>): ToldError =>
  temporary === true ? { code, message, temporary } : { code, message }

const statuses = new Map<number, number>(
  (
    [
      [Errors.internal, 500],
      [Errors.unauthorized, 401],
      [Errors.unknownChannel, 404],
      [Errors.permissionDenied, 403],
      [Errors.methodNotFound, 404],
      [Errors.limitExceeded, 400],
      [Errors.badRequest, 400],
      [Errors.notAvailable, 400],
      [Errors.tooManyRequests, 429],
      [Errors.unrecoverablePosition, 416],
      [Errors.concurrentPagination, 409],
    ] satisfies [ErrorCode, number][]
  ).map(([{ code }, status]) => [code, status]),
)

/** In the mode `transport`. */
export const statusOf = (code: number): number => statuses.get(code) ?? 500
