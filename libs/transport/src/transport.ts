/**
 * What a client's socket is to the rest of Natter, and what serves sockets. Implementations: `uws/` (uWebSockets.js) and
 * `memory/` (for tests and for machines without the binary).
 *
 * T1. Per socket, `send` and `publish` arrive in the order of the calls, across both: nothing published earlier in a turn
 *     reaches a socket that joined the topic later in it, and a `send` before a `join` arrives before anything published after.
 * T2. After a frame was dropped for a socket, nothing else reaches it but its close (3008).
 * T3. Every call on a socket that has closed is a no-op; nothing here throws because a peer went away.
 * T4. `onClose` is called exactly once for each socket that `onOpen` was called for, and nothing for it afterwards.
 * T5. `onOpen` of a request that was let in comes in the same turn, before `onUpgrade` of any other.
 */
import type { Frame } from '@natter/protocol'

/** `sent`: with the kernel or on its way. `queued`: waiting for the peer. `dropped`: over the limit, the socket is being closed. */
export type SendVerdict = 'sent' | 'queued' | 'dropped'

export interface Socket<C> {
  /** What the owner of the connection hangs here; set in `onOpen`. */
  context: C
  readonly isOpen: boolean
  /** Bytes accepted and not yet taken by the kernel. */
  readonly bufferedBytes: number
  readonly remoteAddress: string
  send(frame: Frame): SendVerdict
  join(topic: string): void
  leave(topic: string): void
  /** Sends a close frame and ends the socket. `reason` is cut to 123 bytes of UTF-8. The first call wins; `onClose` is called before it returns. */
  end(code: number, reason: string): void
}

/** The HTTP request that wants to become a socket. */
export interface UpgradeRequest {
  readonly path: string
  readonly query: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly remoteAddress: string
  /** Offered by the client, in its order. */
  readonly subprotocols: readonly string[]
}

export type UpgradeDecision =
  | { accept: true; subprotocol?: string }
  | { accept: false; status: number; body: string; headers?: Readonly<Record<string, string>> }

export interface SocketHandlers<C> {
  /** Synchronous: who may upgrade is decided by path, origin and limits; who they are comes with the first command. */
  onUpgrade(request: UpgradeRequest): UpgradeDecision
  onOpen(socket: Socket<C>): void
  /** `message` is only valid during the call: copy what is kept. */
  onMessage(socket: Socket<C>, message: Uint8Array, isBinary: boolean): void
  /** The peer took waiting bytes, some or all, however few waited: `bufferedBytes` says what is left. Not told for a closed socket. */
  onDrain(socket: Socket<C>): void
  onClose(socket: Socket<C>, code: number, reason: string): void
}

export interface SocketServerOptions {
  host: string
  /** 0 = any free port. */
  port: number
  /** Whether several processes may share the port. Off: a taken port is an error. Default false. */
  sharePort?: boolean
  /** A longer message from a client closes its socket with 1009, or cuts it beyond 1 MiB (payload-limit.ts). Bytes, default 65,536. */
  maxMessageBytes?: number
  /** Waiting bytes per socket beyond which frames are dropped and the socket is closed with 3008. Default 1 MiB. */
  maxQueueBytes?: number
  /** Where plain HTTP requests are told that WebSocket is spoken here. Default `/connection/websocket`. */
  socketPath?: string
}

export interface SocketServer<C> {
  /**
   * Starts listening and answers the port.
   *
   * @throws UnavailableError `port-in-use`, naming host and port.
   */
  listen(): Promise<number>
  readonly handlers: SocketHandlers<C>
  /** One frame to every socket in the topic. Built once, handed over once: no work per subscriber in JavaScript. */
  publish(topic: string, frame: Frame): void
  /** Stops accepting; open sockets stay. */
  stopListening(): void
  /** Stops accepting and closes what is still open, without waiting for peers. */
  close(): void
}
