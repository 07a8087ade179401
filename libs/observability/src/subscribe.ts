import type { EventMap, TypedEvents } from '@natter/primitives'
import type { Fields, Logger, LogLevel } from './logger.js'

/** What to do on which event; events without an entry are ignored. */
export type Wiring<M extends EventMap> = { readonly [K in keyof M]?: (payload: M[K]) => void }

/** Which events are written at which level, the payload as fields; a function chooses by the payload, or says nothing. */
export type LogLevels<M extends EventMap> = {
  readonly [K in keyof M]?: LogLevel | ((payload: M[K]) => LogLevel | undefined)
}

/** Subscribes metrics, or anything, to an event map; the result ends that. */
export function observe<M extends EventMap>(events: TypedEvents<M>, wiring: Wiring<M>): () => void {
  const offs = keysOf(wiring).flatMap((name) => {
    const listener = wiring[name]
    return listener === undefined ? [] : [events.on(name, listener)]
  })
  return () => {
    for (const off of offs) off()
  }
}

/** Writes events of a map as log lines; the result ends that. */
export function logEvents<M extends EventMap>(
  events: TypedEvents<M>,
  logger: Logger,
  levels: LogLevels<M>,
): () => void {
  const offs = keysOf(levels).map((name) =>
    events.on(name, (payload) => {
      const choice: LogLevel | ((payload: M[typeof name]) => LogLevel | undefined) | undefined = levels[name]
      const level = typeof choice === 'function' ? choice(payload) : choice
      if (level !== undefined) logger[level](String(name), fieldsOf(payload))
    }),
  )
  return () => {
    for (const off of offs) off()
  }
}

function keysOf<T extends object>(table: T): (keyof T)[] {
  return Object.keys(table) as (keyof T)[]
}

function fieldsOf(payload: unknown): Fields {
  return typeof payload === 'object' && payload !== null ? { ...payload } : { payload }
}
