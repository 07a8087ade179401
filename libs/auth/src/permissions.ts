/**
 * Who may do what with a channel (docs/protocol.md, 13.3), as data in, verdict out.
 *
 * P1. Deny is the default: each function ends in 103 and something has to say yes before.
 * P2. Neither `insecure` nor a capability switches a feature on: presence and history that are off stay 108.
 * P3. A namespace whose app answers for a verb is not asked what it allows: `canAsk…` is what remains, and the app's answer follows.
 * P4. A private channel is for a token, an app's word, or a capability in which the sign is written: no other rule says anything of it, and
 *     an address over HTTP is asked about a token, not in place of one.
 */
import {
  Errors,
  type ChannelName,
  type ErrorCode,
  isCapable,
  type Capability,
  type CapableVerb,
} from '@natter/protocol'
import type { Allowance, Namespace } from './namespace.js'

export interface Question {
  /** '' = anonymous. */
  user: string
  /** undefined = the channel's namespace is not configured. */
  namespace: Namespace | undefined
  channel: ChannelName
  /** Whether this connection is subscribed to the channel now. */
  isSubscribed: boolean
  /** The switch for development that lets everybody do everything. */
  insecure: boolean
  /** Of the connection; absent = none. */
  capabilities?: readonly Capability[] | undefined
  /** What this subscription was given by who let it in, for as long as it is one; absent = nothing. */
  allowed?: readonly CapableVerb[] | undefined
  /** A subscription token came with the command: nobody has judged it. */
  hasToken?: boolean
}

export type Permission = 'ok' | ErrorCode

/** The namespace of a channel that may be spoken of at all, or why not [7.2]. */
function findNamespace({ namespace, channel }: Question): Namespace | ErrorCode {
  const regex = namespace?.channelRegex
  const allowNonAscii = namespace === undefined || regex !== undefined
  const problem = channel.grammar.validate(channel.name, { allowNonAscii })
  if (namespace === undefined) return problem ?? Errors.unknownChannel
  if (problem !== undefined) return problem
  return regex === undefined || regex.test(channel.rest) ? namespace : Errors.badRequest
}

const isRefused = (found: Namespace | ErrorCode): found is ErrorCode => 'code' in found

const isAllowed = (allowance: Allowance, { user, isSubscribed }: Question): boolean =>
  (user !== '' || allowance.anonymous) && (allowance.client || (allowance.subscriber && isSubscribed))

const isSaid = (verb: CapableVerb, question: Question): boolean => {
  const { capabilities, allowed, channel, isSubscribed, insecure } = question
  return (
    insecure || (isSubscribed && allowed?.includes(verb) === true) || isCapable(capabilities, verb, channel)
  )
}

/** Only its users may subscribe, and no app is asked. */
const isUserLimited = ({ allowUserLimitedChannels }: Namespace, { users }: ChannelName): boolean =>
  allowUserLimitedChannels && users !== undefined

const verdict = (isOk: boolean): Permission => (isOk ? 'ok' : Errors.permissionDenied)

/** What is left where neither a token nor an app decides. What a subscription was given is no way to another one. */
export function maySubscribe(question: Question): Permission {
  const namespace = findNamespace(question)
  if (isRefused(namespace)) return namespace
  const { channel, user, capabilities, insecure } = question
  const isGiven = isCapable(capabilities, 'subscribe', channel)
  if (channel.isPrivate) return verdict(isGiven) // P4
  const isListed = user !== '' && channel.users?.includes(user) === true
  const isOpen = isUserLimited(namespace, channel) ? isListed : isAllowed(namespace.allowSubscribe, question)
  return verdict(isOpen || isGiven || insecure)
}

/** P3. `itself` = user-limited: {@link maySubscribe} decides, not who is asked. So it is where P4 says that nobody is. */
export function canAskSubscribe(question: Question): Permission | 'itself' {
  const namespace = findNamespace(question)
  if (isRefused(namespace)) return namespace
  const { channel, hasToken = false } = question
  const lacksToken = channel.isPrivate && !hasToken
  return isUserLimited(namespace, channel) || lacksToken ? 'itself' : 'ok'
}

