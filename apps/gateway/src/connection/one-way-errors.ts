import { Disconnects, Errors, type DisconnectCode, type ErrorCode } from '@natter/protocol'

/** What a client that only listens is told in place of an error: it has no reply to read. [16] */
export function disconnectOf({ code }: ErrorCode): DisconnectCode {
  return byError.get(code) ?? Disconnects.internal
}

const byError: ReadonlyMap<number, DisconnectCode> = new Map([
  [Errors.tokenExpired.code, Disconnects.connectionExpired],
  [Errors.expired.code, Disconnects.connectionExpired],
  [Errors.tooManyRequests.code, Disconnects.tooManyRequests],
  [Errors.permissionDenied.code, Disconnects.permissionDenied],
])
