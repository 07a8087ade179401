/**
 * What the clients and the apps of one team say to each other: one declaration of types, which both sides import. Nothing of it is there
 * when the program runs.
 *
 * ```ts
 * export interface ChatMesh {
 *   channels: { 'chat::room': Message; 'orders::id': Channel<{ publication: Order; publish: never }> }
 *   rpc: { 'report.build': { request: { month: string }; reply: { pages: number }; progress: { percent: number } } }
 *   events: { typing: { room: string } }
 * }
 * ```
 */
import type { NameOf, PatternFor } from './channel-pattern.js'

/** Each part may be left out. */
export interface Contract {
  /** By pattern (`namespace:path`, as handlers are declared): what is published there, or a {@link Channel}. */
  channels?: object
  /** By the name of `@Rpc`: a {@link RpcShape}. */
  rpc?: object
  /** What clients `send`, by name; `@OnMessage` is given a {@link EventMessage}. */
  events?: object
}

/** All that can be said of a channel. */
export interface ChannelShape {
  /** What is stored, and what subscribers are given. */
  publication: unknown
  /** What clients publish, where an app makes something else of it. Absent = the publication; `never` = clients don't publish. */
  publish?: unknown
  /** What others see of a member, as its token or an app says. */
  member?: unknown
  /** What an app answers to a subscriber, once. */
  welcome?: unknown
}

export interface RpcShape {
  /** Absent = called without data. */
  request?: unknown
  reply?: unknown
  /** Absent = none is told. */
  progress?: unknown
}

declare const shape: unique symbol

/** In a contract, for a channel of which more is to be said than what is published. Never a value. */
export interface Channel<Shape extends ChannelShape> {
  readonly [shape]: Shape
}

/** Where no contract is given: any channel, any method, nothing known of the data. */
export interface AnyContract {
  channels: Record<
    string,
    Channel<{ publication: unknown; publish: unknown; member: unknown; welcome: unknown }>
  >
  rpc: Record<string, { request?: unknown; reply: unknown; progress: unknown }>
  events: Record<string, unknown>
}

type Part<C extends Contract, Name extends keyof Contract> = C extends { [N in Name]: infer Of }
  ? Of
  : unknown

type KeysOf<T> = keyof T & string

/** The patterns of all channels. */
export type Patterns<C extends Contract> = KeysOf<Part<C, 'channels'>>

/** The names of all channels. */
export type ChannelNames<C extends Contract> = NameOf<Patterns<C>>

type Written<C extends Contract, Pattern> = Pattern extends keyof Part<C, 'channels'>
  ? Part<C, 'channels'>[Pattern]
  : never

/** Of the pattern, or of the channel with this name. */
type At<C extends Contract, Key extends string> =
  Key extends Patterns<C> ? Written<C, Key> : Written<C, PatternFor<Patterns<C>, Key>>

type Said<Value, Name extends keyof ChannelShape> = [Value] extends [Channel<infer Shape>]
  ? Shape extends { [N in Name]: infer Type }
    ? Type
    : Name extends 'publish'
      ? Shape['publication']
      : unknown
  : Name extends 'publication' | 'publish'
    ? Value
    : unknown

/** What is published in a channel, by its pattern or its name: `PublicationOf<ChatMesh, 'chat::room'>`. */
export type PublicationOf<C extends Contract, Key extends string> = Said<At<C, Key>, 'publication'>
/** What clients publish there. */
export type PublishOf<C extends Contract, Key extends string> = Said<At<C, Key>, 'publish'>
/** What others see of a member. */
export type MemberOf<C extends Contract, Key extends string> = Said<At<C, Key>, 'member'>
/** What a subscriber is answered. */
export type WelcomeOf<C extends Contract, Key extends string> = Said<At<C, Key>, 'welcome'>

/** The names of all methods. */
export type Methods<C extends Contract> = KeysOf<Part<C, 'rpc'>>

type RpcPart<C extends Contract, Method, Name extends keyof RpcShape, Else> = Method extends keyof Part<
  C,
  'rpc'
>
  ? Name extends keyof Part<C, 'rpc'>[Method]
    ? Part<C, 'rpc'>[Method][Name]
    : Else
  : never

/** What a method is called with: `RequestOf<ChatMesh, 'report.build'>`; undefined where it takes nothing. */
export type RequestOf<C extends Contract, Method extends string> = RpcPart<C, Method, 'request', undefined>
/** What it answers; undefined where it answers nothing. */
export type ReplyOf<C extends Contract, Method extends string> = RpcPart<C, Method, 'reply', undefined>
/** What it tells while it is at work; never where it tells nothing. */
export type ProgressOf<C extends Contract, Method extends string> = RpcPart<C, Method, 'progress', never>

/** The names of all events. */
export type EventNames<C extends Contract> = KeysOf<Part<C, 'events'>>

/** What is said with an event. */
export type EventData<C extends Contract, Name extends string> = Name extends keyof Part<C, 'events'>
  ? Part<C, 'events'>[Name]
  : never

/** What `@OnMessage` is given of a client's `send`: told apart by `event`. */
export type EventMessage<C extends Contract> = {
  [Name in EventNames<C>]: { readonly event: Name; readonly data: EventData<C, Name> }
}[EventNames<C>]

/** What a function takes for data that may be left out where it is undefined. */
export type DataArgument<Data> = undefined extends Data ? [data?: Data] : [data: Data]
