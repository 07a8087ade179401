export {
  CapabilityLimits,
  capabilityProblem,
  capableVerbs,
  isCapable,
  type Capability,
  type CapableVerb,
} from './capability.js'
export {
  createChannelGrammar,
  parseChannelName,
  usualGrammar,
  usualSigns,
  validateChannelName,
  type ChannelGrammar,
  type ChannelName,
  type ChannelSigns,
} from './channel-name.js'
export {
  Disconnects,
  Errors,
  Unsubscribes,
  mayReconnect,
  type DisconnectCode,
  type ErrorCode,
  type UnsubscribeCode,
} from './codes.js'
export { codecOf, flavours } from './codecs.js'
export { applyPatch, createPatch, type PatchBorder } from './delta/delta.js'
export {
  checkFilter,
  compileFilter,
  type FilterProblem,
  type Matches,
  type Tags,
} from './filter/tags-filter.js'
export { isGlob } from './glob.js'
export { jsonCodec } from './json/json-codec.js'
export { decodeJsonEmulationRequest } from './json/json-emulation-request.js'
export { isJson, isJsonObject } from './json/json-text.js'
export { findJsonField, jsonElements, jsonFields, jsonSequence, type Span } from './json/raw-fields.js'
export { uniJsonCodec } from './json/uni-json-codec.js'
export { Limits } from './limits.js'
export { compilePattern, type LinearPattern } from './linear-pattern.js'
export type {
  Bytes,
  ClientInfo,
  Codec,
  Command,
  CommandMethod,
  ConnectRequest,
  ConnectResult,
  EmulationRequest,
  Encoding,
  ErrorReply,
  FilterNode,
  Flavour,
  Frame,
  HistoryRequest,
  HistoryResult,
  Publication,
  Push,
  Reply,
  StreamPosition,
  SubscribePush,
  SubscribeRequest,
  SubscribeResult,
} from './messages.js'
export { decodeEmulationRequest } from './protobuf/emulation-request.js'
export { protobufCodec } from './protobuf/protobuf-codec.js'
export { countProtobuf } from './protobuf/protobuf-decoder.js'
export { MalformedFrameError } from './protocol.errors.js'
export { inspectText, type TextFacts } from './text.js'
