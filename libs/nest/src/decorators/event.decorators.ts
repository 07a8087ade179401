/** Handlers that hear what has happened: at least once, so a repeat must be harmless. Several may stand on one method. */
import type { EventKind, EventScope } from '@natter/hooks'
import { InvalidError } from '@natter/primitives'
import { channelPath } from '../paths/channel-path.js'
import type { OutputOf, StandardSchema } from '../pipeline/standard-schema.js'
import { checkOptions, declare } from './declare.js'
import type { PayloadOptions } from './hook.decorators.js'
import type { Anything, HandlerDecorator } from './method-types.js'

export interface EventOptions {
  /** `group` (default): by one instance of the app. `all`: by each instance. */
  scope?: Exclude<EventScope, 'node'>
}

/** Of what happens to one socket. */
export interface SocketEventOptions {
  /**
   * `group` (default): by one instance of the app. `all`: by each instance. `node`: by the instance in the gateway that holds the socket,
   * where that gateway has loaded the app (its setting `gateway.apps`); else nobody hears it.
   */
  scope?: EventScope
}

function hears<K extends EventKind>(
  kind: K,
  options: SocketEventOptions,
  path?: string,
): HandlerDecorator<K, Anything, unknown> {
  const name = `@On${kind.charAt(0).toUpperCase()}${kind.slice(1)}`
  checkOptions(name, options, ['scope'])
  if (options.scope === 'node' && !socketKinds.has(kind)) refuseNode(name)
  const scope = options.scope ?? 'group'
  const at = path === undefined ? {} : { path: channelPath(path) }
  return (target, key) => declare(target, key, { use: 'hear', kind, scope, encoding: 'json', ...at })
}

const socketKinds: ReadonlySet<EventKind> = new Set(['unsubscribe', 'disconnect'])

function refuseNode(name: string): never {
  throw new InvalidError(
    'bad-option',
    `"scope" of ${name} is 'group' or 'all': a channel is in the whole mesh, and in no gateway alone.`,
  )
}

/** A subscription has ended; also when its gateway died, but for scope `node`. */
export function OnUnsubscribe(path: string, options: SocketEventOptions = {}) {
  return hears('unsubscribe', options, path)
}

/** A connection has ended; also when its gateway died, but for scope `node`. */
export function OnDisconnect(options: SocketEventOptions = {}) {
  return hears('disconnect', options)
}

/** The channel has a subscriber, anywhere in the mesh, and had none. */
export function OnOccupied(path: string, options: EventOptions = {}) {
  return hears('occupied', options, path)
}

/** The channel's last subscriber has left. */
export function OnVacated(path: string, options: EventOptions = {}) {
  return hears('vacated', options, path)
}

/** What a client sends without asking for an answer (`send`): at most once, in the order of its connection. */
export function OnMessage<S extends StandardSchema | undefined = undefined>(
  options: PayloadOptions<S> = {},
): HandlerDecorator<'message', S extends StandardSchema ? OutputOf<S> : Anything, unknown> {
  checkOptions('@OnMessage', options, ['schema', 'encoding'])
  const { schema, encoding = 'json' } = options
  const payload = schema === undefined ? { encoding } : { encoding, schema }
  return (target, key) => declare(target, key, { use: 'hear', kind: 'message', scope: 'group', ...payload })
}
