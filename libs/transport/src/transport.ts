/**
 * What a client's socket is to the rest of Natter, and what serves sockets. Implementations: `uws/` (uWebSockets.js) and
 * `memory/` (for tests and for machines without the binary).
 *
 * T1. Per socket, `send` and `publish` arrive in the order of the calls, across both: nothing published earlier in a turn
 *     reaches a socket that joined the topic later in it, and a `send` before a `join` arrives before anything published after.
 * T2. After a frame was dropped for a socket, nothing else reaches it but its close (3008).
 * T3. Every call on a socket that has closed is a no-op; nothing here throws because a peer went away.
 * T4. `onClose` is called exactly once for each socket that `onOpen` was called for, and nothing for it afterwards.
 * T5. `onOpen` of a request that was let in comes in the same turn, before `onUpgrade` or `onRequest` of any other.
 *
 * A response that stays open ({@link StreamOpening}) is a socket like any other, except that it has no close frame: what is said
 * at its end is `farewell`.
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
  /** By a frame of the transport, where it has such: `onPong` tells of the answer. */
  ping(): void
  join(topic: string): void
  leave(topic: string): void
  /** Sends a close frame, or the farewell, and ends the socket. `reason` is cut to 123 bytes of UTF-8. The first call wins; `onClose` is called before it returns. */
  end(code: number, reason: string): void
}

/** What every HTTP request says before its body. */
export interface RequestHead {
  readonly path: string
  readonly query: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly remoteAddress: string
}

/** The HTTP request that wants to become a WebSocket. */
export interface UpgradeRequest extends RequestHead {
  /** Offered by the client, in its order. */
  readonly subprotocols: readonly string[]
}

/** Any other request. */
export interface PlainRequest extends RequestHead {
  /** In upper case. */
  readonly method: string
}

export interface HttpAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/**
 * How frames are told apart in a response that stays open: `lines` = a newline after each, `events` = each line of a frame is an
 * event of an EventSource, `bytes` = not at all, the frames say it themselves.
 */
export type Framing = 'lines' | 'events' | 'bytes'

/** A response that stays open and is a {@link Socket} from then on; what its client says comes in by other requests. */
export interface StreamOpening {
  readonly framing: Framing
  /** Of the answer, beside those that keep everybody on the way from caching it or holding it back. */
  readonly headers: Readonly<Record<string, string>>
  /** Handed to `onMessage` after `onOpen`, in the same turn. */
  readonly message: Uint8Array
  readonly isBinary: boolean
  /** The last frame before the end of the response, which has no close code of its own. */
  farewell(code: number, reason: string): Frame
}

/** What becomes of a plain request. */
export type RequestDecision =
  | { readonly is: 'answer'; readonly answer: HttpAnswer }
  /** Never rejects. */
  | { readonly is: 'later'; readonly answer: Promise<HttpAnswer> }
  | { readonly is: 'stream'; readonly stream: StreamOpening }
  | {
      readonly is: 'body'
      /** In place of `maxMessageBytes`. */
      readonly maxBytes?: number
      /** Said when it is longer than that. */
      readonly tooLong: HttpAnswer
      /** `body` is only valid during the call. */
      decide(body: Uint8Array): Exclude<RequestDecision, { is: 'body' }>
    }

export type UpgradeDecision =
  | { accept: true; subprotocol?: string }
  | { accept: false; status: number; body: string; headers?: Readonly<Record<string, string>> }

export interface SocketHandlers<C> {
  /** Synchronous: who may upgrade is decided by path, origin and limits; who they are comes with the first command. */
  onUpgrade(request: UpgradeRequest): UpgradeDecision
  /** Synchronous too. Absent: plain requests are told that WebSocket is spoken here. */
  onRequest?(request: PlainRequest): RequestDecision
  onOpen(socket: Socket<C>): void
  /** `message` is only valid during the call: copy what is kept. */
  onMessage(socket: Socket<C>, message: Uint8Array, isBinary: boolean): void
  /** The peer took waiting bytes, some or all, however few waited: `bufferedBytes` says what is left. Not told for a closed socket. */
  onDrain(socket: Socket<C>): void
  onClose(socket: Socket<C>, code: number, reason: string): void
  onPong?(socket: Socket<C>): void
  /** New connections get this certificate from now on; open ones stay as they are. */
  onCertificate?(certificate: Certificate): void
  /** The files changed, but not into a pair that can be used: the one before stays. Told once for each change. */
  onBrokenCertificate?(error: unknown): void
}

export interface Certificate {
  /** SHA-256, in pairs of hex digits with colons between. */
  readonly fingerprint: string
  readonly subject: string
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number
}

/** Files that are looked at again and again: whoever renews them need not tell. */
export interface TlsOptions {
  /** PEM: the certificate, then those that lead to its authority. */
  certFile: string
  /** PEM, without a passphrase. */
  keyFile: string
  /** Default 10 s. */
  lookEveryMs?: number
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
  /** TLS 1.2 and later. Absent: none, that is the matter of who stands in front. */
  tls?: TlsOptions
  /** permessage-deflate for WebSockets that offer it. Absent: none. `fromBytes`: shorter frames are sent as they are. */
  compression?: { fromBytes: number }
  /** Where plain HTTP requests are told that WebSocket is spoken here. Default `/connection/websocket`. */
  socketPath?: string
}

export interface SocketServer<C> {
  /**
   * Starts listening and answers the port.
   *
   * @throws InvalidError `tls-files-broken`.
   * @throws UnavailableError `port-in-use`, naming host and port.
   */
  listen(): Promise<number>
  readonly handlers: SocketHandlers<C>
  /** One frame to every socket in the topic. Built once, handed over once: no work per subscriber in JavaScript. */
  publish(topic: string, frame: Frame): void
  /** Lets the port go for a while: who comes is refused by the kernel. Not one that the system chose (0). */
  pauseListening(): void
  /** Takes it again, where it was let go. False: it can't be had now. */
  resumeListening(): boolean
  /** Stops accepting; open sockets stay. */
  stopListening(): void
  /** Stops accepting and closes what is still open, without waiting for peers. */
  close(): void
}
