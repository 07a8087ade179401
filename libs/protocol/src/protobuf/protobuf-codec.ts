import type { Bytes, Codec, Frame } from '../messages.js'
import { decodeProtobuf } from './protobuf-decoder.js'
import { encodePush, encodeReply } from './protobuf-encoder.js'

/** Each frame has its length before it: one after the other, they are a message. */
function join(frames: readonly Frame[]): Uint8Array {
  const parts = frames as readonly Uint8Array[]
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}

/** The Protobuf form of the wire: commands and replies with their lengths before them. */
export const protobufCodec: Codec = Object.freeze({
  flavour: 'protobuf',
  encoding: 'protobuf',
  isBinary: true,
  /** An empty reply: its length alone. */
  ping: Uint8Array.of(0),
  decode: decodeProtobuf,
  reply: encodeReply,
  push: encodePush,
  /** There is nothing that bytes could be mistaken for. */
  deltaData: (data: Bytes) => data,
  join,
})
