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
