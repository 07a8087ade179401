/**
 * What handlers return, and what becomes of it on its way to the gateway. A field that nobody knows is refused: `expireAt` instead
 * of `expiresAt` would be a connection that never ends.
 */
import type {
  Capability,
  CapableVerb,
  ConnectDecision as WireConnectDecision,
  HookDecisions,
  HookKind,
  HookReply,
  PublishGrant,
  SubscriptionOptions,
} from '@natter/hooks'
import { InvalidError } from '@natter/primitives'
import { Errors } from '@natter/protocol'
import { encodeValue, jsonOf, type Encoding } from './json.js'

/** When something ends: a date, or milliseconds since 1970. */
export type Moment = Date | number

/** What a yes to a subscription may carry. `info` and `data` are any values with JSON. */
export interface SubscribeDecision {
  /** Shown to others of this subscription. */
  info?: unknown
  /** Given to the client with its subscription. */
  data?: unknown
  /** Absent = with the connection. */
  expiresAt?: Moment
  /** Publications of this subscriber: `ask` the publish hook each time, or `allow` or `deny` without asking. Absent = `ask`. */
  publish?: 'allow' | 'deny' | 'ask'
  /** How long `allow` or `deny` holds, in milliseconds; then `ask`. Absent = as long as the subscription. */
  publishForMs?: number
  /** How many publications `allow` covers; then `ask`. Absent = any number. */
  publishQuota?: number
  /** What this subscriber may do in the channel, where no app answers for it, for as long as it is subscribed. */
  allow?: readonly CapableVerb[]
}

/** Who is let in. */
export interface ConnectDecision {
  /** '' = anonymous. */
  user: string
  /** Shown to others. Any value with JSON. */
  info?: unknown
  /** For later hooks alone: `user.meta`, and its fields on `user`. Any value with JSON. */
  meta?: unknown
  /** Given to the client in the connect reply. Any value with JSON. */
  data?: unknown
  /** When the connection ends unless it is refreshed; absent = never. */
  expiresAt?: Moment
  /** Server-side subscriptions. */
  subscriptions?: readonly string[] | Readonly<Record<string, SubscribeDecision>>
  /**
   * What the connection may do beside what its namespaces allow; the first entry that covers a channel decides. `*` at the end of a channel
   * stands for any rest, unless `match` says how the channels are read.
   */
  capabilities?: readonly Capability[]
}

/** How a connection lives on. `{}` = for ever. */
export interface RefreshDecision {
  expiresAt?: Moment
  info?: unknown
  meta?: unknown
  /** In place of those before; `[]` = none from now on. What only those before allowed ends. Absent = as before. */
  capabilities?: readonly Capability[]
}

/** A refusal that is returned: cheaper than a throw. Made by {@link deny}. */
export class Deny {
  constructor(
    readonly code: number,
    readonly message: string,
  ) {}
}

const texts = new Map<number, string>(Object.values(Errors).map(({ code, message }) => [code, message]))

/** `return deny(1409, 'market closed')`. Code 103 without arguments; `message` by default the code's own. */
export function deny(code: number = Errors.permissionDenied.code, message?: string): Deny {
  return new Deny(code, message ?? texts.get(code) ?? 'refused')
}

/** @throws InvalidError `bad-decision`, `not-json`, `not-bytes`: a bug of the handler. */
export function replyOf(kind: HookKind, result: unknown, encoding: Encoding): HookReply {
  if (result instanceof Deny) return { error: { code: result.code, message: result.message } }
  if (kind !== 'rpc' && result === false) {
    const { code, message } = Errors.permissionDenied
    return { error: { code, message } }
  }
  return { decision: decisions[kind](result, encoding) }
}

const decisions: { [K in HookKind]: (result: unknown, encoding: Encoding) => HookDecisions[K] } = {
  connect: connectDecision,
  refresh: (result) => {
    const { expiresAt, info, meta, capabilities } = fieldsOf<RefreshDecision>('refresh', result, [
      'expiresAt',
      'info',
      'meta',
      'capabilities',
    ])
    return {
      ...json('infoJson', info),
      ...json('metaJson', meta),
      ...expiry(expiresAt),
      ...(capabilities === undefined ? {} : { capabilities }),
    }
  },
  subscribe: (result) => (isYes(result) ? {} : subscriptionOptions('subscribe', result)),
  publish: (result, encoding) => (isYes(result) ? {} : { data: encodeValue(result, encoding) }),
  presence: (result) => plainYes('presence', result),
  history: (result) => plainYes('history', result),
  rpc: (result, encoding) => (result === undefined ? {} : { data: encodeValue(result, encoding) }),
}

