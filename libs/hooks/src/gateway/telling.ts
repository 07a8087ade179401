/** What all ways of telling an event share. */
import type { Clock, TypedEvents } from '@natter/primitives'
import type { ToldScope } from '../app-wire.js'
import type { AnswerTable, HookEvent } from '../hooks.js'
import type { Demands } from './demands.js'
import type { Directory } from './directory.js'
import type { HookCallerEvents } from './hook-caller.events.js'

/** `dropped`: one of the apps that want it did not hear it and never will. */
export type Told = 'heard' | 'dropped'

export interface TellerOptions {
  directory: Directory
  demands: Demands
  clock: Clock
  events: TypedEvents<HookCallerEvents>
  random: () => number
  maxWaiting: number
}

/** How long a handler may work on an event. Not counted against its instance: hooks decide whom to trust. */
export const eventWithinMs = 10_000

export const worst = (told: readonly Told[]): Told => (told.includes('dropped') ? 'dropped' : 'heard')

export function wants(table: AnswerTable | undefined, event: HookEvent, scope: ToldScope): boolean {
  const namespace = 'namespace' in event ? event.namespace : undefined
  const isIt = (one: AnswerTable['events'][number]): boolean =>
    one.kind === event.kind && one.scope === scope && one.namespace === namespace
  return table?.events.some(isIt) ?? false
}

export function drop(
  { events }: Pick<TellerOptions, 'events'>,
  app: string,
  { kind }: HookEvent,
  reason: HookCallerEvents['event:drop']['reason'],
): Told {
  events.emit('event:drop', { kind, app, reason })
  return 'dropped'
}
