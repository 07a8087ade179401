export type {
  SendVerdict,
  Socket,
  SocketHandlers,
  SocketServer,
  SocketServerOptions,
  UpgradeDecision,
  UpgradeRequest,
} from './transport.js'
export { createUwsServer } from './uws/uws-socket-server.js'
export { MemoryClient, type MemoryClose } from './memory/memory-client.js'
export {
  MemorySocketServer,
  type MemoryConnectOptions,
  type MemoryRefusal,
} from './memory/memory-socket-server.js'