const isYes = (result: unknown) => result === undefined || result === true

function plainYes(kind: string, result: unknown): Record<string, never> {
  if (isYes(result)) return {}
  throw new InvalidError('bad-decision', `A ${kind} hook returns nothing for yes, false or deny() for no.`)
}

function connectDecision(result: unknown): WireConnectDecision {
  const fields = fieldsOf<ConnectDecision>('connect', result, [
    'user',
    'info',
    'meta',
    'data',
    'expiresAt',
    'subscriptions',
    'capabilities',
  ])
  if (typeof fields.user !== 'string')
    throw new InvalidError('bad-decision', "A connect hook returns { user: 'id' }, '' for an anonymous one.")
  return {
    user: fields.user,
    ...json('infoJson', fields.info),
    ...json('metaJson', fields.meta),
    ...json('dataJson', fields.data),
    ...expiry(fields.expiresAt),
    ...(fields.subscriptions === undefined ? {} : { subscriptions: subscriptionsOf(fields.subscriptions) }),
    ...(fields.capabilities === undefined ? {} : { capabilities: fields.capabilities }),
  }
}

function subscriptionsOf(subscriptions: NonNullable<ConnectDecision['subscriptions']>) {
  const entries: [string, SubscribeDecision][] = Array.isArray(subscriptions)
    ? (subscriptions as readonly string[]).map((channel) => [channel, {}])
    : Object.entries(subscriptions as Readonly<Record<string, SubscribeDecision>>)
  return Object.fromEntries(
    entries.map(([channel, options]) => [channel, subscriptionOptions(`subscription "${channel}"`, options)]),
  )
}

/** Also of `Natter.subscribe`. @throws InvalidError `bad-decision`. */
export function subscriptionOptions(what: string, result: unknown): SubscriptionOptions {
  const fields = fieldsOf<SubscribeDecision>(what, result, [
    'info',
    'data',
    'expiresAt',
    'publish',
    'publishForMs',
    'publishQuota',
    'allow',
  ])
  return {
    ...json('infoJson', fields.info),
    ...json('dataJson', fields.data),
    ...expiry(fields.expiresAt),
    ...grantOf(fields),
    ...(fields.allow === undefined ? {} : { allow: fields.allow }),
  }
}

function grantOf({ publish, publishForMs, publishQuota }: SubscribeDecision): { grant?: PublishGrant } {
  if (publish === undefined) {
    if (publishForMs === undefined && publishQuota === undefined) return {}
    throw new InvalidError(
      'bad-decision',
      "publishForMs and publishQuota belong to publish: 'allow' or 'deny'.",
    )
  }
  return {
    grant: {
      publish,
      ...(publishForMs === undefined ? {} : { forMs: publishForMs }),
      ...(publishQuota === undefined ? {} : { quota: publishQuota }),
    },
  }
}

function fieldsOf<T extends object>(what: string, result: unknown, known: readonly (keyof T & string)[]): T {
  if (typeof result !== 'object' || result === null || Array.isArray(result))
    throw new InvalidError('bad-decision', `The decision of ${what} is an object with ${known.join(', ')}.`)
  const stranger = Object.keys(result).find((key) => !known.includes(key as never))
  if (stranger === undefined) return result as T
  throw new InvalidError(
    'bad-decision',
    `The decision of ${what} has no field "${stranger}"; it has ${known.join(', ')}.`,
  )
}

function json<K extends string>(key: K, value: unknown): { [P in K]?: string } {
  return (value === undefined ? {} : { [key]: jsonOf(value) }) as { [P in K]?: string }
}

/** Milliseconds since 1970. */
export const msOfMoment = (moment: Moment): number => (typeof moment === 'number' ? moment : moment.getTime())

function expiry(moment: Moment | undefined): { expiresAtMs?: number } {
  if (moment === undefined) return {}
  const expiresAtMs = msOfMoment(moment)
  if (Number.isFinite(expiresAtMs)) return { expiresAtMs }
  throw new InvalidError('bad-decision', 'expiresAt is a valid Date, or milliseconds since 1970.')
}
