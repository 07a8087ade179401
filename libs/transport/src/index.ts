export type {
  SendVerdict,
  Socket,
  SocketHandlers,
  SocketServer,
  SocketServerOptions,
  UpgradeDecision,
  UpgradeRequest,
} from './transport.js'
