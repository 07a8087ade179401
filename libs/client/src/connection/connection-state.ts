import type { Centrifuge } from 'centrifuge'
import { Store, type Readable } from '../store.js'

export type ConnectionState =
  /** Not there yet, or lost: the client comes back by itself. */
  | { readonly kind: 'connecting'; readonly reason: string; readonly wasConnected: boolean }
  | {
      readonly kind: 'connected'
      /** Names the connection; others see it in presence. */
      readonly client: string
      /** `websocket`, `http_stream` or `sse`. */
      readonly transport: string
      /** What an app answered at connect. */
      readonly data?: unknown
    }
  /** The client doesn't come back by itself: `connect()`, with another token perhaps. Codes: docs/protocol.md; below 100 the client's own. */
  | { readonly kind: 'disconnected'; readonly code: number; readonly reason: string }
  /** By `close()`, for good. */
  | { readonly kind: 'closed' }

/** What the connection does, by name. */
export interface ConnectionEvents {
  connecting: Extract<ConnectionState, { kind: 'connecting' }>
  connected: Extract<ConnectionState, { kind: 'connected' }>
  disconnected: Extract<ConnectionState, { kind: 'disconnected' }>
  closed: Extract<ConnectionState, { kind: 'closed' }>
  /** Something failed that is tried again: a transport, a token. For logs. */
  error: { readonly type: string; readonly code: number; readonly message: string }
}

/** Derived from the SDK's events alone, so that what is said and what the socket does can't differ. */
export function watchConnection(
  sdk: Pick<Centrifuge, 'on'>,
  onError: (error: ConnectionEvents['error']) => void,
): Store<ConnectionState> {
  const store = new Store<ConnectionState>({ kind: 'disconnected', code: 0, reason: 'not connected yet' })
  let wasConnected = false
  sdk.on('connecting', ({ reason }) => store.set({ kind: 'connecting', reason, wasConnected }))
  sdk.on('connected', ({ client, transport, data }) => {
    wasConnected = true
    const answered = data === undefined ? {} : { data: data as unknown }
    store.set({ kind: 'connected', client, transport, ...answered })
  })
  sdk.on('disconnected', ({ code, reason }) => store.set({ kind: 'disconnected', code, reason }))
  sdk.on('error', ({ type, error: { code, message } }) => onError({ type, code, message }))
  return store
}

export type { Readable }
