import {
  canAskHistory,
  canAskPresence,
  mayHistory,
  mayPresence,
  type Namespace,
  type Permission,
  type Question,
} from '@natter/auth'
import { Errors } from '@natter/protocol'
import { callerOf } from '../../hooks/caller.js'
import { CommandError } from '../command-error.js'
import type { Connection } from '../connection.js'
import type { Services } from '../services.js'
import { lastTurn } from '../turns.js'

/** What the permission rules need to know of a command on a channel. */
export function questionOf(services: Services, connection: Connection, channel: string): Question {
  const name = services.grammar.parse(channel)
  const subscription = services.hub.subscription(connection, channel)
  const isSubscribed = subscription?.isGranted === true
  return {
    user: connection.user,
    namespace: services.namespace(name.namespace),
    channel: name,
    isSubscribed,
    insecure: services.options.client.insecure,
    capabilities: connection.identity?.capabilities,
    allowed: isSubscribed ? subscription.terms?.allow : undefined,
  }
}

/**
 * Beside what any rule says, the app is asked where it answers for this. A subscribe that came before is waited for: it may permit it, and
 * is to be seen.
 */
export async function demandFromApp(
  services: Services,
  connection: Connection,
  kind: 'presence' | 'history',
  channel: string,
): Promise<Namespace> {
  const before = lastTurn(services.hub.subscription(connection, channel))
  if (before?.isJoining === true) {
    await before.settled
    services.revocations.demandRead()
  }
  if (!connection.isConnected) throw new CommandError(Errors.unauthorized) // gone meanwhile: nobody is asked, nobody hears of it
  const question = questionOf(services, connection, channel)
  const { rule, canAsk } = rules[kind]
  if (!services.hooks.isDemanded(kind, question.channel.namespace)) return demand(rule, question)
  const namespace = demand(canAsk, question)
  const caller = callerOf(connection, services.options.name)
  await services.hooks.ask<typeof kind>({ kind, caller, namespace: namespace.name, channel }, connection)
  services.revocations.demandRead()
  return namespace
}

const rules = {
  presence: { rule: mayPresence, canAsk: canAskPresence },
  history: { rule: mayHistory, canAsk: canAskHistory },
}

/** The namespace, once a rule has said yes; else the rule's error. */
export function demand(rule: (question: Question) => Permission, question: Question): Namespace {
  const verdict = rule(question)
  if (verdict !== 'ok') throw new CommandError(verdict)
  if (question.namespace === undefined) throw new Error('a rule allowed a channel without namespace')
  return question.namespace
}
