import type { ClientInfo } from '@natter/protocol'
import type { Connection } from './connection.js'

/** What others are told of a connected client. */
export function clientInfoOf(connection: Connection): ClientInfo {
  const info: ClientInfo = { user: connection.user, client: connection.id }
  const connInfo = connection.identity?.connInfo
  if (connInfo !== undefined) info.connInfo = connInfo
  return info
}
