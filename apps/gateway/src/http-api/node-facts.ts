import type { Services } from '../connection/services.js'

/** What a gateway says of itself, in the names of the API. */
export interface NodeInfo {
  readonly uid: string
  readonly name: string
  readonly version: string
  readonly num_clients: number
  readonly num_users: number
  readonly num_subs: number
  readonly num_channels: number
  readonly uptime: number
  readonly process: { readonly cpu: number; readonly rss: number }
}

export class NodeFacts {
  private before = { atMs: performance.now(), cpu: process.cpuUsage() }

  constructor(private readonly services: Pick<Services, 'hub' | 'options'>) {}

  info(): NodeInfo {
    const { hub, options } = this.services
    const { name, version } = options
    return {
      uid: name, // unique in the mesh
      name,
      version,
      num_clients: hub.connectionCount,
      num_users: hub.userCount,
      num_subs: hub.subscriptionCount,
      num_channels: hub.channelCount,
      uptime: Math.floor(process.uptime()),
      process: { cpu: this.cpuPercent(), rss: process.memoryUsage.rss() },
    }
  }

  private cpuPercent(): number {
    const { atMs, cpu } = this.before
    const present = { atMs: performance.now(), cpu: process.cpuUsage() }
    this.before = present
    const usedMs = (present.cpu.user + present.cpu.system - cpu.user - cpu.system) / 1_000
    return Math.round((100 * usedMs * 10) / Math.max(1, present.atMs - atMs)) / 10
  }
}
