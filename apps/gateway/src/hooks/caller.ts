import type { Caller } from '@natter/hooks'
import type { Connection, Identity } from '../connection/connection.js'

const noHeaders = Object.freeze({})
const decoder = new TextDecoder()

/** What an app is told about the connection. Before it said who it is, its user is ''. */
export function callerOf(
  connection: Connection,
  node: string,
  identity: Identity | undefined = connection.identity,
): Caller {
  const caller: Caller = {
    client: connection.id,
    user: identity?.user ?? connection.user,
    node,
    headers: connection.headers ?? noHeaders,
    ip: connection.address,
  }
  if (identity?.connInfo !== undefined) caller.infoJson = decoder.decode(identity.connInfo)
  const metaJson = identity?.app?.metaJson ?? identity?.metaJson
  if (metaJson !== undefined) caller.metaJson = metaJson
  return caller
}
