/** What an app asked, looked at before it is done: it came over the wire, and may be of another version. */
import {
  canAskHistory,
  canAskPresence,
  canAskPublish,
  type Namespace,
  type Permission,
  type Question,
} from '@natter/auth'
import { Errors, type ChannelGrammar } from '@natter/protocol'
import { RefusedError } from './refusal.js'

/** Which channels there are. */
export interface ChannelRules {
  readonly grammar: ChannelGrammar
  namespace(this: void, name: string): Namespace | undefined
}

const rules = { publish: canAskPublish, presence: canAskPresence, history: canAskHistory }

/**
 * The namespace of a channel in which apps may do this: what the namespace allows to clients doesn't bind them, its channel names and
 * what is switched off do.
 *
 * @throws RefusedError 102 no such namespace, 107 not a name in it, 108 switched off.
 */
export function demandChannel(
  { grammar, namespace: namespaceOf }: ChannelRules,
  rule: keyof typeof rules,
  channel: unknown,
): Namespace {
  if (typeof channel !== 'string' || channel === '')
    throw new RefusedError(Errors.badRequest, 'A channel needs a name')
  const name = grammar.parse(channel)
  const namespace = namespaceOf(name.namespace)
  const question: Question = { user: '', namespace, channel: name, isSubscribed: false, insecure: false }
  const verdict: Permission = rules[rule](question)
  if (verdict !== 'ok') throw new RefusedError(verdict)
  if (namespace === undefined) throw new Error('a rule allowed a channel without namespace')
  return namespace
}

/** @throws RefusedError 107. */
export function demand(isRight: boolean, sentence: string): asserts isRight {
  if (!isRight) throw new RefusedError(Errors.badRequest, sentence)
}

export const isText = (value: unknown): value is string => typeof value === 'string'

export const isTextRecord = (value: unknown): value is Record<string, string> =>
  typeof value === 'object' && value !== null && Object.values(value).every((one) => isText(one))

/** Whole, and in `from ≤ value ≤ to`. */
export const isWhole = (value: unknown, from: number, to: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= from && (value as number) <= to
