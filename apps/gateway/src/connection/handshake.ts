import type { ClaimedSubscription, ConnectionClaims, TokenVerdict } from '@natter/auth'
import {
  Disconnects,
  Errors,
  type ConnectRequest,
  type ConnectResult,
  type DisconnectCode,
  type ErrorCode,
} from '@natter/protocol'
import { appJson } from '../hooks/app-json.js'
import { callerOf } from '../hooks/caller.js'
import { mergeHeaders } from '../hooks/handshake-headers.js'
import { demandGood, judge as judgeRevoked, subjectOf } from '../revocation/enforcement.js'
import type { Decisions } from '../hooks/hooks.js'
import { identityByApp, keepByApp } from './app-identity.js'
import { inTime } from './command-deadline.js'
import { CommandError } from './command-error.js'
import { beginSubscriptions } from './connect-subscriptions.js'
import type { Connection, Identity } from './connection.js'
import { endSubscription } from './end-subscription.js'
import { endUncovered } from './end-uncovered.js'
import { connectionClosed } from './facts.js'
import { ttlOf } from './lifetime.js'
import { disconnectOf } from './one-way-errors.js'
import { canBeShown } from './publications.js'
import { followAll, prepareAll, ServerJoin } from './server-join.js'
import { appNameOf } from './app-name.js'
import type { Services } from './services.js'
import { demandReadable } from './subscription-terms.js'

/** What an app said beside who it is. */
type Gift = Pick<Decisions['connect'], 'subscriptions' | 'dataJson' | 'data'>

/** The subscriptions that a token begins the connection with. */
type Claimed = ReadonlyMap<string, ClaimedSubscription> | undefined

type Verdict =
  | { outcome: 'known'; identity: Identity; gift?: Gift; claimed?: Claimed }
  | { outcome: 'error'; error: ErrorCode }
  | { outcome: 'close'; disconnect: DisconnectCode }

/** The first command: who is this? [4] */
export async function connect(
  services: Services,
  connection: Connection,
  id: number,
  request: ConnectRequest,
): Promise<void> {
  const { hookHeaders } = services.options.client
  connection.app = appNameOf(request)
  connection.headers = mergeHeaders(hookHeaders, connection.headers, request.headers)
  try {
    await inTime(services.clock, () => letIn(services, connection, id, request))
  } catch (error) {
    refuse(services, connection)
    throw error
  }
}

async function letIn(
  services: Services,
  connection: Connection,
  id: number,
  request: ConnectRequest,
): Promise<void> {
  const verdict = await identify(services, connection, request)
  if (connection.kind !== 'connecting') return
  switch (verdict.outcome) {
    case 'close':
      return connection.disconnect(verdict.disconnect)
    case 'error':
      if (connection.wire.isUnidirectional) return connection.disconnect(disconnectOf(verdict.error))
      connection.refused()
      return connection.reply({ id, error: verdict.error })
    case 'known': {
      const { identity, gift = {}, claimed } = verdict
      await demandLetIn(services, connection, identity)
      if (connection.kind !== 'connecting') return
      const joins = begin(services, connection, { identity, gift, claimed, asked: request.subs })
      const written = writeDown(services, connection, identity, joins)
      if (written.length > 0) await Promise.all(written)
      if (joins.length > 0) await prepareAll(joins)
      const { revocations } = services
      for (let wait = revocations.untilRead(); wait !== undefined; wait = revocations.untilRead()) await wait
      if (connection.kind !== 'connecting') return
      demandGood(services, subjectOf(identity), 'connect') // again, in the turn in which it comes in (RN4)
      return welcome(services, connection, { id, identity, gift, joins, name: request.name ?? '' })
    }
  }
}

/**
 * That nothing is known against it, when all is known.
 *
 * @throws CommandDisconnect 3507, CommandError 109.
 */
async function demandLetIn(services: Services, connection: Connection, identity: Identity): Promise<void> {
  await services.revocations.untilRead()
  if (connection.kind === 'connecting') demandGood(services, subjectOf(identity), 'connect')
}

/** Before the client is told that it is in, where apps want to hear that it has gone. */
function writeDown(
  { facts }: Services,
  connection: Connection,
  identity: Identity,
  joins: readonly ServerJoin[],
): Promise<void>[] {
  const written = joins.map(({ subscription }) => facts.subscribing(connection, subscription, identity))
  return [facts.connecting(connection, identity), ...written].filter((one) => one !== undefined)
}

interface Beginning {
  identity: Identity
  gift: Gift
  claimed: Claimed
  asked: ConnectRequest['subs']
}

