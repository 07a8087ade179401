/**
 * What travels between a client and a gateway, as values. One shape for every encoding: a codec turns frames into
 * {@link Command}s, and {@link Reply}s into frames. Field names are the wire's (docs/protocol.md).
 *
 * `data`, `info` and their kin are bytes as they came: for JSON clients the text of one JSON value, never parsed, never
 * rewritten. A codec checks that it is valid; nobody behind it looks inside unless it has to.
 */
export type Bytes = Uint8Array

export interface StreamPosition {
  /** Grows within a channel; not contiguous. 0 = before the first. */
  offset: number
  /** Names one incarnation of the numbering. Empty = "any". */
  epoch: string
}

export interface ClientInfo {
  /** '' = anonymous. */
  user: string
  /** The connection's id. */
  client: string
  connInfo?: Bytes
  chanInfo?: Bytes
}

export interface Publication {
  /** Of a subscription with delta: what {@link Codec.deltaData} made of the payload, or of the patch. */
  data: Bytes
  /** `data` is no JSON: a JSON client can't be shown it. Not on the wire. */
  isBinary?: boolean
  /** Its publisher lets it be told as what it changes in the one before it. Not on the wire. */
  mayPatch?: boolean
  /** The publisher, when a client published. */
  info?: ClientInfo
  /** Absent in channels without history. */
  offset?: number
  tags?: Readonly<Record<string, string>>
  /** When it was stored, milliseconds since 1970. */
  time?: number
  /** `data` is a patch against the publication before it. [8] */
  delta?: boolean
}

/** A tags filter: a leaf compares one tag, an inner node joins others. As it came: `tags-filter` says whether it makes sense. [14] */
export interface FilterNode {
  /** '' = a leaf. */
  op?: string
  key?: string
  cmp?: string
  val?: string
  vals?: readonly string[]
  nodes?: readonly FilterNode[]
}

export interface SubscribeRequest {
  channel: string
  token?: string
  recover?: boolean
  epoch?: string
  offset?: number
  data?: Bytes
  positioned?: boolean
  recoverable?: boolean
  join_leave?: boolean
  /** '' or 'fossil'; the codec refuses anything else. */
  delta?: string
  flag?: number
  /** Only publications whose tags match. */
  tf?: FilterNode
  /** 0 stream; everything else is refused. */
  type?: number
}

export interface ConnectRequest {
  token?: string
  data?: Bytes
  subs?: Readonly<Record<string, SubscribeRequest>>
  name?: string
  version?: string
  headers?: Readonly<Record<string, string>>
}

export interface HistoryRequest {
  channel: string
  /** 0 = only the position; negative = as many as a page holds. */
  limit?: number
  since?: StreamPosition
  reverse?: boolean
}

/** One request. `id` is 0 only for `send` and `pong`. */
export type Command =
  | { id: number; method: 'connect'; request: ConnectRequest }
  | { id: number; method: 'subscribe'; request: SubscribeRequest }
  | { id: number; method: 'unsubscribe'; request: { channel: string } }
  /** `type` other than 0 is for map channels: refused. */
  | { id: number; method: 'publish'; request: { channel: string; data?: Bytes; type?: number } }
  | { id: number; method: 'presence'; request: { channel: string } }
  | { id: number; method: 'presence_stats'; request: { channel: string } }
  | { id: number; method: 'history'; request: HistoryRequest }
  | { id: number; method: 'rpc'; request: { method?: string; data?: Bytes } }
  | { id: number; method: 'send'; request: { data?: Bytes } }
  | { id: number; method: 'refresh'; request: { token?: string } }
  /** `type` other than 0 is for shared polls: refused. */
  | { id: number; method: 'sub_refresh'; request: { channel: string; token?: string; type?: number } }
  /** An empty command: the answer to a ping. */
  | { id: 0; method: 'pong' }
  /** Well-formed, but no request that we know: the connection is closed with 3501. */
  | { id: number; method: 'unknown' }

export type CommandMethod = Command['method']

