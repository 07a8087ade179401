/**
 * What an app and its clients have agreed on, as data: what may be asked, and the shape of what is said either way. It is taken from
 * decorators (`contractOf` of `@natter/nest`), written as documents, and compared.
 */
import type { Schema } from './json/schema.js'

export interface Contract {
  /** The app's name. */
  readonly app: string
  /** What a client may say of itself when it connects. `{}` = anything. */
  readonly connect: Schema
  /** By pattern: `namespace:path`, as clients write it in theirs. */
  readonly channels: Readonly<Record<string, ChannelContract>>
  /** By the name of `@Rpc`. */
  readonly rpc: Readonly<Record<string, RpcContract>>
  /** What clients `send`, whole, by the `event` in it; `*` = of no event alone. */
  readonly events: Readonly<Record<string, Schema>>
}

/** An action that is absent is one that no handler answers. */
export interface ChannelContract {
  /** What subscribers are given. */
  readonly publication: Schema
  /** What a client publishes. */
  readonly publish?: Schema
  /** What a client says when it subscribes. */
  readonly subscribe?: Schema
  readonly isPresenceAnswered: boolean
  readonly isHistoryAnswered: boolean
}

export interface RpcContract {
  readonly request: Schema
  readonly reply: Schema
}

/**
 * A channel's pattern without the names of its parameters, which nothing on the wire carries: `chat::room` and `chat::id` are the same
 * channels.
 */
export const shapeOf = (pattern: string): string =>
  pattern.replaceAll(/:([A-Za-z_][A-Za-z0-9_]*)/g, (whole, _, at: number) =>
    isParameter(pattern, at) ? ':' : whole,
  )

/** The first colon of a pattern ends its namespace. */
export const isParameter = (pattern: string, at: number): boolean => at > pattern.indexOf(':')
