import type { SubscribeRequest } from '@natter/protocol'
import type { DurableChannel } from '../../channels/durable-channel.js'
import type { Connection } from '../connection.js'
import type { Subscription } from '../subscription.js'

/** A subscribe to a durable channel that passed its checks and is on its way in. */
export interface Joining {
  /** Of the command. */
  readonly id: number
  readonly request: SubscribeRequest
  readonly connection: Connection
  readonly subscription: Subscription
  readonly channel: DurableChannel
}
