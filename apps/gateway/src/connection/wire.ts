import { jsonCodec, protobufCodec, uniJsonCodec, type Codec, type Frame } from '@natter/protocol'

export type TransportName =
  'websocket' | 'http_stream' | 'sse' | 'uni_websocket' | 'uni_sse' | 'uni_http_stream'

/** How a connection is spoken to. One object for each combination, shared by all connections: there are many. */
export interface Wire {
  readonly transport: TransportName
  readonly codec: Codec
  /** It listens: after its connect nothing is expected of it, pongs neither. */
  readonly isUnidirectional: boolean
  /** What it says comes in other requests. [15] */
  readonly isEmulated: boolean
  /** Pings are WebSocket frames, which its library answers, not messages. */
  readonly hasFramePings: boolean
  /** The last frame of a transport whose end has no code. */
  farewell(code: number, reason: string): Frame
}

export const websocketWires = Object.freeze({
  json: wire('websocket', jsonCodec),
  protobuf: wire('websocket', protobufCodec),
  jsonFramePings: wire('websocket', jsonCodec, { hasFramePings: true }),
  protobufFramePings: wire('websocket', protobufCodec, { hasFramePings: true }),
  uni: wire('uni_websocket', uniJsonCodec),
})

export const streamWires = Object.freeze({
  httpStream: wire('http_stream', jsonCodec, { isEmulated: true }),
  httpStreamProtobuf: wire('http_stream', protobufCodec, { isEmulated: true }),
  sse: wire('sse', jsonCodec, { isEmulated: true }),
  uniSse: wire('uni_sse', uniJsonCodec),
  uniHttpStream: wire('uni_http_stream', uniJsonCodec),
})

function wire(
  transport: TransportName,
  codec: Codec,
  { isEmulated = false, hasFramePings = false }: { isEmulated?: boolean; hasFramePings?: boolean } = {},
): Wire {
  return Object.freeze({
    transport,
    codec,
    isUnidirectional: codec.flavour === 'uni-json',
    isEmulated,
    hasFramePings,
    farewell: (code: number, reason: string) => codec.push({ disconnect: { code, reason } }),
  })
}
