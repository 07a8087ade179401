import type { ConnectionClaims } from '@natter/auth'
import {
  Disconnects,
  Errors,
  type ConnectRequest,
  type ConnectResult,
  type DisconnectCode,
  type ErrorCode,
} from '@natter/protocol'
import type { Identity } from './connection.js'
import type { Connection } from './connection.js'
import type { Services } from './services.js'

type Verdict =
  | { outcome: 'known'; identity: Identity }
  | { outcome: 'error'; error: ErrorCode }
  | { outcome: 'close'; disconnect: DisconnectCode }

/** The first command: who is this? [4] */
export async function connect(
  services: Services,
  connection: Connection,
  id: number,
  request: ConnectRequest,
): Promise<void> {
  const verdict = await identify(services, request.token ?? '').catch((error: unknown) => {
    connection.refused()
    throw error
  })
  if (connection.kind === 'closed') return
  switch (verdict.outcome) {
    case 'close':
      return connection.disconnect(verdict.disconnect)
    case 'error':
      connection.refused()
      return connection.reply({ id, error: verdict.error })
    case 'known':
      return welcome(services, connection, id, verdict.identity, request)
  }
}

/** `refresh`: a new token for the same user, before the old one ends. [9] */
export async function refresh(
  services: Services,
  connection: Connection,
  id: number,
  token: string,
): Promise<void> {
  if (token === '') return connection.disconnect(Disconnects.badRequest)
  const verdict = await services.verifier.verify(token)
  const { identity } = connection
  if (identity === undefined) return
  if (verdict.outcome === 'expired') return connection.disconnect(Disconnects.connectionExpired)
  if (verdict.outcome === 'invalid' || verdict.claims.user !== identity.user) {
    return connection.disconnect(Disconnects.invalidToken)
  }
  const renewed = identityOf(verdict.claims)
  keepUntilExpiry(services, connection, renewed)
  connection.reply({
    id,
    refresh: { client: connection.id, version: services.options.version, ...lifetime(services, renewed) },
  })
}

async function identify(services: Services, token: string): Promise<Verdict> {
  const { client } = services.options
  if (token === '') {
    if (!client.allowAnonymous && !client.insecure)
      return { outcome: 'close', disconnect: Disconnects.badRequest }
    return { outcome: 'known', identity: { user: '', expiresAtMs: undefined } }
  }
  const verdict = await services.verifier.verify(token)
  if (verdict.outcome === 'expired') return { outcome: 'error', error: Errors.tokenExpired }
  if (verdict.outcome === 'invalid') return { outcome: 'close', disconnect: Disconnects.invalidToken }
  const identity = identityOf(verdict.claims)
  const isPast = identity.expiresAtMs !== undefined && identity.expiresAtMs <= services.clock.now()
  return isPast ? { outcome: 'error', error: Errors.expired } : { outcome: 'known', identity }
}

function identityOf(claims: ConnectionClaims): Identity {
  const identity: Identity = { user: claims.user, expiresAtMs: claims.expiresAtMs }
  if (claims.connInfo !== undefined) identity.connInfo = claims.connInfo
  return identity
}

function welcome(
  services: Services,
  connection: Connection,
  id: number,
  identity: Identity,
  request: ConnectRequest,
): void {
  const { options } = services
  const waiting = connection.connected(identity)
  services.hub.add(connection)
  keepUntilExpiry(services, connection, identity)
  const result: ConnectResult = {
    client: connection.id,
    version: options.version,
    ping: Math.max(1, Math.round(options.client.pingIntervalMs / 1000)),
    pong: true,
    ...lifetime(services, identity),
  }
  connection.reply({ id, connect: result })
  services.heartbeat.add(connection)
  services.events.emit('connection:connect', {
    connectionId: connection.id,
    user: identity.user,
    client: request.name ?? '',
  })
  for (const command of waiting) services.dispatch(connection, command)
}

function lifetime(services: Services, identity: Identity): { expires?: boolean; ttl?: number } {
  if (identity.expiresAtMs === undefined) return {}
  const ttl = Math.ceil((identity.expiresAtMs - services.clock.now()) / 1000)
  return { expires: true, ttl: Math.min(Math.max(1, ttl), longestTtlSeconds) }
}

/** SDKs turn the ttl into one timer: a year is what all of them can hold. */
const longestTtlSeconds = 365 * 24 * 3600

function keepUntilExpiry(services: Services, connection: Connection, identity: Identity): void {
  const { expiresAtMs } = identity
  if (expiresAtMs === undefined) return connection.renew(identity, () => {}, undefined)
  const leftMs = expiresAtMs + services.options.client.expiredCloseDelayMs - services.clock.now()
  connection.renew(identity, () => connection.disconnect(Disconnects.connectionExpired), Math.max(0, leftMs))
}
