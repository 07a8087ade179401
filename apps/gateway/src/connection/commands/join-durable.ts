import { Errors, Unsubscribes, type SubscribeResult } from '@natter/protocol'
import { catchUp, type CatchUpReply, type CatchUpTarget } from '@natter/recovery'
import type { NodeMessage } from '../../channels/node-message.js'
import { CommandError } from '../command-error.js'
import { endSubscription } from '../end-subscription.js'
import { canBeShown, sendPage } from '../publications.js'
import { planRecovery, recoveredResult, requestOf, wasRecovering, type Recovery } from '../recovery.js'
import type { Services } from '../services.js'
import { lifetimeOf } from '../subscription-end.js'
import type { Joining } from './joining.js'

/** Bit of the request's `flag`: rather an error than a subscription that could not recover. [7.1] */
const rejectUnrecovered = 2

/** The way into a durable channel: replies, and joins the topic in the same turn. */
export async function joinDurable(services: Services, joining: Joining): Promise<void> {
  const { connection, subscription, channel } = joining
  const { epoch } = channel
  const recovery = await planRecovery(channel, subscription, joining.request)
  const target = new JoiningClient(services, joining, epoch, recovery)
  const end = await catchUp(channel, target, requestOf(services.catchUps, subscription, recovery))
  if (target.refusal !== undefined) throw target.refusal
  if (end !== 'hole' || !subscription.isWanted) return
  endSubscription(services, connection, subscription, Unsubscribes.insufficientState)
  connection.push({ channel: subscription.channel, unsubscribe: Unsubscribes.insufficientState })
}

class JoiningClient implements CatchUpTarget<NodeMessage> {
  refusal: CommandError | undefined

  constructor(
    private readonly services: Services,
    private readonly joining: Joining,
    /** Of the numbering in which it was planned what to recover. */
    private readonly epoch: string,
    private readonly recovery: Recovery,
  ) {}

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
      recovered: this.recovery.kind === 'none' ? 'fresh' : isRecovered ? 'yes' : 'no',
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
    const { connection, channel, request, subscription } = this.joining
    const result: SubscribeResult = lifetimeOf(this.services, subscription)
    if (subscription.terms?.data !== undefined) result.data = subscription.terms.data
    if (wasRecovering(subscription, request)) result.was_recovering = true
    if (subscription.choice?.kind === 'delta') result.delta = true
    if (subscription.features.recoverable) result.recoverable = true
    if (subscription.features.positioned) {
      result.positioned = true
      result.epoch = channel.epoch
      result.offset = channel.last
    }
    if (isRecovered) Object.assign(result, recoveredResult(connection, subscription, this.recovery, outcome))
    return result
  }
}
