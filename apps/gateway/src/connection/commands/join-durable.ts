import type { Features } from '@natter/auth'
import { Errors, Unsubscribes, type SubscribeRequest, type SubscribeResult } from '@natter/protocol'
import { catchUp, type CatchUpReply, type CatchUpTarget } from '@natter/recovery'
import type { DurableChannel } from '../../channels/durable-channel.js'
import type { NodeMessage } from '../../channels/node-message.js'
import { publicationTopic } from '../../channels/topics.js'
import { CommandError } from '../command-error.js'
import type { Connection } from '../connection.js'
import { endSubscription } from '../end-subscription.js'
import type { Services } from '../services.js'
import type { Subscription } from '../subscription.js'

/** Bit of the request's `flag`: rather an error than a subscription that could not recover. [7.1] */
const rejectUnrecovered = 2

/** The way into a durable channel: replies, and joins the topic in the same turn. */
export async function joinDurable(
  services: Services,
  connection: Connection,
  subscription: Subscription,
  channel: DurableChannel,
  id: number,
  request: SubscribeRequest,
  features: Features,
): Promise<void> {
  const from = startOf(channel, request, features)
  const target = new JoiningClient(services, connection, subscription, channel, id, request, features)
  const catchUpRequest = services.catchUps.request(subscription.namespace, from === 'lost' ? undefined : from)
  const end = await services.catchUps.run(() => catchUp(channel, target, catchUpRequest), catchUpRequest)
  if (target.refusal !== undefined) throw target.refusal
  if (end !== 'hole' || !subscription.isWanted) return
  endSubscription(services, connection, subscription)
  connection.push({ channel: subscription.channel, unsubscribe: Unsubscribes.insufficientState })
}

/** Undefined = no recovery asked or allowed; `lost` = asked, but in another numbering. */
function startOf(
  channel: DurableChannel,
  request: SubscribeRequest,
  features: Features,
): number | 'lost' | undefined {
  if (request.recover !== true || !features.recoverable) return undefined
  const isThisEpoch = (request.epoch ?? '') === '' || request.epoch === channel.epoch
  return isThisEpoch ? (request.offset ?? 0) : 'lost'
}

class JoiningClient implements CatchUpTarget<NodeMessage> {
  refusal: CommandError | undefined
  private readonly epoch: string

  constructor(
    private readonly services: Services,
    private readonly connection: Connection,
    private readonly subscription: Subscription,
    private readonly channel: DurableChannel,
    private readonly id: number,
    private readonly request: SubscribeRequest,
    private readonly features: Features,
  ) {
    this.epoch = channel.epoch
  }

  isWanted(): boolean {
    return this.subscription.isWanted && this.refusal === undefined && this.connection.socket.isOpen
  }

  reply(outcome: CatchUpReply<NodeMessage>): void {
    if (this.epoch !== this.channel.epoch) {
      this.refusal = new CommandError(Errors.internal) // what was read belongs to no position of the new numbering
      return
    }
    const isRecovered = outcome.recovered === true
    const wasAsked = this.request.recover === true && this.features.recoverable
    if (wasAsked && !isRecovered && ((this.request.flag ?? 0) & rejectUnrecovered) !== 0) {
      this.refusal = new CommandError(Errors.unrecoverablePosition)
      return
    }
    this.subscription.state = 'replied'
    this.connection.reply({ id: this.id, subscribe: this.result(outcome, isRecovered) })
    this.services.events.emit('subscription:join', {
      channel: this.subscription.channel,
      recovered: wasAsked ? (isRecovered ? 'yes' : 'no') : 'fresh',
      messages: isRecovered ? outcome.messages.length : 0,
    })
  }

  async page(messages: readonly NodeMessage[]): Promise<void> {
    const { connection, subscription } = this
    for (const { publication } of messages) {
      if (connection.push({ channel: subscription.channel, pub: publication }) === 'dropped') return
    }
    await this.services.catchUps.drained(connection)
  }

  join(): void {
    if (this.refusal === undefined) this.connection.socket.join(publicationTopic(this.subscription.channel))
  }

  private result(outcome: CatchUpReply<NodeMessage>, isRecovered: boolean): SubscribeResult {
    const { features, request } = this
    const result: SubscribeResult = {}
    if (request.recover === true) result.was_recovering = true
    if (features.recoverable) result.recoverable = true
    if (features.positioned) {
      result.positioned = true
      result.epoch = this.channel.epoch
      result.offset = isRecovered ? outcome.offset : this.channel.last
    }
    if (isRecovered) {
      result.recovered = true
      result.publications = outcome.messages.map((message) => message.publication)
    }
    return result
  }
}
