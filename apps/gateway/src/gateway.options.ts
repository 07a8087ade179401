import type { DrainOptions } from './drain/drain.js'
import type { HttpApiOptions } from './http-api/http-api.options.js'
import type { Transports } from './upgrade/transports.js'

/** What a gateway can be told; `config/gateway.config.ts` reads it from file, environment and flags. Durations in ms, sizes in bytes. */
export interface GatewayOptions {
  /** This node's name in logs, metrics and presence; unique in the mesh. */
  name: string
  /** Told to clients in the connect reply. */
  version: string
  host: string
  port: number
  sharePort: boolean
  client: {
    /** Lets clients without a token in, as the anonymous user ''. For development. */
    allowAnonymous: boolean
    /** Without a token it is an app that says who connects, also while no app has ever said that it would. */
    connectByApp: boolean
    /** Allows everything to everybody: for tests and tutorials. */
    insecure: boolean
    /** Glob patterns for the Origin header; requests without one always pass. */
    allowedOrigins: readonly string[]
    maxMessageBytes: number
    maxQueueBytes: number
    maxChannels: number
    /** Commands of one connection that may be in work at once; one more is answered with 111. */
    maxInFlight: number
    /** Commands per second of one connection; beyond them and the burst it is closed with 3013. */
    commandRate: number
    /** Commands that it may send at once. A message counts as one for each KiB of it at least. */
    commandBurst: number
    /** Commands per second of one user on this node; beyond them and the burst the answer is 111. 0 = not counted. */
    userCommandRate: number
    userCommandBurst: number
    /** New connections of this node per second; beyond them the request is answered with 503. 0 = not counted. */
    connectionRateLimit: number
    /** Connections of one user, over all nodes; the oldest beyond them are closed with 3504. 0 = any number. */
    userConnectionLimit: number
    pingIntervalMs: number
    pongTimeoutMs: number
    staleCloseMs: number
    expiredCloseDelayMs: number
    /** How long past its expiry a subscription token may still be refreshed. */
    expiredSubCloseDelayMs: number
    /** Refuses tokens that name no user. */
    disallowAnonymousTokens: boolean
    /** Lower-case names of the handshake's headers that apps are shown; the others are forgotten at once. */
    hookHeaders: readonly string[]
    /** Each user is subscribed to `#<user>` of this namespace ('' = none) by connecting; absent = nobody is. */
    personalChannel?: { namespace: string }
    /** Which ways in are open; absent = all. */
    transports?: Transports
    historyPage: number
    recoveryPage: number
  }
  /** Absent = what there is room for, 15,000 at most; never more than the descriptors allow. */
  maxConnections?: number
  /** Addresses and networks of the proxies that say for whom they speak. */
  trustedProxies: readonly string[]
  presenceTimeoutMs: number
  /** Absent = backends can't ask over HTTP. */
  httpApi?: HttpApiOptions
  drain: DrainOptions
}
