/**
 * Connections that an app let in, and keeps in: their clients know nothing of an expiry. Where a hook over HTTP answers `refresh`, those that
 * a token let in are kept so as well.
 */
import { shareCapabilities } from '@natter/auth'
import { ClientError } from '@natter/hooks'
import { Disconnects } from '@natter/protocol'
import { appJson, BrokenAnswerError } from '../hooks/app-json.js'
import { callerOf } from '../hooks/caller.js'
import type { Decisions } from '../hooks/hooks.js'
import { explainDisconnect } from './command-error.js'
import type { AppIdentity, Connection, Identity } from './connection.js'
import { endUncovered } from './end-uncovered.js'
import type { Services } from './services.js'

/** How soon an app that couldn't be asked is asked again. */
const retryMs = 1_000

/** @throws BrokenAnswerError when it names nobody, or its info isn't JSON. */
export function identityByApp(decision: Decisions['connect']): Identity {
  const { user, infoJson, metaJson, capabilities, expiresAtMs } = decision
  if (typeof user !== 'string') throw new BrokenAnswerError('an app let somebody in without saying who')
  const connInfo = appJson(infoJson, 'infoJson')
  const app: AppIdentity = {}
  if (metaJson !== undefined) app.metaJson = metaJson
  const identity: Identity = { user, expiresAtMs, app, ...capable(capabilities) }
  if (connInfo !== undefined) identity.connInfo = connInfo
  return identity
}

/** Nothing is kept where none are said. */
const capable = (said: Identity['capabilities']): Pick<Identity, 'capabilities'> =>
  said === undefined || said.length === 0 ? {} : { capabilities: shareCapabilities(said) }

/** At its end the app is asked; where none answers for that, or none can, it has `expiredCloseDelayMs` more. */
export function keepByApp(services: Services, connection: Connection, identity: Identity): void {
  const { expiresAtMs } = identity
  const leftMs = expiresAtMs === undefined ? undefined : Math.max(0, expiresAtMs - services.clock.now())
  connection.renew(identity, () => void refresh(services, connection, identity), leftMs)
}

async function refresh(services: Services, connection: Connection, identity: Identity): Promise<void> {
  try {
    if (!services.hooks.demandsConnection('refresh')) return wait(services, connection, identity)
    const caller = callerOf(connection, services.options.name)
    const decision = await services.hooks.ask<'refresh'>({ kind: 'refresh', caller }, connection)
    if (connection.identity !== identity) return // it has gone, or somebody else renewed it
    const isOver = decision.expiresAtMs !== undefined && decision.expiresAtMs <= services.clock.now()
    if (isOver) return connection.disconnect(Disconnects.connectionExpired)
    keepByApp(services, connection, renewed(identity, decision))
    endUncovered(services, connection, identity.capabilities)
  } catch (error) {
    if (connection.identity !== identity) return
    if (error instanceof ClientError && error.temporary) return wait(services, connection, identity)
    connection.disconnect(explainDisconnect(error) ?? Disconnects.connectionExpired)
  }
}

function wait(services: Services, connection: Connection, identity: Identity): void {
  const { clock, options } = services
  const endMs = (identity.expiresAtMs ?? 0) + options.client.expiredCloseDelayMs
  const leftMs = endMs - clock.now()
  if (leftMs <= 0) return connection.disconnect(Disconnects.connectionExpired)
  connection.renew(identity, () => void refresh(services, connection, identity), Math.min(retryMs, leftMs))
}

function renewed(identity: Identity, decision: Decisions['refresh']): Identity {
  const { infoJson, metaJson, capabilities, expiresAtMs } = decision
  const connInfo = appJson(infoJson, 'infoJson')
  const app = metaJson === undefined ? identity.app : { ...identity.app, metaJson }
  const { capabilities: before, ...lasting } = identity
  const next: Identity = { ...lasting, expiresAtMs, ...capable(capabilities ?? before) }
  if (app !== undefined) next.app = app
  if (connInfo !== undefined) next.connInfo = connInfo
  return next
}
