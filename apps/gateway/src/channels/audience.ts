import {
  codecOf,
  Disconnects,
  flavours,
  type Codec,
  type DisconnectCode,
  type Flavour,
  type Frame,
  type Publication,
  type Push,
} from '@natter/protocol'
import type { SocketServer } from '@natter/transport'
import type { Choice } from './choice.js'
import { DeltaAudience } from './delta-audience.js'
import { FilteredAudience } from './filtered-audience.js'
import { joinLeaveTopic, publicationTopic } from './topics.js'
import { TurnFrames } from './turn-frames.js'

/** A connection, as far as it matters here. */
export interface Listener {
  readonly wire: { readonly codec: Codec }
  /** What was said to it before reaches it before anything of the topic. */
  join(topic: string): void
  leave(topic: string): void
  /** Of its flavour. */
  say(frame: Frame): void
  disconnect(code: DisconnectCode): void
}

/** Its subscription. */
export interface Seat {
  readonly channel: string
  /** Publications reach it; the audience's alone to change. */
  isListening: boolean
  /** False: it has ended, or is about to. */
  readonly isWanted: boolean
  /** Does not change while it listens. */
  readonly choice?: Choice | undefined
  readonly features: { readonly pushesJoinLeave: boolean }
}

/** Who subscribes on this node: the hub. */
export interface Seats {
  subscriberCount(channel: string): number
  subscribers(channel: string): ReadonlyMap<Listener, Seat>
}

/**
 * Where a channel's publications leave the node: to all who listen here, in the flavour that each of them speaks.
 *
 * A1. A frame is built once for each message and flavour, never per subscriber, and not for a flavour that nobody speaks.
 * A2. Who joins gets what is delivered from then on; who leaves gets nothing that is delivered later, and all that was before.
 * A3. What comes in one turn for one channel leaves together (TurnFrames).
 * A4. JSON can't say bytes that are no JSON: who speaks it and listens to such a channel is closed with 3506. [6.3]
 * A5. Who wants publications otherwise than as they are is not in the topics of those who want them so (DeltaAudience, FilteredAudience).
 * A6. Whose subscription has ended takes no place any more: nobody would take it out again. What a client is shown on its way in may
 *     be the end of its connection.
 *
 * Hot path: no closure, Promise, JSON.parse or work per subscriber.
 */
export class Audience {
  /** Publications handed to topics since the start. A plain number: metrics read it, nothing listens. */
  delivered = 0
  private readonly frames: TurnFrames
  private readonly deltas: DeltaAudience
  private readonly filtered = new FilteredAudience()
  /** How many listen in a flavour other than JSON, however: most channels have none of them, and then no entry. */
  private readonly others = new Map<string, Map<Flavour, number>>()

  constructor(
    server: Pick<SocketServer<unknown>, 'publish'>,
    private readonly seats: Seats,
  ) {
    this.frames = new TurnFrames(server)
    this.deltas = new DeltaAudience(this.frames)
  }

  /** What was written to the connection before reaches it first. */
  join(listener: Listener, seat: Seat): void {
    if (seat.isListening || !seat.isWanted) return // A6
    seat.isListening = true
    const { flavour } = listener.wire.codec
    if (flavour !== 'json') this.count(seat.channel, flavour, 1) // before what may find the socket closed, and so take it out again
    if (seat.choice?.kind === 'delta') this.deltas.join(listener, seat)
    else if (seat.choice?.kind === 'filter') this.filtered.join(listener, seat)
    else this.joinTopic(listener, publicationTopic(flavour, seat.channel))
  }

  /** From here on nothing of the channel reaches it. */
  leave(listener: Listener, seat: Seat): void {
    const { flavour } = listener.wire.codec
    if (seat.features.pushesJoinLeave) this.leaveTopic(listener, joinLeaveTopic(flavour, seat.channel))
    if (!seat.isListening) return
    seat.isListening = false
    if (seat.choice?.kind === 'delta') this.deltas.leave(listener, seat)
    else if (seat.choice?.kind === 'filter') this.filtered.leave(listener, seat)
    else this.leaveTopic(listener, publicationTopic(flavour, seat.channel))
    if (flavour !== 'json') this.count(seat.channel, flavour, -1)
  }

