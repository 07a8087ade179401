/** Publications on their way to one connection, beside those that its topics bring. */
import { Disconnects, type Publication } from '@natter/protocol'
import type { NodeMessage } from '../channels/node-message.js'
import type { Connection } from './connection.js'
import { shownTo } from './shown.js'
import type { Subscription } from './subscription.js'

/** Sends them in order, as ordinary publications. False: the connection has gone, or had to go. */
export function sendPage(
  connection: Connection,
  subscription: Subscription,
  messages: readonly NodeMessage[],
): boolean {
  for (const { publication } of messages) {
    const shown = shownTo(connection, subscription, [publication])
    if (!connection.socket.isOpen || !canBeShown(connection, shown)) return false
    for (const pub of shown) connection.push({ channel: subscription.channel, pub })
  }
  connection.flush() // who waits for the socket to drain wants to wait for these
  return connection.socket.isOpen
}

/** [6.3] JSON can't say bytes that are no JSON: a connection that speaks it and would have to be shown some is closed with 3506. */
export function canBeShown(connection: Connection, publications: readonly Publication[] = []): boolean {
  if (connection.wire.codec.encoding !== 'json') return true
  if (!publications.some(({ isBinary }) => isBinary === true)) return true
  connection.disconnect(Disconnects.inappropriateProtocol)
  return false
}
