import { jsonCodec, protobufCodec, type Codec, type Encoding, type Flavour } from '@natter/protocol'

export type TransportName =
  'websocket' | 'http_stream' | 'sse' | 'uni_websocket' | 'uni_sse' | 'uni_http_stream'

/** How a connection is spoken to. One object for each combination, shared by all connections: there are many. */
export interface Wire {
  readonly transport: TransportName
  readonly codec: Codec
  /** It listens: after its connect nothing is expected of it, pongs neither. */
  readonly isUnidirectional: boolean
  /** Its end has a code of its own; others are told by a last push. */
  readonly hasCloseCodes: boolean
}

const codecs: Readonly<Partial<Record<Flavour, Codec>>> = Object.freeze({
  json: jsonCodec,
  protobuf: protobufCodec,
})

export const flavours = Object.keys(codecs) as readonly Flavour[]

export const codecOf = (flavour: Flavour): Codec => codecs[flavour] ?? jsonCodec

export const websocketWires: Readonly<Record<Encoding, Wire>> = Object.freeze({
  json: websocket(jsonCodec),
  protobuf: websocket(protobufCodec),
})

function websocket(codec: Codec): Wire {
  return Object.freeze({ transport: 'websocket', codec, isUnidirectional: false, hasCloseCodes: true })
}
