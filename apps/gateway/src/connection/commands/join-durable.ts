import { Errors, Unsubscribes, type SubscribeResult } from '@natter/protocol'
import { catchUp, type CatchUpReply, type CatchUpTarget } from '@natter/recovery'
import type { NodeMessage } from '../../channels/node-message.js'
import { CommandError } from '../command-error.js'
import { endSubscription } from '../end-subscription.js'
import { canBeShown, sendPage } from '../publications.js'
import type { Services } from '../services.js'
import type { Joining } from './joining.js'

/** Bit of the request's `flag`: rather an error than a subscription that could not recover. [7.1] */
const rejectUnrecovered = 2

/** The way into a durable channel: replies, and joins the topic in the same turn. */
export async function joinDurable(services: Services, joining: Joining): Promise<void> {
  const { connection, subscription, channel } = joining
  const from = startOf(joining)
  const target = new JoiningClient(services, joining)
  const request = services.catchUps.request(subscription.namespace, from === 'lost' ? undefined : from)
  const end = await catchUp(channel, target, request)
  if (target.refusal !== undefined) throw target.refusal
  if (end !== 'hole' || !subscription.isWanted) return
  endSubscription(services, connection, subscription, Unsubscribes.insufficientState)
  connection.push({ channel: subscription.channel, unsubscribe: Unsubscribes.insufficientState })
}

/** Undefined = no recovery asked or allowed; `lost` = asked, but in another numbering. */
function startOf({ channel, request, subscription }: Joining): number | 'lost' | undefined {
  if (request.recover !== true || !subscription.features.recoverable) return undefined
  const isThisEpoch = (request.epoch ?? '') === '' || request.epoch === channel.epoch
  return isThisEpoch ? (request.offset ?? 0) : 'lost'
}

class JoiningClient implements CatchUpTarget<NodeMessage> {
  refusal: CommandError | undefined
  private readonly epoch: string

  constructor(
    private readonly services: Services,
    private readonly joining: Joining,
  ) {
    this.epoch = joining.channel.epoch
  }

  isWanted(): boolean {
    const { connection, subscription } = this.joining
    return subscription.isWanted && this.refusal === undefined && connection.socket.isOpen
  }

  reply(outcome: CatchUpReply<NodeMessage>): void {
    const { connection, subscription, channel, id, request } = this.joining
    if (this.epoch !== channel.epoch) {
      this.refusal = new CommandError(Errors.internal) // what was read belongs to no position of the new numbering
      return
    }
    const isRecovered = outcome.recovered === true
    const wasAsked = request.recover === true && subscription.features.recoverable
    if (wasAsked && !isRecovered && ((request.flag ?? 0) & rejectUnrecovered) !== 0) {
      this.refusal = new CommandError(Errors.unrecoverablePosition)
      return
    }
    const result = this.result(outcome, isRecovered)
    if (!canBeShown(connection, result.publications)) return
    subscription.replied()
    connection.reply({ id, subscribe: result })
    this.services.events.emit('subscription:reply', {
      channel: subscription.channel,
      recovered: wasAsked ? (isRecovered ? 'yes' : 'no') : 'fresh',
      messages: isRecovered ? outcome.messages.length : 0,
    })
  }

  async page(messages: readonly NodeMessage[]): Promise<void> {
    const { connection, subscription } = this.joining
    if (!sendPage(connection, subscription, messages)) return
    await this.services.catchUps.drained(connection)
  }

  join(): void {
    const { connection, subscription } = this.joining
    if (this.refusal === undefined) this.services.audience.join(connection, subscription)
  }

  private result(outcome: CatchUpReply<NodeMessage>, isRecovered: boolean): SubscribeResult {
    const { channel, request, subscription } = this.joining
    const result: SubscribeResult = {}
    if (subscription.terms?.data !== undefined) result.data = subscription.terms.data
    if (request.recover === true) result.was_recovering = true
    if (subscription.features.recoverable) result.recoverable = true
    if (subscription.features.positioned) {
      result.positioned = true
      result.epoch = channel.epoch
      result.offset = isRecovered ? outcome.offset : channel.last
    }
    if (isRecovered) {
      result.recovered = true
      result.publications = outcome.messages.map((message) => message.publication)
    }
    return result
  }
}
