import type { SubscriptionOverride } from '@natter/auth'
import type { ApiRequest } from '@natter/hooks'
import { bytesFor } from '../hooks/app-json.js'
import type { SubscriptionGift } from '../hooks/hooks.js'
import { serverRefresh, type Refreshing } from '../connection/server-refresh.js'
import { serverSubscribe, serverUnsubscribe } from '../connection/server-subscribe.js'
import type { Connection } from '../connection/connection.js'
import type { Services } from '../connection/services.js'
import { demand, demandChannel, isText, isWhole, type ChannelRules } from './checks.js'

/** Which of a user's connections; absent = all. */
export interface Narrowing {
  client?: string
  /** What is kept of its session: `sessionKeyOf`. */
  sessionKey?: string
  /** Ids of connections that stay as they are. */
  except?: readonly string[]
}

/** Those that concern a user's connections, wherever they are: what apps ask, and what the HTTP API asks beyond that. */
export type UserRequest = Narrowing &
  (
    | (Extract<ApiRequest, { kind: 'subscribe' }> & { dataBase64?: string; override?: SubscriptionOverride })
    | Extract<ApiRequest, { kind: 'unsubscribe' | 'disconnect' }>
    | ({ kind: 'refresh'; user: string } & Refreshing)
  )

/** A WebSocket takes no longer reason. */
const maxReasonBytes = 123

/** @throws RefusedError 102, 107. */
export function checkUserRequest(rules: ChannelRules, request: UserRequest): void {
  const { user, client } = request
  demand(isText(user) && (client === undefined || isText(client)), 'A user is a text, and so is a client')
  demand(user !== '' || client !== undefined, 'Anonymous clients have no user in common: name the client')
  if (request.kind === 'subscribe') {
    demand(typeof request.options === 'object' && request.options !== null, 'A subscription needs options')
    demandChannel(rules, 'publish', request.channel)
    return
  }
  if (request.kind === 'refresh') return
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

function connectionsOf(
  { hub }: Services,
  { user, client, sessionKey, except = [] }: UserRequest,
): Connection[] {
  const found = client === undefined ? hub.connectionsOf(user) : [hub.connection(client)]
  return found.filter((one): one is Connection => {
    if (one?.user !== user || except.includes(one.id)) return false
    return sessionKey === undefined || one.sessionKey === sessionKey
  })
}

/** Whether it is now as it shall be, and was another's business. */
async function serveOne(services: Services, connection: Connection, request: UserRequest): Promise<boolean> {
  switch (request.kind) {
    case 'subscribe':
      return (
        (await serverSubscribe(services, connection, request.channel, giftOf(connection, request))) !== 'left'
      )
    case 'unsubscribe':
      return serverUnsubscribe(services, connection, request.channel, request)
    case 'disconnect':
      connection.disconnect(request)
      return true
    case 'refresh':
      return serverRefresh(services, connection, request)
  }
}

/** @throws BrokenAnswerError where the client can't be told the data. */
function giftOf(
  { wire }: Connection,
  { options, dataBase64, override }: Extract<UserRequest, { kind: 'subscribe' }>,
): SubscriptionGift {
  const data = dataBase64 === undefined ? undefined : bytesFor(wire.codec, Buffer.from(dataBase64, 'base64'))
  return {
    ...options,
    ...(data === undefined ? {} : { data }),
    ...(override === undefined ? {} : { override }),
  }
}
