import type { Codec, Frame } from '../messages.js'
import { decodeJson } from './json-decoder.js'
import { encodePush, encodeReply, quote } from './json-encoder.js'

/** The JSON form of the wire: commands and replies as lines of text. */
export const jsonCodec: Codec = Object.freeze({
  flavour: 'json',
  encoding: 'json',
  isBinary: false,
  /** An empty reply, never an empty message: SDKs parse every part they get. */
  ping: '{}',
  decode: decodeJson,
  reply: encodeReply,
  push: encodePush,
  deltaData: quote,
  /** A line each. */
  join: (frames: readonly Frame[]) => frames.join('\n'),
})
