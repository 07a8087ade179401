import { acceptsData, mayPublish } from '@natter/auth'
import { Errors, type Bytes } from '@natter/protocol'
import { clientInfoOf } from '../client-info.js'
import { CommandError } from '../command-error.js'
import type { Connection } from '../connection.js'
import type { Services } from '../services.js'
import { demand, questionOf } from './question.js'

/** `publish` [9]: answered after the log stored it (durable) or after it was sent (ephemeral). */
export async function publishCommand(
  services: Services,
  connection: Connection,
  id: number,
  request: { channel: string; data?: Bytes },
): Promise<void> {
  const { channel, data } = request
  const subscription = services.hub.subscription(connection, channel)
  if (subscription?.isJoining === true) await subscription.settled // D1 of dispatch
  if (!connection.isConnected) return // it went away meanwhile, and its identity with it
  const namespace = demand(mayPublish, questionOf(services, connection, channel))
  if (data === undefined || !acceptsData(namespace, data)) throw new CommandError(Errors.badRequest)
  await services.publisher.publish(channel, namespace, data, clientInfoOf(connection))
  connection.replyInTurn({ id, publish: {} })
}
