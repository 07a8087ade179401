/** What all ways of telling an event share. */
import type { Clock, TypedEvents } from '@natter/primitives'
import type { AnswerTable, EventScope, HookEvent } from '../hooks.js'
import type { Demands } from './demands.js'
import type { Directory } from './directory.js'
import type { HookCallerEvents } from './hook-caller.events.js'
import type { Instance } from './instances.js'

/** `dropped`: one of the apps that want it did not hear it and never will. */
export type Told = 'heard' | 'dropped'

export interface TellerOptions {
  directory: Directory
  demands: Demands
  clock: Clock
  events: TypedEvents<HookCallerEvents>
  random: () => number
  maxWaiting: number
  /** The gateway's own name; undefined = it has loaded no apps. */
  node: string | undefined
}

/** How long a handler may work on an event. Not counted against its instance: hooks decide whom to trust. */
export const eventWithinMs = 10_000

export const worst = (told: readonly Told[]): Told => (told.includes('dropped') ? 'dropped' : 'heard')

export function wants(table: AnswerTable | undefined, event: HookEvent, scope: EventScope): boolean {
  const namespace = 'namespace' in event ? event.namespace : undefined
  const isIt = (one: AnswerTable['events'][number]): boolean =>
    one.kind === event.kind && one.scope === scope && one.namespace === namespace
  return table?.events.some(isIt) ?? false
}

/** Each of them is told, for a scope that isn't `group`. */
export function targetsOf(
  { directory, node }: Pick<TellerOptions, 'directory' | 'node'>,
  app: string,
  scope: EventScope,
  event: HookEvent,
): Instance[] {
  const there = directory.there(app).filter(({ table }) => wants(table, event, scope))
  return scope === 'node' ? there.filter((one) => one.node === node) : there
}

/** Whether this gateway holds, or held, the socket that it is about. */
export const isOfNode = (event: HookEvent, node: string | undefined): boolean =>
  'caller' in event && event.caller.node === node

export function drop(
  { events }: Pick<TellerOptions, 'events'>,
  app: string,
  { kind }: HookEvent,
  reason: HookCallerEvents['event:drop']['reason'],
): Told {
  events.emit('event:drop', { kind, app, reason })
  return 'dropped'
}
