import { Disconnects } from '@natter/protocol'
import { appJson } from '../hooks/app-json.js'
import type { Connection } from './connection.js'
import { keepUntilExpiry, lifetime } from './handshake.js'
import type { Services } from './services.js'

export interface Refreshing {
  readonly isExpired: boolean
  /** Milliseconds since 1970; absent = never. */
  readonly expiresAtMs?: number
  /** Absent: as before. */
  readonly infoJson?: string
}

/**
 * The server says anew when a connection ends; its client is told, and refreshes its token by then. One that has expired is closed with 3005.
 * False: it isn't connected.
 */
export function serverRefresh(
  services: Services,
  connection: Connection,
  { isExpired, expiresAtMs, infoJson }: Refreshing,
): boolean {
  const { identity: before } = connection
  if (before === undefined) return false
  if (isExpired || (expiresAtMs !== undefined && expiresAtMs <= services.clock.now())) {
    connection.disconnect(Disconnects.connectionExpired)
    return true
  }
  const connInfo = appJson(infoJson, 'infoJson') ?? before.connInfo
  const identity = { ...before, expiresAtMs, ...(connInfo === undefined ? {} : { connInfo }) }
  keepUntilExpiry(services, connection, identity)
  connection.push({ refresh: lifetime(services, identity) })
  return true
}
