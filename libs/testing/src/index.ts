export { Certificates } from './certificates.js'
export { launchChromium, type ChromiumLaunch, type ChromiumOptions } from './chromium.js'
export { startKeyServer, type KeyServer } from './key-server.js'
export { leakCheck } from './leak-check.js'
export { ManualClock } from './manual-clock.js'
export { MisbehavingPeer, type PeerClose, type PeerOptions } from './misbehaving-peer.js'
export { natsServerBinary, startNatsServer, type NatsServer, type NatsServerOptions } from './nats-server.js'
export { freePort } from './ports.js'
export { askOnce, probe, type Probe, type ProbeAnswer, type ProbeOptions } from './probe.js'
export { startPostgres, type PostgresServer, type PostgresServerOptions } from './postgres-server.js'
export { connectSdk, type SdkClient } from './sdk-client.js'
export { seededRandom } from './seeded-random.js'
export {
  startProcess,
  typescriptArgs,
  type ExitInfo,
  type StartedProcess,
  type StartProcessOptions,
} from './spawn-node.js'
export { TcpProxy, type TcpProxyTarget } from './tcp-proxy.js'
export { eventually, once, type EventuallyOptions } from './wait.js'
export { withClient } from './with-client.js'
export { encodeFrame, FrameReader, opcodes, type RawFrame, type ReceivedFrame } from './websocket-frames.js'
