import {
  grantFeatures,
  judgeSubscribe,
  type Features,
  type Judge,
  type Namespace,
  type Question,
} from '@natter/auth'
import { Errors, type SubscribeRequest } from '@natter/protocol'
import type { EphemeralChannel } from '../../channels/ephemeral-channel.js'
import { appJson } from '../../hooks/app-json.js'
import { callerOf } from '../../hooks/caller.js'
import type { Choice } from '../../channels/choice.js'
import { choiceOf } from '../choice-of.js'
import { clientInfoOf } from '../client-info.js'
import { commandTimeoutMs } from '../command-deadline.js'
import { CommandError } from '../command-error.js'
import type { Connection } from '../connection.js'
import { endSubscription } from '../end-subscription.js'
import { connectionClosed } from '../facts.js'
import type { Services } from '../services.js'
import { Subscription } from '../subscription.js'
import { lifetimeOf } from '../subscription-end.js'
import { enter, overrideBy, termsOf } from '../subscription-terms.js'
import { lastTurn, WaitingTurn } from '../turns.js'
import { isUnsupported } from '../unsupported.js'
import { joinDurable } from './join-durable.js'
import type { Joining } from './joining.js'
import { demand, questionOf } from './question.js'
import { admitByToken } from './subscription-token.js'

/** `subscribe` [7], once what the client left before it has ended. */
export async function subscribeCommand(
  services: Services,
  connection: Connection,
  id: number,
  request: SubscribeRequest,
): Promise<void> {
  const before = lastTurn(services.hub.subscription(connection, request.channel))
  if (before?.isLeaving !== true) return subscribe(services, connection, id, request)
  const turn = new WaitingTurn(before, services.clock.now())
  await before.settled // the unsubscribe before this one goes first
  try {
    services.revocations.demandRead()
    if (connection.isConnected) await subscribe(services, connection, id, request, turn)
  } finally {
    turn.over() // where it didn't begin
  }
}

/** Checks, the app's word where it is demanded, then the way into the channel. From the check on the hub knows it. */
async function subscribe(
  services: Services,
  connection: Connection,
  id: number,
  request: SubscribeRequest,
  turn?: WaitingTurn,
): Promise<void> {
  const { hub, clock } = services
  const { features, namespace, choice, judge } = check(services, connection, request)
  const info = clientInfoOf(connection)
  const subscription = new Subscription(request.channel, namespace, info, features, undefined, choice)
  subscription.commandId = id
  hub.subscribe(connection, request.channel, subscription)
  turn?.begin(subscription)
  const leftMs = turn === undefined ? commandTimeoutMs : turn.leftMs(clock.now())
  const late = clock.setTimer(() => giveUp(services, connection, subscription, id), leftMs)
  try {
    if (judge === 'token') await admitByToken(services, connection, subscription, request)
    else if (judge === 'app') await askApp(services, connection, subscription, request)
    if (!subscription.isWanted) return
    const written = services.facts.subscribing(connection, subscription)
    if (written !== undefined) await written
    if (!subscription.isWanted) return
    services.revocations.demandRead()
    const channel = services.channels.acquire(request.channel, namespace)
    if (channel.isDurable) await joinDurable(services, { id, request, connection, subscription, channel })
    else await joinEphemeral(services, channel, { id, request, connection, subscription })
    if (subscription.isWanted) enter(services, connection, subscription)
  } catch (error) {
    if (!subscription.isWanted) return // whoever ended it has answered
    endSubscription(services, connection, subscription, connectionClosed)
    throw error
  } finally {
    late.cancel()
  }
}

async function joinEphemeral(
  services: Services,
  channel: EphemeralChannel,
  { id, request, connection, subscription }: Omit<Joining, 'channel'>,
): Promise<void> {
  await channel.whenLive()
  if (!subscription.isWanted) return
  const data = subscription.terms?.data
  subscription.replied()
  connection.reply({
    id,
    subscribe: {
      ...(request.recover === true ? { was_recovering: true } : {}),
      ...(data === undefined ? {} : { data }),
      ...lifetimeOf(services, subscription),
    },
  })
  services.audience.join(connection, subscription)
}

/** Nothing was replied in time: the answer is "try again", and what is still on its way finds nobody. */
function giveUp(services: Services, connection: Connection, subscription: Subscription, id: number): void {
  if (subscription.state !== 'pending') return
  endSubscription(services, connection, subscription, connectionClosed)
  connection.reply({ id, error: Errors.internal })
}

/** The subscription may end while the app thinks: then what it says is nobody's business any more. */
async function askApp(
  services: Services,
  connection: Connection,
  subscription: Subscription,
  request: SubscribeRequest,
): Promise<void> {
  const { token, data } = request
  const { channel, namespace } = subscription
  const { hooks, clock, options } = services
  const decision = await hooks.ask<'subscribe'>(
    {
      kind: 'subscribe',
      caller: callerOf(connection, options.name),
      namespace: namespace.name,
      channel,
      ...(token === undefined ? {} : { token }),
      ...(data === undefined ? {} : { data }),
    },
    connection,
  )
  if (!subscription.isWanted) return
  const nowMs = clock.now()
  if (decision.expiresAtMs !== undefined && decision.expiresAtMs <= nowMs)
    throw new CommandError(Errors.expired)
  subscription.admit(termsOf(decision, false, nowMs), appJson(decision.infoJson, 'infoJson'))
  overrideBy(decision.override, subscription, questionOf(services, connection, channel), request)
}

/** The checks of [7.2], in its order. */
function check(
  services: Services,
  connection: Connection,
  request: SubscribeRequest,
): { features: Features; namespace: Namespace; choice: Choice | undefined; judge: Judge } {
  const { hub, options, grammar } = services
  const tooLong = grammar.validate(request.channel, { allowNonAscii: true })
  if (tooLong !== undefined) throw new CommandError(tooLong)
  if (hub.subscription(connection, request.channel) !== undefined)
    throw new CommandError(Errors.alreadySubscribed)
  if (hub.channelCountOf(connection) >= options.client.maxChannels)
    throw new CommandError(Errors.limitExceeded)
  const question = questionOf(services, connection, request.channel)
  const { judge, permission } = judgeOf(services, question, request)
  const namespace = demand(() => permission, question)
  if (isUnsupported(services, 'subscribe', request.type)) throw new CommandError(Errors.notAvailable)
  const features = grantFeatures(question, request)
  const choice = choiceOf(namespace, features, request)
  return { namespace, features, choice, judge }
}

/** [13.3] */
function judgeOf(
  { hooks, verifier }: Services,
  question: Question,
  { token = '' }: SubscribeRequest,
): ReturnType<typeof judgeSubscribe> {
  const hasToken = token !== ''
  const canBelieve = hasToken && verifier.hasSubscriptionKeys
  const isAsked = hooks.isDemanded('subscribe', question.channel.namespace)
  return judgeSubscribe({ ...question, hasToken }, { canBelieve, isAsked })
}
