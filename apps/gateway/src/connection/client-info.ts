import type { ClientInfo } from '@natter/protocol'
import type { Connection } from './connection.js'

/** What others are told of a connected client. */
export function clientInfoOf(connection: Connection): ClientInfo {
  const { user, id: client } = connection
  const connInfo = connection.identity?.connInfo
  return connInfo === undefined ? { user, client } : { user, client, connInfo } // a field added later takes more memory
}
