/**
 * Every number that a client can be answered with, once. The text is on the wire too: clients show and compare it, so it
 * changes as rarely as the number. docs/protocol.md lists the same tables and a test compares them.
 */

/** Answers one command; the connection stays. `temporary` makes SDKs repeat connect and subscribe with backoff. */
export interface ErrorCode {
  readonly code: number
  readonly message: string
  readonly temporary?: true
}

/** Closes the connection. The range of `code` decides what the SDK does next: see {@link mayReconnect}. */
export interface DisconnectCode {
  readonly code: number
  readonly reason: string
}

/** Ends one subscription. From 2500 on the SDK subscribes again by itself. */
export interface UnsubscribeCode {
  readonly code: number
  readonly reason: string
}

const frozen = <T extends Record<string, object>>(table: T): Readonly<T> => {
  for (const entry of Object.values(table)) Object.freeze(entry)
  return Object.freeze(table)
}

/** In `error` of a reply. 400–1999 belong to applications. */
export const Errors = frozen({
  internal: { code: 100, message: 'internal server error', temporary: true },
  unauthorized: { code: 101, message: 'unauthorized' },
  unknownChannel: { code: 102, message: 'unknown channel' },
  permissionDenied: { code: 103, message: 'permission denied' },
  methodNotFound: { code: 104, message: 'method not found' },
  alreadySubscribed: { code: 105, message: 'already subscribed' },
  limitExceeded: { code: 106, message: 'limit exceeded' },
  badRequest: { code: 107, message: 'bad request' },
  notAvailable: { code: 108, message: 'not available' },
  /** The SDK fetches a new token and tries again. */
  tokenExpired: { code: 109, message: 'token expired' },
  expired: { code: 110, message: 'expired' },
  tooManyRequests: { code: 111, message: 'too many requests', temporary: true },
  unrecoverablePosition: { code: 112, message: 'unrecoverable position' },
  concurrentPagination: { code: 113, message: 'concurrent pagination', temporary: true },
} satisfies Record<string, ErrorCode>)

/** In the WebSocket close frame. 3000–3499 let the client come back, 3500–3999 do not; 4000–4999 are for applications. */
export const Disconnects = frozen({
  connectionClosed: { code: 3000, reason: 'connection closed' },
  shutdown: { code: 3001, reason: 'shutdown' },
  internal: { code: 3004, reason: 'internal server error' },
  connectionExpired: { code: 3005, reason: 'connection expired' },
  subscriptionExpired: { code: 3006, reason: 'subscription expired' },
  slow: { code: 3008, reason: 'slow' },
  writeError: { code: 3009, reason: 'write error' },
  insufficientState: { code: 3010, reason: 'insufficient state' },
  forceReconnect: { code: 3011, reason: 'force reconnect' },
  noPong: { code: 3012, reason: 'no pong' },
  tooManyRequests: { code: 3013, reason: 'too many requests' },
  stateInvalidated: { code: 3014, reason: 'state invalidated' },
  invalidToken: { code: 3500, reason: 'invalid token' },
  badRequest: { code: 3501, reason: 'bad request' },
  stale: { code: 3502, reason: 'stale' },
  forceDisconnect: { code: 3503, reason: 'force disconnect' },
  connectionLimit: { code: 3504, reason: 'connection limit' },
  channelLimit: { code: 3505, reason: 'channel limit' },
  inappropriateProtocol: { code: 3506, reason: 'inappropriate protocol' },
  permissionDenied: { code: 3507, reason: 'permission denied' },
  notAvailable: { code: 3508, reason: 'not available' },
  tooManyErrors: { code: 3509, reason: 'too many errors' },
} satisfies Record<string, DisconnectCode>)

/** In `push.unsubscribe`. */
export const Unsubscribes = frozen({
  server: { code: 2000, reason: 'server unsubscribe' },
  insufficientState: { code: 2500, reason: 'insufficient state' },
  subscriptionExpired: { code: 2501, reason: 'subscription expired' },
  stateInvalidated: { code: 2502, reason: 'state invalidated' },
} satisfies Record<string, UnsubscribeCode>)

/** Whether every SDK comes back by itself after a close with this code. */
export function mayReconnect(disconnectCode: number): boolean {
  const isTerminal =
    (disconnectCode >= 3500 && disconnectCode < 4000) || (disconnectCode >= 4500 && disconnectCode < 5000)
  return !isTerminal
}
