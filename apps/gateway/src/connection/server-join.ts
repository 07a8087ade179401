/**
 * How a subscription that begins with its connection gets into its channel. All of a connection's go into one reply, and each channel
 * stands elsewhere when that reply is written; so each takes two steps.
 *
 * V1. `prepare` finds what the client missed up to a position P, without joining; the reply says it. `follow` starts from P: it pushes
 *     what came meanwhile and joins in the very turn in which nothing is missing any more. Both are the catch-up of `libs/recovery`,
 *     so each publication comes once, in order.
 * V2. What can't be followed without a hole any more ends the connection with 3010: it comes back, and recovers by position.
 * V3. A channel that keeps nothing joins in the turn of the reply, after it.
 * V4. The publications in one reply are bounded (`ReplyBudget`), however many channels: the rest is pushed, page by page.
 */
import { Gate, UnavailableError } from '@natter/primitives'
import { Disconnects, type SubscribeResult } from '@natter/protocol'
import { catchUp, type CatchUpReply, type CatchUpTarget } from '@natter/recovery'
import type { NodeChannel } from '../channels/channels.js'
import type { DurableChannel } from '../channels/durable-channel.js'
import type { NodeMessage } from '../channels/node-message.js'
import type { Connection } from './connection.js'
import { sendPage } from './publications.js'
import {
  planRecovery,
  recoveredResult,
  requestOf,
  wasRecovering,
  type Asked,
  type Recovery,
} from './recovery.js'
import type { Services } from './services.js'
import type { Subscription } from './subscription.js'
import { enter } from './subscription-terms.js'

/** What recovered publications may weigh together in the reply to one connect. */
export class ReplyBudget {
  private leftBytes = 262_144

  /** As many of the first as still fit. */
  take(messages: readonly NodeMessage[]): readonly NodeMessage[] {
    let count = 0
    for (const { bytes } of messages) {
      if (bytes > this.leftBytes) break
      this.leftBytes -= bytes
      count += 1
    }
    return count === messages.length ? messages : messages.slice(0, count)
  }
}

export class ServerJoin {
  private result: SubscribeResult | undefined
  private position = 0
  private epoch = ''
  /** The reply says all that was found. */
  private isWhole = false

  constructor(
    private readonly services: Services,
    private readonly connection: Connection,
    readonly subscription: Subscription,
    private readonly channel: NodeChannel,
    private readonly asked: Asked,
  ) {}

  /** What the connect reply says of it; undefined when it ended meanwhile. */
  get reply(): SubscribeResult | undefined {
    return this.subscription.isWanted ? this.result : undefined
  }

  /** Nothing is known yet, or the position is of a numbering that is gone. */
  get needsPreparing(): boolean {
    const { channel, subscription, connection, result } = this
    if (!subscription.isWanted || !connection.socket.isOpen) return false
    return result === undefined || (channel.isDurable && this.epoch !== channel.epoch)
  }

  get isDurable(): boolean {
    return this.channel.isDurable
  }

  whenLive(): Promise<void> {
    return this.channel.whenLive()
  }

  /** @throws UnavailableError when the channel can't be read now. */
  async prepare(budget: ReplyBudget): Promise<void> {
    if (this.channel.isDurable) return this.prepareDurable(this.channel, budget)
    await this.channel.whenLive()
    this.result = this.describe({})
  }

  /** Called after the reply, in its turn where the channel keeps nothing. Never rejects. */
  async follow(): Promise<void> {
    const { connection, subscription, channel } = this
    if (!subscription.isWanted) return
    if (!channel.isDurable) {
      this.services.audience.join(connection, subscription) // V3
      return enter(this.services, connection, subscription)
    }
    const hasJoined = await this.followDurable(channel).catch(() => false)
    if (!subscription.isWanted || !connection.socket.isOpen) return
    if (hasJoined) enter(this.services, connection, subscription)
    else connection.disconnect(Disconnects.insufficientState) // V2
  }

