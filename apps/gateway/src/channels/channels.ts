import type { Namespace } from '@natter/auth'
import type { Broker } from '@natter/broker'
import { Gate, type Clock, type TypedEvents } from '@natter/primitives'
import type { FeedOptions } from '@natter/recovery'
import type { GatewayEvents } from '../gateway.events.js'
import type { ChannelKeeper, ChannelsOwner } from './channel.js'
import type { Audience } from './audience.js'
import { DurableChannel, type DurableChannelParts } from './durable-channel.js'
import { EphemeralChannel } from './ephemeral-channel.js'
import { Gather, type GatherOptions, type GatherTarget } from './gather.js'
import { Opener } from './opener.js'
import { Sweep } from './sweep.js'

export interface ChannelsOptions {
  feed: FeedOptions
  gather: GatherOptions
  /** How long a command waits for a channel; below the 5 s after which SDKs give up. */
  readyTimeoutMs: number
  /** Over how long many gateways spread their look at the log after a reconnect. */
  sweepSpreadMs: number
  /** Reads of the log that catch-ups may make at once; the others wait in line. */
  concurrentReads: number
}

/** Told apart by `isDurable`. */
export type NodeChannel = DurableChannel | EphemeralChannel

/** The channels that are open on this node, each once, however many subscribe. */
export class Channels {
  private readonly open = new Map<string, NodeChannel>()
  private readonly opener: Opener
  private readonly gather: Gather
  private readonly sweep: Sweep
  private readonly durableParts: DurableChannelParts
  private readonly keeper: ChannelKeeper = {
    broken: (channel) => this.owner.broken(channel),
    isWanted: (channel) => this.owner.isWanted(channel),
    closed: (channel) => void this.open.delete(channel),
  }

  constructor(
    private readonly broker: Broker,
    private readonly audience: Pick<Audience, 'deliver'>,
    private readonly owner: ChannelsOwner,
    private readonly clock: Clock,
    events: TypedEvents<GatewayEvents>,
    private readonly options: ChannelsOptions,
  ) {
    this.opener = new Opener(broker, clock)
    const subscriberCount = (channel: string): number => owner.subscriberCount(channel)
    const failed = ({ route }: GatherTarget, error: unknown): void =>
      broker.events.emit('bus:callback:error', { subject: route.liveSubject, error })
    this.gather = new Gather({ subscriberCount, failed }, clock, options.gather)
    this.sweep = new Sweep(broker, clock, options.sweepSpreadMs)
    const { opener, gather, keeper } = this
    this.durableParts = {
      broker,
      audience,
      owner: keeper,
      reads: new Gate(options.concurrentReads),
      opener,
      gather,
      clock,
      feed: options.feed,
      readyTimeoutMs: options.readyTimeoutMs,
      onStray: (namespace) => events.emit('channel:stray', { namespace }),
      onHeal: (namespace, outcome) => events.emit('channel:heal', { namespace, outcome }),
    }
  }

  get count(): number {
    return this.open.size
  }

  /** Opens it unless it is; the caller has put itself into the hub before, so the channel knows that it is wanted. */
  acquire(name: string, namespace: Namespace): NodeChannel {
    const present = this.open.get(name)
    if (present !== undefined) {
      present.want(true)
      return present
    }
    const channel = namespace.isDurable
      ? new DurableChannel(name, namespace, this.durableParts)
      : this.ephemeral(name, namespace)
    this.open.set(name, channel)
    return channel
  }

  find(name: string): NodeChannel | undefined {
    return this.open.get(name)
  }

  /** Somebody left: without subscribers the channel lingers, then closes. */
  release(name: string): void {
    this.open.get(name)?.want(this.owner.isWanted(name))
  }

  /** The way to NATS is back, and the streams were verified. */
  resume(): void {
    this.opener.retryNow()
    this.sweep.run(this.durables())
  }

  /** The numbering of a stream is another one now: positions mean nothing any more. */
  renumber(stream: string): void {
    for (const channel of this.durables()) if (channel.route.stream === stream) channel.break('epoch')
  }

  close(): void {
    this.sweep.stop()
    this.opener.stop()
    this.gather.stop()
    for (const channel of this.open.values()) channel.close()
  }

  private durables(): DurableChannel[] {
    return [...this.open.values()].filter((channel) => channel.isDurable)
  }

  private ephemeral(name: string, namespace: Namespace): EphemeralChannel {
    const { broker, audience, keeper: owner, clock, options } = this
    return new EphemeralChannel(name, namespace, {
      bus: broker.bus,
      liveSubject: broker.route(namespace.name, name).liveSubject,
      audience,
      owner,
      clock,
      lingerMs: options.feed.lingerMs,
      readyTimeoutMs: options.readyTimeoutMs,
    })
  }
}