/** From here on whoever looks for the user finds the connection, and whoever ends a subscription finds that. */
function begin(
  services: Services,
  connection: Connection,
  { identity, gift, claimed, asked }: Beginning,
): ServerJoin[] {
  const client = connection.id
  const given = gift.subscriptions
  const subscriptions = beginSubscriptions(services, { identity, client, given, claimed, asked })
  connection.identified(identity.user)
  services.hub.add(connection)
  for (const one of subscriptions) services.hub.subscribe(connection, one.channel, one)
  return subscriptions.map((subscription) => {
    const { channel, namespace } = subscription
    const open = services.channels.acquire(channel, namespace)
    return new ServerJoin(services, connection, subscription, open, asked?.[channel] ?? {})
  })
}

/** Nothing stays of a connect that failed but the socket, which has to go. */
function refuse(services: Services, connection: Connection): void {
  if (connection.kind !== 'connecting') return
  for (const channel of services.hub.channelsOf(connection)) {
    const subscription = services.hub.subscription(connection, channel)
    if (subscription !== undefined) endSubscription(services, connection, subscription, connectionClosed)
  }
  services.hub.remove(connection) // while it knows its user
  connection.refused()
}

/** `refresh`: a new token for the same user, before the old one ends. [9] */
export async function refresh(
  services: Services,
  connection: Connection,
  id: number,
  token: string,
): Promise<void> {
  // who an app let in, the app keeps in
  if (token === '' || connection.identity?.app !== undefined)
    return connection.disconnect(Disconnects.badRequest)
  const verdict = await judge(services, token)
  const { identity } = connection
  if (identity === undefined) return
  if (verdict.outcome === 'unavailable') throw new CommandError(Errors.internal)
  if (verdict.outcome === 'expired') return connection.disconnect(Disconnects.connectionExpired)
  if (verdict.outcome === 'invalid' || verdict.claims.user !== identity.user) {
    return connection.disconnect(Disconnects.invalidToken)
  }
  const renewed = identityOf(services, verdict.claims)
  services.revocations.demandRead() // the way may have been lost and found while the token was looked at
  const found = judgeRevoked(services, subjectOf(renewed), 'refresh')
  if (found === 'blocked') return connection.disconnect(Disconnects.permissionDenied)
  if (found !== 'good' || isPast(services, renewed))
    return connection.disconnect(Disconnects.connectionExpired)
  if (!isSame(identity.tokenChannels, renewed.tokenChannels))
    return connection.disconnect(Disconnects.insufficientState) // it comes back, and begins with the new ones
  keepUntilExpiry(services, connection, renewed)
  endUncovered(services, connection, identity.capabilities)
  connection.reply({
    id,
    refresh: { client: connection.id, version: services.options.version, ...lifetime(services, renewed) },
  })
}

/** A token where there are keys to believe it; else the app, where one answers for it; else nobody in particular. */
async function identify(
  services: Services,
  connection: Connection,
  request: ConnectRequest,
): Promise<Verdict> {
  const { hooks, verifier, options } = services
  const { token = '' } = request
  const isForApp = options.client.connectByApp || hooks.demandsConnection('connect')
  if (isForApp && (token === '' || !verifier.hasKeys)) return askApp(services, connection, request)
  if (token !== '') return believe(services, connection, token)
  const isOpen = options.client.allowAnonymous || options.client.insecure
  return isOpen
    ? { outcome: 'known', identity: { user: '', expiresAtMs: undefined } }
    : { outcome: 'close', disconnect: Disconnects.badRequest }
}

async function judge({ verifier, events }: Services, token: string): Promise<TokenVerdict> {
  const verdict = await verifier.verify(token)
  if (verdict.outcome === 'invalid')
    events.emit('token:invalid', { kind: 'connection', reason: verdict.reason })
  return verdict
}

async function believe(services: Services, connection: Connection, token: string): Promise<Verdict> {
  const verdict = await judge(services, token)
  switch (verdict.outcome) {
    case 'unavailable':
      return { outcome: 'error', error: Errors.internal }
    case 'expired':
      return { outcome: 'error', error: Errors.tokenExpired }
    case 'invalid':
      return { outcome: 'close', disconnect: Disconnects.invalidToken }
    case 'valid': {
      const { claims } = verdict
      if (claims.user === '' && services.options.client.disallowAnonymousTokens)
        return { outcome: 'close', disconnect: Disconnects.permissionDenied }
      for (const one of claims.subscriptions?.values() ?? []) demandReadable(connection, one)
      const found = known(services, identityOf(services, claims))
      return found.outcome === 'known' ? { ...found, claimed: claims.subscriptions } : found
    }
  }
}

async function askApp(
  services: Services,
  connection: Connection,
  { token, name, version, data, subs }: ConnectRequest,
): Promise<Verdict> {
  const channels = Object.keys(subs ?? {})
  const decision = await services.hooks.ask<'connect'>(
    {
      kind: 'connect',
      caller: callerOf(connection, services.options.name),
      ...(token === undefined ? {} : { token }),
      ...(name === undefined ? {} : { name }),
      ...(version === undefined ? {} : { version }),
      ...(channels.length === 0 ? {} : { channels }),
      ...(data === undefined ? {} : { data }),
    },
    connection,
  )
  return known(services, identityByApp(decision), decision)
}