/** What a client of an HTTP transport posts to `/emulation`. [15] */
export interface EmulationRequest {
  /** The gateway that holds the stream. */
  node: string
  /** Names the stream, and proves that it is the client's own. */
  session: string
  /** A message of commands, for the codec. */
  data: Bytes
}

export interface SubscribeResult {
  expires?: boolean
  ttl?: number
  recoverable?: boolean
  positioned?: boolean
  epoch?: string
  offset?: number
  was_recovering?: boolean
  recovered?: boolean
  publications?: readonly Publication[]
  data?: Bytes
  delta?: boolean
}

/** What a client is told of a subscription that the server made while it was connected. */
export type SubscribePush = Pick<SubscribeResult, 'recoverable' | 'positioned' | 'epoch' | 'offset' | 'data'>

export interface ConnectResult {
  client: string
  version: string
  expires?: boolean
  ttl?: number
  data?: Bytes
  subs?: Readonly<Record<string, SubscribeResult>>
  /** Seconds. */
  ping?: number
  pong?: boolean
  session?: string
  node?: string
  /** Milliseconds since 1970. */
  time?: number
}

export interface HistoryResult {
  publications: readonly Publication[]
  offset: number
  epoch: string
}

export interface ErrorReply {
  code: number
  message: string
  temporary?: boolean
}

/** The answer to a command; a codec writes `id` and the one result. */
export type Reply =
  | { id: number; error: ErrorReply }
  | { id: number; connect: ConnectResult }
  | { id: number; subscribe: SubscribeResult }
  | { id: number; unsubscribe: Record<string, never> }
  | { id: number; publish: Record<string, never> }
  | { id: number; presence: { presence: Readonly<Record<string, ClientInfo>> } }
  | { id: number; presence_stats: { num_clients: number; num_users: number } }
  | { id: number; history: HistoryResult }
  | { id: number; rpc: { data?: Bytes } }
  | { id: number; refresh: { client: string; version: string; expires?: boolean; ttl?: number } }
  | { id: number; sub_refresh: { expires?: boolean; ttl?: number } }

/** What the server says unasked. Without a channel where it is about the connection. */
export type Push =
  | { channel: string; pub: Publication }
  | { channel: string; join: { info: ClientInfo } }
  | { channel: string; leave: { info: ClientInfo } }
  | { channel: string; unsubscribe: { code: number; reason: string } }
  | { channel: string; subscribe: SubscribePush }
  | { message: { data: Bytes } }
  /** Unidirectional transports alone: what others get as the reply to `connect`. */
  | { connect: ConnectResult }
  /** The last words on transports without close codes. */
  | { disconnect: { code: number; reason: string } }
  | { refresh: { expires?: boolean; ttl?: number } }

/** An encoded frame. Text for JSON (uWebSockets.js writes it as UTF-8), bytes for Protobuf. */
export type Frame = string | Uint8Array

export type Encoding = 'json' | 'protobuf'

/** `uni-json`: bare pushes, for clients that only listen [16]. */
export type Flavour = Encoding | 'uni-json'

/** One wire encoding. Stateless: one object serves all connections. */
export interface Codec {
  readonly flavour: Flavour
  readonly encoding: Encoding
  /** Whether frames go out as binary WebSocket messages. */
  readonly isBinary: boolean
  /** The ready-made ping. */
  readonly ping: Frame
  /**
   * All commands of one incoming message, in order.
   *
   * @throws MalformedFrameError when the message is empty, is not the encoding, or a field has the wrong type: close with 3501.
   */
  decode(message: Uint8Array): Command[]
  reply(reply: Reply): Frame
  /** Called once per publication, node and flavour, never per subscriber. */
  push(push: Push): Frame
  /**
   * How the data of a subscription that negotiated delta goes into a publication, whole or as a patch: JSON clients get a JSON string
   * that holds the text, others the bytes themselves. [8]
   */
  deltaData(data: Bytes): Bytes
  /** One frame that says what all of these say, in order. At least one of them. */
  join(frames: readonly Frame[]): Frame
}
