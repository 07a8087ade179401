/** How large a run is. */
export interface Settings {
  /** Of all gateways. */
  sockets: number
  /** In each, every instance is replaced once: in the odd ones it is asked to end (SIGTERM), in the even ones killed. */
  rounds: number
  /** Whether the even rounds kill. */
  hasKills: boolean
  gateways: number
  instances: number
  /** On each gateway. */
  socketsPerChannel: number
  /** One socket in so many calls, or publishes. */
  callerEvery: number
  publisherEvery: number
  /** Of all sockets together. */
  rpcsPerSecond: number
  publicationsPerSecond: number
  /** Between one replacement and the next, so that each meets the load in its steady state. */
  pauseMs: number
}

/** What the release is judged by. */
export const fullSettings: Settings = {
  sockets: 10_000,
  rounds: 2,
  hasKills: true,
  gateways: 2,
  instances: 3,
  socketsPerChannel: 10,
  callerEvery: 10,
  publisherEvery: 50,
  rpcsPerSecond: 200,
  publicationsPerSecond: 100,
  pauseMs: 2_000,
}
