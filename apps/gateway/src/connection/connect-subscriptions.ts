/** Which subscriptions a connection begins with, and why it may not begin at all. [11] */
import {
  canSubscribe,
  grantFeatures,
  judgeSubscribe,
  overrideNamespace,
  type ClaimedSubscription,
  type Question,
} from '@natter/auth'
import {
  checkFilter,
  Disconnects,
  Errors,
  type Bytes,
  type ClientInfo,
  type ConnectRequest,
  type FilterNode,
} from '@natter/protocol'
import { appJson, BrokenAnswerError } from '../hooks/app-json.js'
import type { SubscriptionGift } from '../hooks/hooks.js'
import { choiceOf } from './choice-of.js'
import { CommandDisconnect, CommandError } from './command-error.js'
import type { Identity } from './connection.js'
import { personalChannelOf } from './personal-channel.js'
import type { Services } from './services.js'
import { Subscription, type Terms } from './subscription.js'
import { claimedTerms, termsOf } from './subscription-terms.js'
import { isUnsupported } from './unsupported.js'

export interface Beginning {
  readonly identity: Identity
  /** The connection's id. */
  readonly client: string
  /** What the app gave it, by channel. */
  readonly given: Readonly<Record<string, SubscriptionGift>> | undefined
  /** What its token gave it. */
  readonly claimed: ReadonlyMap<string, ClaimedSubscription> | undefined
  /** What the client says it had, by channel. */
  readonly asked: ConnectRequest['subs']
}

/**
 * The app's, the token's, the user's own, and of what the client asks for all that it could subscribe to by itself without asking an app; the
 * rest of that is left out. Not in the hub yet.
 *
 * @throws CommandDisconnect 3501 the client asks for a channel of an unknown namespace; 3505 there are too many.
 * @throws CommandError 102, 107 the token gave a channel that can't be.
 * @throws BrokenAnswerError the app did.
 */
export function beginSubscriptions(services: Services, beginning: Beginning): Subscription[] {
  const found = new Map<string, Subscription>()
  for (const [channel, options] of Object.entries(beginning.given ?? {})) {
    found.set(channel, give(services, beginning, channel, options))
  }
  for (const [channel, said] of beginning.claimed ?? []) {
    if (!found.has(channel)) found.set(channel, claim(services, beginning, channel, said))
  }
  const own = personal(services, beginning)
  if (own !== undefined && !found.has(own.channel)) found.set(own.channel, own)
  for (const [channel, asked] of Object.entries(beginning.asked ?? {})) {
    if (isUnsupported(services, 'connect', asked.type)) throw new CommandDisconnect(Disconnects.badRequest)
    const subscription = found.has(channel) ? undefined : admit(services, beginning, channel, asked.tf)
    if (subscription !== undefined) found.set(channel, subscription)
  }
  if (found.size > services.options.client.maxChannels) throw new CommandDisconnect(Disconnects.channelLimit)
  return [...found.values()]
}

/**
 * A subscription that the server makes, whatever the namespace allows to clients; the name has to be one, of a namespace that is there.
 *
 * @throws BrokenAnswerError when it isn't, or the options are broken.
 */
export function give(
  services: Services,
  { identity, client }: Pick<Beginning, 'identity' | 'client'>,
  channel: string,
  options: SubscriptionGift,
): Subscription {
  const question = questionOf(services, identity, channel)
  const verdict = channel === '' ? Errors.badRequest : canSubscribe(question)
  if (verdict !== 'ok' || question.namespace === undefined)
    throw new BrokenAnswerError(
      `an app subscribes to ${JSON.stringify(channel)}, which can't be a channel here`,
    )
  const namespace = overrideNamespace(question.namespace, options.override)
  return create({ ...question, namespace }, infoOf(identity, client), giftOf(services, options))
}

/** What a token says goes, whatever the namespace allows to clients. */
function claim(
  services: Services,
  { identity, client }: Beginning,
  channel: string,
  said: ClaimedSubscription,
): Subscription {
  const question = questionOf(services, identity, channel)
  const verdict = channel === '' ? Errors.badRequest : canSubscribe(question)
  if (verdict !== 'ok' || question.namespace === undefined)
    throw new CommandError(verdict === 'ok' ? Errors.unknownChannel : verdict)
  const namespace = overrideNamespace(question.namespace, said.override)
  const { info: chanInfo } = said
  return create({ ...question, namespace }, infoOf(identity, client), {
    terms: claimedTerms(said, true),
    chanInfo,
  })
}

function personal(services: Services, { identity, client }: Beginning): Subscription | undefined {
  const { personalChannel } = services.options.client
  if (personalChannel === undefined) return undefined
  const channel = personalChannelOf(services.grammar, identity.user, personalChannel.namespace)
  if (channel === undefined) return undefined
  const question = questionOf(services, identity, channel)
  if (canSubscribe(question) !== 'ok') return undefined // not a name in that namespace
  return create(question, infoOf(identity, client), giftOf(services, {}))
}

/** Undefined: not without a token, or an app's word, or a rule. */
function admit(
  services: Services,
  { identity, client }: Beginning,
  channel: string,
  tf: FilterNode | undefined,
): Subscription | undefined {
  const question = questionOf(services, identity, channel)
  if (question.namespace === undefined) throw new CommandDisconnect(Disconnects.badRequest)
  const isAsked = services.hooks.isDemanded('subscribe', question.channel.namespace)
  const { judge, permission } = judgeSubscribe(question, { canBelieve: false, isAsked })
  if (channel === '' || judge !== 'rule' || permission !== 'ok') return undefined
  const isFilterRefused =
    tf !== undefined && (!question.namespace.allowsTagsFilter || checkFilter(tf) !== undefined)
  if (isFilterRefused) return undefined // all of the channel is not what it asked for
  return create(question, infoOf(identity, client), byRule, tf)
}

/** Shared: nothing is said of it. */
const byRule: Gift = { terms: Object.freeze({ isServerSide: true, isByRule: true }), chanInfo: undefined }

interface Gift {
  readonly terms: Terms
  readonly chanInfo: Bytes | undefined
}

const giftOf = ({ clock }: Services, options: SubscriptionGift): Gift => ({
  terms: termsOf(options, true, clock.now()),
  chanInfo: appJson(options.infoJson, 'infoJson'),
})

function create(
  question: Question,
  info: ClientInfo,
  { terms, chanInfo }: Gift,
  tf?: FilterNode,
): Subscription {
  const { namespace, channel } = question
  if (namespace === undefined) throw new Error('a subscription without namespace')
  const features = grantFeatures(question, {})
  const shown = chanInfo === undefined ? info : { ...info, chanInfo }
  const choice = tf === undefined ? undefined : choiceOf(namespace, features, { tf })
  return new Subscription(channel.name, namespace, shown, features, terms, choice)
}

function questionOf(services: Services, { user, capabilities }: Identity, channel: string): Question {
  const name = services.grammar.parse(channel)
  return {
    user,
    namespace: services.namespace(name.namespace),
    channel: name,
    isSubscribed: false,
    insecure: services.options.client.insecure,
    capabilities,
  }
}

function infoOf({ user, connInfo }: Identity, client: string): ClientInfo {
  return connInfo === undefined ? { user, client } : { user, client, connInfo }
}
