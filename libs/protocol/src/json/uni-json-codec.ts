/**
 * For clients that only listen [16]: what they send is one connect request, not a command, and what they get is pushes without a
 * reply around them.
 */
import type { Codec, Frame } from '../messages.js'
import { decodeConnectRequest } from './json-decoder.js'
import { encodeBarePush, encodeReply, quote } from './json-encoder.js'

export const uniJsonCodec: Codec = Object.freeze({
  flavour: 'uni-json',
  encoding: 'json',
  isBinary: false,
  ping: '{}',
  /** One connect request; its reply is a push, so that the id is nobody's. */
  decode: (message: Uint8Array) => [
    { id: 1, method: 'connect' as const, request: decodeConnectRequest(message) },
  ],
  reply: (reply) => ('connect' in reply ? encodeBarePush(reply) : encodeReply(reply)),
  push: encodeBarePush,
  deltaData: quote,
  /** A line each. */
  join: (frames: readonly Frame[]) => frames.join('\n'),
} satisfies Codec)