  /** From here on it is told who joins and leaves. */
  joinJoinLeave(listener: Listener, { channel }: Seat): void {
    this.joinTopic(listener, joinLeaveTopic(listener.wire.codec.flavour, channel))
  }

  /** @param mayPatch Those who negotiated delta may be told what it changes in the one before it. Default false. */
  deliver(channel: string, pub: Publication, mayPatch = false): void {
    this.delivered += 1
    if (pub.isBinary === true) this.refuseBinary(channel)
    this.deliverPlain(channel, pub)
    this.deltas.deliver(channel, pub, mayPatch)
    this.filtered.deliver(channel, pub)
  }

  private deliverPlain(channel: string, pub: Publication): void {
    const others = this.others.get(channel)
    if (pub.isBinary !== true && this.hasJson(channel, others)) this.say(channel, 'json', pub)
    if (others === undefined) return
    for (const [flavour, count] of others) {
      const canSay = pub.isBinary !== true || codecOf(flavour).encoding !== 'json'
      if (canSay && count > this.choosy(channel, flavour)) this.say(channel, flavour, pub)
    }
  }

  /** A join or a leave, to those who want to know. */
  announce(channel: string, push: Extract<Push, { join: unknown } | { leave: unknown }>): void {
    for (const flavour of flavours) {
      const isSpoken = flavour === 'json' || this.others.get(channel)?.has(flavour) === true
      if (!isSpoken) continue
      const codec = codecOf(flavour)
      this.frames.add(joinLeaveTopic(flavour, channel), codec.push(push), codec)
    }
  }

  private say(channel: string, flavour: Flavour, pub: Publication): void {
    const codec = codecOf(flavour)
    this.frames.add(publicationTopic(flavour, channel), codec.push({ channel, pub }), codec)
  }

  /** Those who are only on their way in count too: a frame too many now and then. */
  private hasJson(channel: string, others: ReadonlyMap<Flavour, number> | undefined): boolean {
    let count = this.choosy(channel, 'json')
    if (others === undefined && count === 0) return true
    for (const one of others?.values() ?? []) count += one
    return this.seats.subscriberCount(channel) > count
  }

  /** A5. */
  private choosy(channel: string, flavour: Flavour): number {
    return this.deltas.count(channel, flavour) + this.filtered.count(channel, flavour)
  }

  private joinTopic(listener: Listener, topic: string): void {
    this.frames.flush(topic) // A2
    listener.join(topic)
  }

  private leaveTopic(listener: Listener, topic: string): void {
    this.frames.flush(topic) // A2
    listener.leave(topic)
  }

  /** A4. Of those with a filter, the ones whom it would have reached: FilteredAudience. */
  private refuseBinary(channel: string): void {
    if (this.seats.subscriberCount(channel) <= this.spared(channel)) return
    for (const [listener, { isListening, choice }] of this.seats.subscribers(channel))
      if (isListening && choice?.kind !== 'filter' && listener.wire.codec.encoding === 'json')
        listener.disconnect(Disconnects.inappropriateProtocol)
  }

  /** Who may listen to bytes that are no JSON: the walk over all is for channels where somebody may not. */
  private spared(channel: string): number {
    let count = this.others.get(channel)?.get('protobuf') ?? 0
    for (const flavour of flavours)
      if (codecOf(flavour).encoding === 'json') count += this.filtered.count(channel, flavour)
    return count
  }

  private count(channel: string, flavour: Flavour, change: 1 | -1): void {
    const counts = this.others.get(channel) ?? new Map<Flavour, number>()
    const count = (counts.get(flavour) ?? 0) + change
    if (count > 0) counts.set(flavour, count)
    else counts.delete(flavour)
    if (counts.size > 0) this.others.set(channel, counts)
    else this.others.delete(channel)
  }
}
