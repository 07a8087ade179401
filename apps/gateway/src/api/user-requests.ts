import type { ApiRequest } from '@natter/hooks'
import { serverSubscribe, serverUnsubscribe } from '../connection/server-subscribe.js'
import type { Connection } from '../connection/connection.js'
import type { Services } from '../connection/services.js'
import { demand, demandChannel, isText, isWhole } from './checks.js'

/** Those that concern a user's connections, wherever they are. */
export type UserRequest = Extract<ApiRequest, { kind: 'subscribe' | 'unsubscribe' | 'disconnect' }>

/** A WebSocket takes no longer reason. */
const maxReasonBytes = 123

/** @throws RefusedError 102, 107. */
export function checkUserRequest(services: Pick<Services, 'namespace'>, request: UserRequest): void {
  const { user, client } = request
  demand(isText(user) && (client === undefined || isText(client)), 'A user is a text, and so is a client')
  demand(user !== '' || client !== undefined, 'Anonymous clients have no user in common: name the client')
  if (request.kind === 'subscribe') {
    demand(typeof request.options === 'object' && request.options !== null, 'A subscription needs options')
    demandChannel((name) => services.namespace(name), 'publish', request.channel)
    return
  }
  const { kind, code, reason } = request
  const [from, to] = kind === 'disconnect' ? [3000, 4999] : [2000, 2999]
  demand(isWhole(code, from, to), `The code of ${kind} is from ${from} to ${to}`)
  demand(
    isText(reason) && Buffer.byteLength(reason) <= maxReasonBytes,
    `A reason has at most ${maxReasonBytes} bytes`,
  )
}

/**
 * Does it to the connections that are on this node; answers how many that were. All are tried, also after one that failed.
 *
 * @throws what the first that failed threw.
 */
export async function serveHere(services: Services, request: UserRequest): Promise<number> {
  const done = await Promise.allSettled(
    connectionsOf(services, request).map((connection) => serveOne(services, connection, request)),
  )
  const failed = done.find((one) => one.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return done.filter((one) => one.status === 'fulfilled' && one.value).length
}

function connectionsOf({ hub }: Services, { user, client }: UserRequest): Connection[] {
  if (client === undefined) return hub.connectionsOf(user)
  const connection = hub.connection(client)
  return connection?.user === user ? [connection] : []
}

/** Whether it is now as it shall be, and was another's business. */
async function serveOne(services: Services, connection: Connection, request: UserRequest): Promise<boolean> {
  switch (request.kind) {
    case 'subscribe':
      return (await serverSubscribe(services, connection, request.channel, request.options)) !== 'left'
    case 'unsubscribe':
      return serverUnsubscribe(services, connection, request.channel, request)
    case 'disconnect':
      connection.disconnect(request)
      return true
  }
}
