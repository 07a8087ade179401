import type { Namespace, Permission, Question } from '@natter/auth'
import { parseChannelName } from '@natter/protocol'
import { CommandError } from '../command-error.js'
import type { Connection } from '../connection.js'
import type { Services } from '../services.js'

/** What the permission rules need to know of a command on a channel. */
export function questionOf(services: Services, connection: Connection, channel: string): Question {
  const name = parseChannelName(channel)
  return {
    user: connection.user,
    namespace: services.namespace(name.namespace),
    channel: name,
    isSubscribed: services.hub.subscription(connection, channel)?.state === 'joined',
    insecure: services.options.client.insecure,
  }
}

/** The namespace, once a rule has said yes; else the rule's error. */
export function demand(rule: (question: Question) => Permission, question: Question): Namespace {
  const verdict = rule(question)
  if (verdict !== 'ok') throw new CommandError(verdict)
  if (question.namespace === undefined) throw new Error('a rule allowed a channel without namespace')
  return question.namespace
}
