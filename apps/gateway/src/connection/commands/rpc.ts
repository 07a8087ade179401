import { Disconnects, Errors, type Bytes } from '@natter/protocol'
import { randomUUID } from 'node:crypto'
import { bytesFor } from '../../hooks/app-json.js'
import { callerOf } from '../../hooks/caller.js'
import { inTime } from '../command-deadline.js'
import { CommandError } from '../command-error.js'
import type { Connection } from '../connection.js'
import type { Services } from '../services.js'
import { publishOnce, publishOnceMethod } from './publish-once.js'

/** A call's name becomes a tag of each publication about its progress. */
const maxCallLength = 64

/** `rpc` [9]: the app that has the method answers. `method#id` names the call. */
export async function rpcCommand(
  services: Services,
  connection: Connection,
  id: number,
  request: { method?: string; data?: Bytes },
): Promise<void> {
  const { method, call = `${connection.id}:${id}` } = parseMethod(request.method ?? '')
  if (method === publishOnceMethod) return publishOnce(services, connection, id, request.data)
  const state = services.hooks.rpcState(method)
  if (state === 'none') throw new CommandError(Errors.notAvailable)
  if (state === 'unknown') throw new CommandError(Errors.methodNotFound)
  const caller = callerOf(connection, services.options.name)
  const asked = { kind: 'rpc' as const, caller, method, call }
  const { data } = await inTime(services.clock, () =>
    services.hooks.ask<'rpc'>(
      request.data === undefined ? asked : { ...asked, data: request.data },
      connection,
    ),
  )
  connection.reply({ id, rpc: data === undefined ? {} : { data: bytesFor(connection.wire.codec, data) } })
}

/** `send` [9]: told to the apps that listen, at most once. */
export function sendCommand(services: Services, connection: Connection, data: Bytes | undefined): void {
  const { hooks, clock, options } = services
  if (hooks.wants('message').length === 0) return connection.disconnect(Disconnects.notAvailable)
  const message = {
    id: randomUUID(),
    atMs: clock.now(),
    kind: 'message' as const,
    caller: callerOf(connection, options.name),
  }
  hooks.tell(data === undefined ? message : { ...message, data })
}

function parseMethod(text: string): { method: string; call?: string } {
  const hash = text.indexOf('#')
  if (hash === -1) return { method: text }
  const [method, call] = [text.slice(0, hash), text.slice(hash + 1)]
  if (call.length > maxCallLength) throw new CommandError(Errors.badRequest)
  return call === '' ? { method } : { method, call }
}
