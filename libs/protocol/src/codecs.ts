import { jsonCodec } from './json/json-codec.js'
import { uniJsonCodec } from './json/uni-json-codec.js'
import type { Codec, Flavour } from './messages.js'
import { protobufCodec } from './protobuf/protobuf-codec.js'

const codecs: Readonly<Record<Flavour, Codec>> = Object.freeze({
  json: jsonCodec,
  protobuf: protobufCodec,
  'uni-json': uniJsonCodec,
})

export const flavours = Object.keys(codecs) as readonly Flavour[]

export const codecOf = (flavour: Flavour): Codec => codecs[flavour]
