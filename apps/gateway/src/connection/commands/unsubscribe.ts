import type { Connection } from '../connection.js'
import { endSubscription } from '../end-subscription.js'
import { askedToLeave } from '../facts.js'
import type { Services } from '../services.js'
import { lastTurn } from '../turns.js'

/**
 * `unsubscribe` [9]: idempotent. After its reply nothing of the channel follows; one that is still being subscribed is waited
 * for, and a subscribe that comes meanwhile waits for this, so that the replies come in the order of the commands.
 */
export async function unsubscribeCommand(
  services: Services,
  connection: Connection,
  id: number,
  channel: string,
): Promise<void> {
  const last = lastTurn(services.hub.subscription(connection, channel))
  if (last !== undefined) {
    last.isLeaving = true
    if (last.isJoining) await last.settled
    const subscription = services.hub.subscription(connection, channel)
    if (subscription !== undefined) endSubscription(services, connection, subscription, askedToLeave)
  }
  connection.reply({ id, unsubscribe: {} })
}
