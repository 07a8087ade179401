/** Who may do what: what no app decides. As gateways have it, with everything off that isn't named here. */
import type { Capability, CapableVerb, NamespaceHook } from '@natter/hooks'
import { Errors, isCapable, parseChannelName, validateChannelName, type ErrorCode } from '@natter/protocol'

export interface MemoryNamespace {
  /** `stream` (default): publications have positions and can be read back. `none`: gone once delivered. */
  keep?: 'stream' | 'none'
  /** What clients may do here where no app answers for it. Default: nothing. */
  allow?: readonly NamespaceHook[]
}

export interface Namespace {
  readonly name: string
  readonly isKept: boolean
  readonly allow: readonly NamespaceHook[]
}

export type Namespaces = Readonly<Record<string, MemoryNamespace>>

export function namespaceOf(namespaces: Namespaces, channel: string): Namespace {
  const { namespace: name } = parseChannelName(channel)
  const { keep = 'stream', allow = [] } = Object.hasOwn(namespaces, name) ? namespaces[name]! : {}
  return { name, isKept: keep === 'stream', allow }
}

/** What stands against any use of this name. */
export function badName(channel: string): ErrorCode | undefined {
  return channel === '' ? Errors.badRequest : validateChannelName(channel, { allowNonAscii: false })
}

export interface Question {
  readonly verb: NamespaceHook
  readonly channel: string
  readonly namespace: Namespace
  readonly capabilities: readonly Capability[] | undefined
  /** What its subscription was given; undefined = it has none, or was given nothing. */
  readonly allowed?: readonly CapableVerb[] | undefined
  /** Whether an app answers for it. */
  readonly isDemanded: boolean
  /** A subscription token came with it, for the app to judge. */
  readonly hasToken?: boolean
}

/** `ask` the app, or the verdict. */
export function decide(question: Question): 'ask' | 'ok' | ErrorCode {
  const { verb, channel, namespace, capabilities, allowed, isDemanded, hasToken = false } = question
  const problem = badName(channel)
  if (problem !== undefined) return problem
  if (verb === 'history' && !namespace.isKept) return Errors.notAvailable
  const name = parseChannelName(channel)
  const isClosed = verb === 'subscribe' && name.isPrivate
  if (isDemanded && (!isClosed || hasToken)) return 'ask'
  const isAllowed = namespace.allow.includes(verb) && !isClosed
  const isSaid = allowed?.includes(verb) === true || isCapable(capabilities, verb, name)
  return isAllowed || isSaid ? 'ok' : Errors.permissionDenied
}
