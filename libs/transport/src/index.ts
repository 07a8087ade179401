export type {
  Certificate,
  Framing,
  HttpAnswer,
  PlainRequest,
  RequestDecision,
  RequestHead,
  SendVerdict,
  Socket,
  SocketHandlers,
  SocketServer,
  SocketServerOptions,
  StreamOpening,
  TlsOptions,
  UpgradeDecision,
  UpgradeRequest,
} from './transport.js'
export { createUwsServer } from './uws/uws-socket-server.js'
export { MemoryClient, type MemoryClose } from './memory/memory-client.js'
export {
  MemorySocketServer,
  type MemoryConnectOptions,
  type MemoryRefusal,
  type MemoryRequestOptions,
} from './memory/memory-socket-server.js'
export { type MemoryAnswer, MemoryStream } from './memory/memory-stream.js'
