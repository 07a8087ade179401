import type { Namespace } from '@natter/auth'
import type { Broker, BusMessage, BusSubscription, ReadRange, Route } from '@natter/broker'
import type { Clock, Gate } from '@natter/primitives'
import {
  ChannelFeed,
  type BreakReason,
  type CatchUpSource,
  type FeedOptions,
  type FeedOutput,
  type FeedState,
  type HealRange,
  type PageLimits,
  type Ring,
} from '@natter/recovery'
import type { ChannelKeeper, OpenChannel } from './channel.js'
import type { Audience } from './audience.js'
import type { Gather, GatherTarget } from './gather.js'
import type { Opener } from './opener.js'
import { fromLive, fromLog, passingOf, type NodeMessage } from './node-message.js'
import { Waiters } from './waiters.js'

/** How much one healing read asks for: enough that a hole of seconds is one round trip, little enough to hold. */
const healPage = { limit: 500, maxBytes: 1_048_576 }

/** One object for all channels of a node. */
export interface DurableChannelParts {
  broker: Broker
  audience: Pick<Audience, 'deliver'>
  owner: ChannelKeeper
  /** Lets so many reads of catch-ups run at once. */
  reads: Gate
  opener: Opener
  gather: Gather
  clock: Clock
  feed: FeedOptions
  readyTimeoutMs: number
  /** Messages on the live subject that no stream republished and that aren't marked as passing, in a durable namespace: dropped and counted. */
  onStray(namespace: string): void
  onHeal(namespace: string, outcome: 'asked' | BreakReason): void
}

/**
 * The thin process around a {@link ChannelFeed}: it listens, reads and hands on what the feed decides. It is the feed's output itself:
 * a node has many channels, and an object of closures for each would be a tenth of what they cost.
 */
export class DurableChannel
  implements OpenChannel, GatherTarget, CatchUpSource<NodeMessage>, FeedOutput<NodeMessage>
{
  readonly isDurable = true
  readonly route: Route
  private readonly feed: ChannelFeed<NodeMessage>
  private readonly waiters: Waiters
  private listening: BusSubscription | undefined

  constructor(
    readonly name: string,
    readonly namespace: Namespace,
    private readonly parts: DurableChannelParts,
  ) {
    this.route = parts.broker.route(namespace.name, name)
    this.waiters = new Waiters(parts.clock, parts.readyTimeoutMs)
    this.feed = new ChannelFeed<NodeMessage>(this, parts.clock, parts.feed)
    this.open()
  }

  get kind(): FeedState {
    return this.feed.kind
  }

  get last(): number {
    return this.feed.last
  }

  get ring(): Ring<NodeMessage> {
    return this.feed.ring
  }

  /** The word for the present numbering; it may change while the channel is open, and then breaks it. */
  get epoch(): string {
    return this.parts.broker.route(this.namespace.name, this.name).epoch
  }

  whenLive(): Promise<void> {
    return this.feed.kind === 'live' ? Promise.resolve() : this.waiters.wait()
  }

  want(isWanted: boolean): void {
    this.feed.want(isWanted)
  }

  /** The opener looked: the channel's newest sequence, or the stream's top. */
  opened(position: number): void {
    this.feed.opened(position)
  }

  seen(seq: number): void {
    this.feed.seen(seq)
  }

  /** A look at the log after trouble: what is newest there, and its stamp. */
  compare(newest: { seq: number; timeNs: bigint }): void {
    const stamp = this.feed.ring.stampOf(newest.seq)
    if (stamp !== undefined && stamp !== newest.timeNs) this.feed.break('rollback')
    else this.feed.seen(newest.seq)
  }

  break(reason: BreakReason): void {
    this.feed.break(reason)
  }

  /** What this node has delivered exists: an answer that ends below it came from a replica that lags, and the leader is asked. */
  async read(after: number, upTo: number, page: PageLimits) {
    const range = { from: after + 1, to: upTo, limit: page.count, maxBytes: page.bytes }
    const read = await this.parts.reads.run(() => this.readLog(range))
    const isStale =
      read.isComplete && this.ring.stampOf(upTo) !== undefined && (read.messages.at(-1)?.seq ?? after) < upTo
    return isStale ? this.readLog({ ...range, leader: true }) : read
  }

  firstSeq(): Promise<number> {
    return this.parts.broker.log.firstSeq(this.route.stream)
  }

  async tops(): Promise<{ upTo: number; newest: number }> {
    const { stream, subject } = this.route
    const { upTo, newest } = await this.parts.broker.log.tops(stream, [subject])
    return { upTo, newest: newest.get(subject)?.seq ?? 0 }
  }

  arrived(message: NodeMessage): void {
    this.feed.receive(message)
  }

  // the feed's output

  deliver(message: NodeMessage): void {
    const { publication } = message
    const mayPatch = this.namespace.patchesAll || publication.mayPatch === true
    this.parts.audience.deliver(this.name, publication, mayPatch)
  }

  heal(range: HealRange): void {
    void this.readHole(range)
  }

  live(): void {
    this.waiters.release()
  }

  /** Whoever subscribes resumes by position; whoever waits finds the channel opened anew. */
  broken(reason: BreakReason): void {
    this.parts.onHeal(this.namespace.name, reason)
    this.parts.gather.forget(this)
    this.parts.owner.broken(this.name)
    if (this.parts.owner.isWanted(this.name)) this.open()
    else this.close()
  }

  idle(): void {
    this.close()
  }

  close(): void {
    this.listening?.stop()
    this.listening = undefined
    this.parts.gather.forget(this)
    this.feed.close()
    this.waiters.refuse()
    this.parts.opener.forget(this)
    this.parts.owner.closed(this.name)
  }

  private open(): void {
    this.feed.open()
    this.listening ??= this.parts.broker.bus.subscribe(this.route.liveSubject, (message) =>
      this.receive(message),
    )
    this.parts.opener.open(this)
  }

  private receive(message: BusMessage): void {
    if (message.stored === undefined) return this.pass(message)
    this.parts.gather.take(this, fromLive(message, message.stored))
  }

  /** It has no place in the channel: no position moves, nobody recovers it. What isn't marked so is a stray. */
  private pass(message: BusMessage): void {
    const publication = passingOf(message)
    if (publication === undefined) this.parts.onStray(this.namespace.name)
    else this.parts.audience.deliver(this.name, publication)
  }

  /** What is gone from the stream can't be healed: it is no reason to show what comes after it as if nothing were missing. */
  private async readHole({ question, after, upTo, fromLeader }: HealRange): Promise<void> {
    this.parts.onHeal(this.namespace.name, 'asked')
    try {
      const { messages } = await this.readLog({ from: after + 1, to: upTo, ...healPage, leader: fromLeader })
      const isWhole = (await this.firstSeq()) <= after + 1
      this.feed.readDone(question, isWhole ? messages : 'evicted')
    } catch {
      this.feed.readDone(question, undefined)
    }
  }

  private async readLog(range: ReadRange): Promise<{ messages: NodeMessage[]; isComplete: boolean }> {
    const { stream, subject } = this.route
    const { messages, isComplete } = await this.parts.broker.log.read(stream, subject, range)
    return { messages: messages.map(fromLog), isComplete }
  }
}