function known(services: Services, identity: Identity, gift?: Gift): Verdict {
  if (isPast(services, identity)) return { outcome: 'error', error: Errors.expired }
  return gift === undefined ? { outcome: 'known', identity } : { outcome: 'known', identity, gift }
}

const isPast = ({ clock }: Services, { expiresAtMs }: Identity): boolean =>
  expiresAtMs !== undefined && expiresAtMs <= clock.now()

/** Nothing is kept that the token didn't say. Where everything is allowed, nobody ends either. */
function identityOf({ options }: Services, claims: ConnectionClaims): Identity {
  const { user, connInfo, tokenId, issuedAtMs, metaJson, subscriptions, capabilities } = claims
  const expiresAtMs = options.client.insecure ? undefined : claims.expiresAtMs
  return {
    user,
    expiresAtMs,
    ...(connInfo === undefined ? {} : { connInfo }),
    ...(tokenId === undefined ? {} : { tokenId }),
    ...(issuedAtMs === undefined ? {} : { issuedAtMs }),
    ...(metaJson === undefined ? {} : { metaJson }),
    ...(capabilities === undefined ? {} : { capabilities }),
    ...(subscriptions === undefined ? {} : { tokenChannels: [...subscriptions.keys()] }),
  }
}

/** The same channels, in whatever order. */
function isSame(before: readonly string[] = [], after: readonly string[] = []): boolean {
  return before.length === after.length && before.every((channel) => after.includes(channel))
}

interface Welcome {
  /** Of the command. */
  id: number
  identity: Identity
  gift: Gift
  joins: readonly ServerJoin[]
  /** What the client calls itself. */
  name: string
}

/** All in one turn: what the reply says of its channels holds when it is written. */
function welcome(
  services: Services,
  connection: Connection,
  { id, identity, gift, joins, name }: Welcome,
): void {
  const { options } = services
  const data = gift.data ?? appJson(gift.dataJson, 'dataJson')
  const replied = joins.filter(({ reply }) => reply !== undefined)
  if (!replied.every(({ reply }) => canBeShown(connection, reply?.publications))) return
  const waiting = connection.connected(identity)
  keepUntilExpiry(services, connection, identity)
  const result: ConnectResult = {
    client: connection.id,
    version: options.version,
    ...heartbeatOf(services, connection),
    ...lifetime(services, identity),
    ...sessionOf(services, connection),
  }
  if (data !== undefined) result.data = data
  if (replied.length > 0)
    result.subs = Object.fromEntries(
      replied.map(({ subscription, reply = {} }) => [subscription.channel, reply]),
    )
  connection.reply({ id, connect: result })
  followAll(replied)
  services.heartbeat.add(connection)
  services.limits.users.entered(connection)
  services.events.emit('connection:connect', {
    connectionId: connection.id,
    user: identity.user,
    client: name,
  })
  for (const command of waiting) services.dispatch(connection, command)
}

/** What it will hear of pings; a WebSocket that is pinged by frames has a library that knows. [5] */
function heartbeatOf({ options }: Services, { wire }: Connection): Pick<ConnectResult, 'ping' | 'pong'> {
  if (wire.hasFramePings) return {}
  const ping = Math.max(1, Math.round(options.client.pingIntervalMs / 1000))
  return wire.isUnidirectional ? { ping } : { ping, pong: true }
}

/** Under which its other requests find it. [15] */
function sessionOf(
  { emulation, options }: Services,
  connection: Connection,
): Pick<ConnectResult, 'session' | 'node'> {
  if (!connection.wire.isEmulated) return {}
  return { session: emulation.open(connection), node: options.name }
}

export function lifetime(services: Services, identity: Identity): { expires?: boolean; ttl?: number } {
  if (isKeptByServer(services, identity)) return {}
  return ttlOf(identity.expiresAtMs, services.clock.now())
}

/** Its end is asked about here, and its client knows of none. */
const isKeptByServer = ({ hooks }: Services, { app }: Identity): boolean =>
  app !== undefined || hooks.isOverHttp('refresh')

export function keepUntilExpiry(services: Services, connection: Connection, identity: Identity): void {
  const { expiresAtMs } = identity
  if (expiresAtMs === undefined) return connection.renew(identity, () => {}, undefined)
  if (isKeptByServer(services, identity)) return keepByApp(services, connection, identity)
  const leftMs = expiresAtMs + services.options.client.expiredCloseDelayMs - services.clock.now()
  connection.renew(identity, () => connection.disconnect(Disconnects.connectionExpired), Math.max(0, leftMs))
}
