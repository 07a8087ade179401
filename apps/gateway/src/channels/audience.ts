import { Disconnects, type DisconnectCode, type Flavour, type Publication, type Push } from '@natter/protocol'
import type { SocketServer } from '@natter/transport'
import { codecOf, flavours, type Wire } from '../connection/wire.js'
import { joinLeaveTopic, publicationTopic } from './topics.js'
import { TurnFrames } from './turn-frames.js'

/** A connection, as far as it matters here. */
export interface Listener {
  readonly wire: Wire
  /** What was said to it before reaches it before anything of the topic. */
  join(topic: string): void
  leave(topic: string): void
  disconnect(code: DisconnectCode): void
}

/** Its subscription. */
export interface Seat {
  readonly channel: string
  /** Publications reach it by a topic; the audience's alone to change. */
  isListening: boolean
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
 *
 * Hot path: no closure, Promise, JSON.parse or work per subscriber.
 */
export class Audience {
  /** Publications handed to topics since the start. A plain number: metrics read it, nothing listens. */
  delivered = 0
  private readonly frames: TurnFrames
  /** How many listen in a flavour other than JSON: most channels have none of them, and then no entry. */
  private readonly others = new Map<string, Map<Flavour, number>>()

  constructor(
    server: Pick<SocketServer<unknown>, 'publish'>,
    private readonly seats: Seats,
  ) {
    this.frames = new TurnFrames(server)
  }

  /** What was written to the connection before reaches it first. */
  join(listener: Listener, seat: Seat): void {
    if (seat.isListening) return
    seat.isListening = true
    const { flavour } = listener.wire.codec
    const topic = publicationTopic(flavour, seat.channel)
    this.frames.flush(topic) // A2
    listener.join(topic)
    if (flavour !== 'json') this.count(seat.channel, flavour, 1)
  }

  /** From here on nothing of the channel reaches it by a topic. */
  leave(listener: Listener, seat: Seat): void {
    const { flavour } = listener.wire.codec
    if (seat.features.pushesJoinLeave) listener.leave(joinLeaveTopic(flavour, seat.channel))
    if (!seat.isListening) return
    seat.isListening = false
    const topic = publicationTopic(flavour, seat.channel)
    this.frames.flush(topic) // A2
    listener.leave(topic)
    if (flavour !== 'json') this.count(seat.channel, flavour, -1)
  }

  /** From here on it is told who joins and leaves. */
  joinJoinLeave(listener: Listener, { channel }: Seat): void {
    listener.join(joinLeaveTopic(listener.wire.codec.flavour, channel))
  }

  deliver(channel: string, pub: Publication): void {
    this.delivered += 1
    const others = this.others.get(channel)
    if (pub.isBinary === true) this.refuseBinary(channel)
    else if (this.hasJson(channel, others)) this.say(channel, 'json', pub)
    if (others === undefined) return
    for (const flavour of others.keys())
      if (pub.isBinary !== true || codecOf(flavour).encoding !== 'json') this.say(channel, flavour, pub)
  }

  /** A join or a leave, to those who want to know. */
  announce(channel: string, push: Extract<Push, { join: unknown } | { leave: unknown }>): void {
    for (const flavour of flavours) {
      const isSpoken = flavour === 'json' || this.others.get(channel)?.has(flavour) === true
      if (isSpoken)
        this.frames.add(joinLeaveTopic(flavour, channel), codecOf(flavour).push(push), codecOf(flavour))
    }
  }

  private say(channel: string, flavour: Flavour, pub: Publication): void {
    const codec = codecOf(flavour)
    this.frames.add(publicationTopic(flavour, channel), codec.push({ channel, pub }), codec)
  }

  /** Those who are only on their way in count too: a frame too many now and then. */
  private hasJson(channel: string, others: ReadonlyMap<Flavour, number> | undefined): boolean {
    if (others === undefined) return true
    let count = 0
    for (const one of others.values()) count += one
    return this.seats.subscriberCount(channel) > count
  }

  /** A4. */
  private refuseBinary(channel: string): void {
    for (const [listener, { isListening }] of this.seats.subscribers(channel))
      if (isListening && listener.wire.codec.encoding === 'json')
        listener.disconnect(Disconnects.inappropriateProtocol)
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