/** Whether the channel is one at all: what holds before a token is believed, and of what a server subscribes to. */
export function canSubscribe(question: Question): Permission {
  const namespace = findNamespace(question)
  return isRefused(namespace) ? namespace : 'ok'
}

/** P3. */
export function canAskPublish(question: Question): Permission {
  const namespace = findNamespace(question)
  return isRefused(namespace) ? namespace : 'ok'
}

/** P3. */
export function canAskPresence(question: Question): Permission {
  const namespace = findNamespace(question)
  if (isRefused(namespace)) return namespace
  return namespace.hasPresence ? 'ok' : Errors.notAvailable // P2
}

/** P3. */
export function canAskHistory(question: Question): Permission {
  const namespace = findNamespace(question)
  if (isRefused(namespace)) return namespace
  return namespace.isDurable ? 'ok' : Errors.notAvailable // P2
}

export function mayPublish(question: Question): Permission {
  const namespace = findNamespace(question)
  if (isRefused(namespace)) return namespace
  return verdict(isAllowed(namespace.allowPublish, question) || isSaid('publish', question))
}

/** For `presence` and `presence_stats`. */
export function mayPresence(question: Question): Permission {
  const namespace = findNamespace(question)
  if (isRefused(namespace)) return namespace
  if (!namespace.hasPresence) return Errors.notAvailable // P2
  return verdict(isAllowed(namespace.allowPresence, question) || isSaid('presence', question))
}

export function mayHistory(question: Question): Permission {
  const namespace = findNamespace(question)
  if (isRefused(namespace)) return namespace
  if (!namespace.isDurable) return Errors.notAvailable // P2
  return verdict(isAllowed(namespace.allowHistory, question) || isSaid('history', question))
}

export interface Features {
  readonly positioned: boolean
  readonly recoverable: boolean
  /** Joins and leaves are pushed to this subscription. */
  readonly pushesJoinLeave: boolean
}

/** Shared: every subscription keeps one. */
const allFeatures: readonly Features[] = Array.from({ length: 8 }, (_, bits) =>
  Object.freeze({
    positioned: (bits & 1) !== 0,
    recoverable: (bits & 2) !== 0,
    pushesJoinLeave: (bits & 4) !== 0,
  }),
)

const noFeatures: Features = { positioned: false, recoverable: false, pushesJoinLeave: false }

const sharedFeatures = ({ positioned, recoverable, pushesJoinLeave }: Features): Features =>
  allFeatures[(positioned ? 1 : 0) | (recoverable ? 2 : 0) | (pushesJoinLeave ? 4 : 0)] ?? noFeatures

/**
 * Which features a subscription gets: what the namespace forces, and of what the client asked for, what it allows or what the
 * user could ask for by command anyway. The rest is silently off [13.4]. Call it after `maySubscribe` said ok.
 */
export function grantFeatures(
  question: Question,
  asked: { positioned?: boolean; recoverable?: boolean; join_leave?: boolean },
): Features {
  const { namespace } = question
  if (namespace === undefined) return noFeatures
  const asSubscriber = { ...question, isSubscribed: true }
  const grants = (mode: Namespace['recovery'], isAsked: boolean): boolean =>
    mode === 'forced' || (isAsked && (mode === 'allowed' || mayHistory(asSubscriber) === 'ok'))
  const recoverable = grants(namespace.recovery, asked.recoverable === true)
  return sharedFeatures({
    recoverable,
    positioned: recoverable || grants(namespace.positioning, asked.positioned === true),
    pushesJoinLeave:
      namespace.emitsJoinLeave &&
      (namespace.forcePushJoinLeave || (asked.join_leave === true && mayPresence(asSubscriber) === 'ok')),
  })
}
