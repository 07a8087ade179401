/** Handlers that answer, before the client is answered. */
import { InvalidError } from '@natter/primitives'
import { channelPath } from '../paths/channel-path.js'
import type { ConnectDecision, Deny, RefreshDecision, SubscribeDecision } from '../pipeline/decisions.js'
import type { Encoding } from '../pipeline/json.js'
import type { InputOf, OutputOf, StandardSchema } from '../pipeline/standard-schema.js'
import { checkOptions, declare } from './declare.js'
import type { Declaration } from './handler.js'
import type { Anything, HandlerDecorator } from './method-types.js'

/** Nothing = yes, `false` = error 103. */
export type Verdict = void | undefined | boolean | Deny

/** S = the schema, or undefined. */
type Payload<S> = S extends StandardSchema ? OutputOf<S> : Anything

export interface PayloadOptions<S extends StandardSchema | undefined> {
  /** What the client may send; a payload that doesn't fit is error 107 with the path of the first bad field. */
  schema?: S
  /** Of the payload; default `json`. */
  encoding?: Encoding
}

type Answer = Extract<Declaration, { use: 'answer' }>

function answers(declaration: Answer) {
  return (target: object, key: string) => declare(target, key, declaration)
}

interface Schemas {
  schema?: StandardSchema | undefined
  encoding?: Encoding | undefined
}
const payloadOf = ({ schema, encoding }: Schemas) => ({
  encoding: encoding ?? ('json' as const),
  ...(schema === undefined ? {} : { schema }),
})

/** Who connects: one in the whole app, in a `@ConnectionController`. Answers a {@link ConnectDecision}; throw to refuse. */
export function OnConnect<S extends StandardSchema | undefined = undefined>(
  options: PayloadOptions<S> = {},
): HandlerDecorator<'connect', Payload<S>, ConnectDecision | false | Deny> {
  checkOptions('@OnConnect', options, ['schema', 'encoding'])
  return answers({ use: 'answer', kind: 'connect', ...payloadOf(options) })
}

/** A connection that is about to expire: how long it lives on. Answers a {@link RefreshDecision}. */
export function OnRefresh(): HandlerDecorator<'refresh', Anything, RefreshDecision | false | Deny> {
  return answers({ use: 'answer', kind: 'refresh', encoding: 'json' })
}

/** Who subscribes. Nothing = yes. `path`: the part of the channel's name after `namespace:`, with `:parameters`. */
export function OnSubscribe<S extends StandardSchema | undefined = undefined>(
  path: string,
  options: PayloadOptions<S> = {},
): HandlerDecorator<'subscribe', Payload<S>, SubscribeDecision | Verdict> {
  checkOptions('@OnSubscribe', options, ['schema', 'encoding'])
  return answers({ use: 'answer', kind: 'subscribe', path: channelPath(path), ...payloadOf(options) })
}

export interface PublishHookOptions<
  S extends StandardSchema | undefined,
  T extends StandardSchema | undefined,
> extends PayloadOptions<S> {
  /** What is stored must fit, and is stored as this schema makes it. A value that doesn't fit is a bug: error 100. */
  stores?: T
}

/** With `stores` a handler must return what it takes; with `schema` alone it may return what that one lets through. */
type Stored<S, T> = T extends StandardSchema
  ? InputOf<T> | false | Deny
  : S extends StandardSchema
    ? OutputOf<S> | Verdict
    : unknown

/**
 * What a client publishes, before it is stored. A value = stored instead; nothing or `true` = stored as it was sent, with
 * whatever a schema overlooked; `false` = error 103. May run again when the client repeats.
 */
export function OnPublish<
  S extends StandardSchema | undefined = undefined,
  T extends StandardSchema | undefined = undefined,
>(
  path: string,
  options: PublishHookOptions<S, T> = {},
): HandlerDecorator<'publish', Payload<S>, Stored<S, T>> {
  checkOptions('@OnPublish', options, ['schema', 'stores', 'encoding'])
  const result = options.stores === undefined ? {} : { result: options.stores }
  return answers({
    use: 'answer',
    kind: 'publish',
    path: channelPath(path),
    ...payloadOf(options),
    ...result,
  })
}

/** Who asks for the presence of a channel. Nothing = yes. */
export function OnPresence(path: string): HandlerDecorator<'presence', Anything, Verdict> {
  return answers({ use: 'answer', kind: 'presence', path: channelPath(path), encoding: 'json' })
}

/** Who asks for the history of a channel. Nothing = yes. */
export function OnHistory(path: string): HandlerDecorator<'history', Anything, Verdict> {
  return answers({ use: 'answer', kind: 'history', path: channelPath(path), encoding: 'json' })
}

export interface RpcOptions<
  S extends StandardSchema | undefined,
  R extends StandardSchema | undefined,
> extends PayloadOptions<S> {
  /** What the handler must answer; the client gets what this schema makes of it. One that doesn't fit is a bug: error 100. */
  reply?: R
  /** A second instance may be asked while the first hasn't answered. Default false. */
  idempotent?: boolean
}

type Replies<R> = R extends StandardSchema ? InputOf<R> | Deny : unknown

/**
 * A method that clients call by name. An async generator's yields, and all but the last value of an Observable, are progress;
 * the reply is what it returns, or the last value.
 */
export function Rpc<
  S extends StandardSchema | undefined = undefined,
  R extends StandardSchema | undefined = undefined,
>(name: string, options: RpcOptions<S, R> = {}): HandlerDecorator<'rpc', Payload<S>, Replies<R>> {
  checkOptions(`@Rpc('${name}')`, options, ['schema', 'reply', 'idempotent', 'encoding'])
  if (name === '' || name.includes('#'))
    throw new InvalidError(
      'bad-rpc-name',
      "An rpc has a name, without '#': what follows that is the call's id.",
    )
  if (name.startsWith('natter.'))
    throw new InvalidError(
      'bad-rpc-name',
      `@Rpc('${name}') would never be asked: methods that begin with "natter." are the gateways' own.`,
    )
  const result = options.reply === undefined ? {} : { result: options.reply }
  const isIdempotent = options.idempotent ?? false
  return answers({ use: 'answer', kind: 'rpc', name, isIdempotent, ...payloadOf(options), ...result })
}
