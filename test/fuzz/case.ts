/** What is played against a gateway, and what came back. Both are plain values: the judge sees nothing else. */

/** How a conversation is carried. */
export type Carrier = 'websocket' | 'http_stream' | 'sse' | 'uni_websocket' | 'uni_sse' | 'uni_http_stream'

export type Encoding = 'json' | 'protobuf'

export type Step =
  /** One WebSocket message, or one POST to /emulation, of a connection that may know better. */
  | { kind: 'message'; bytes: Buffer; isBinary: boolean; fragments?: number }
  /** Bytes on the wire that need not be a WebSocket frame. */
  | { kind: 'bytes'; bytes: Buffer }
  /** A POST to /emulation as it stands, with whatever it says of its session. */
  | { kind: 'post'; head: string; body: Buffer; isWellFormed: boolean }
  /** Waits for the reply to the first command, or for the end. */
  | { kind: 'connected' }
  /** The client goes. Nothing follows. */
  | { kind: 'leave'; how: 'reset' | 'half-close' | 'close-frame' }

/** A connection that is opened and talked to. */
export interface Conversation {
  kind: 'conversation'
  carrier: Carrier
  encoding: Encoding
  /** The request that opens it, to the end of its header. */
  head: string
  /** Of the request, where it has one. */
  body?: Buffer
  steps: readonly Step[]
}

/** One HTTP request that need not make sense. */
export interface Request {
  kind: 'request'
  head: string
  body: Buffer
  /** HTTP as it is written down: an answer is owed. Else the end of the connection is one too. */
  isWellFormed: boolean
}

export interface Case {
  /** With the seed it is all that is needed to have the case again. */
  number: number
  /** The address it comes from, in 127.0.0.0/8: a flood is held against its address. */
  from: string
  what: Conversation | Request
}

/** One reply or push, as far as the judge reads it. */
export interface Told {
  id: number
  /** Absent where the reply is a result. */
  error?: { code: number; message: string; isTemporary: boolean }
  push?: 'unsubscribe' | 'disconnect' | 'other'
  /** Of those two pushes. */
  code?: number
  reason?: string
}

export type End =
  /** The code is 1006 where the connection ended without a word. */
  | { kind: 'closed'; code: number; reason: string }
  /** Everything that was owed had come, or the client went. */
  | { kind: 'left' }
  /** Time was up. */
  | { kind: 'hung' }

export interface Seen {
  /** Of the request that opened it: undefined = none came. */
  status: number | undefined
  /** Of the POSTs to /emulation, in their order. */
  posts: { status: number | undefined; isWellFormed: boolean }[]
  told: Told[]
  /** What could not be read as a reply, at most a few. */
  unreadable: string[]
  end: End
  tookMs: number
  /** Frames and HTTP bodies that were sent. */
  inputs: number
}