  private async prepareDurable(channel: DurableChannel, budget: ReplyBudget): Promise<void> {
    const { services, subscription, connection } = this
    const { epoch } = channel
    const recovery = await planRecovery(channel, subscription, this.asked)
    let hasReplied = false
    const probe: CatchUpTarget<NodeMessage> = {
      isWanted: () => !hasReplied && subscription.isWanted && connection.socket.isOpen,
      reply: (outcome) => {
        hasReplied = true
        this.prepared(channel, { epoch, recovery, outcome }, budget)
      },
      page: () => Promise.resolve(),
      join: () => {
        if (this.isWhole) this.position = channel.last // proved up to here; not joined yet (V1)
      },
    }
    const request = requestOf(services.catchUps, subscription, recovery)
    await catchUp(channel, probe, request).catch((error: unknown) => {
      if (!hasReplied || !(error instanceof UnavailableError)) throw error // what follows the reply is `follow`'s
    })
  }

  private prepared(
    channel: DurableChannel,
    { epoch, recovery, outcome }: { epoch: string; recovery: Recovery; outcome: CatchUpReply<NodeMessage> },
    budget: ReplyBudget,
  ): void {
    const { connection, subscription } = this
    const { features } = subscription
    const isRecovered = outcome.recovered === true
    const messages = isRecovered ? budget.take(outcome.messages) : [] // V4
    this.isWhole = !isRecovered || messages.length === outcome.messages.length
    this.position = isRecovered ? (messages.at(-1)?.seq ?? outcome.offset) : channel.last
    this.epoch = epoch // another one by now: it is prepared again
    this.result = this.describe({
      ...(features.recoverable ? { recoverable: true } : {}),
      ...(features.positioned ? { positioned: true, epoch, offset: channel.last } : {}),
      ...(isRecovered
        ? recoveredResult(connection, subscription, recovery, { messages, offset: outcome.offset })
        : {}),
    })
    this.services.events.emit('subscription:reply', {
      channel: this.subscription.channel,
      recovered: recovery.kind === 'none' ? 'fresh' : isRecovered ? 'yes' : 'no',
      messages: messages.length,
    })
  }

  private describe(result: SubscribeResult): SubscribeResult {
    if (wasRecovering(this.subscription, this.asked)) result.was_recovering = true
    const data = this.subscription.terms?.data
    if (data !== undefined) result.data = data
    return result
  }

  /** False: there is a hole between P and where the channel is now, or nobody can tell. */
  private async followDurable(channel: DurableChannel): Promise<boolean> {
    const { services, connection, subscription } = this
    let isUnbroken = true
    const target: CatchUpTarget<NodeMessage> = {
      isWanted: () => isUnbroken && subscription.isWanted && connection.socket.isOpen,
      reply: ({ recovered, messages }) => {
        isUnbroken = recovered === true && channel.epoch === this.epoch
        if (isUnbroken) sendPage(connection, subscription, messages)
      },
      page: (messages) => {
        sendPage(connection, subscription, messages)
        return services.catchUps.drained(connection)
      },
      join: () => {
        if (isUnbroken) services.audience.join(connection, subscription)
      },
    }
    const { page } = services.catchUps.request(subscription.namespace, this.position)
    await services.catchUps.drained(connection) // V4: the channels before it may have written much
    const end = await catchUp(channel, target, { from: this.position, page })
    return isUnbroken && end === 'joined'
  }
}

/** Reads of one connection that run at once: what they bring is held until the reply. */
const preparing = 8
/** Catch-ups of one connection after the reply: each may have a page waiting in the socket. */
const following = 4

/** Resolves when each knows what to say, of the numbering that is there at that moment, or has ended. */
export async function prepareAll(joins: readonly ServerJoin[]): Promise<void> {
  await Promise.all(joins.map((join) => join.whenLive()))
  const budget = new ReplyBudget()
  const gate = new Gate(preparing)
  for (let left = joins; left.length > 0; left = joins.filter(({ needsPreparing }) => needsPreparing)) {
    await Promise.all(left.map((join) => gate.run(() => join.prepare(budget))))
  }
}

/** Called in the turn of the reply, after it. */
export function followAll(joins: readonly ServerJoin[]): void {
  const gate = new Gate(following)
  for (const { subscription } of joins) subscription.replied()
  for (const join of joins) {
    if (join.isDurable) void gate.run(() => join.follow())
    else void join.follow() // V3
  }
}
