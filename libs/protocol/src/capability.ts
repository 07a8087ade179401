/**
 * What one connection may do beside what its namespaces allow: said by whoever let it in.
 *
 * C1. A `*` opens nothing that a sign of the grammar closes: `chat:*` reaches neither `$chat:a` nor `chat:#ana`; `$chat:*` and `chat:#*` do.
 *     Of expressions the same holds: `.`, classes and ranges stand for no such sign.
 * C2. The first entry that covers a channel decides about it alone: what a later one says of the channel is not looked at.
 */
import type { ChannelName } from './channel-name.js'
import { isGlob } from './glob.js'
import { compilePattern, type LinearPattern } from './linear-pattern.js'

export type CapableVerb = 'subscribe' | 'publish' | 'presence' | 'history'

export interface Capability {
  /** Names or patterns of channels. */
  readonly channels: readonly string[]
  /**
   * How `channels` are read. `exact`: as names. `wildcard`: `*` stands for any run of characters. `regex`: as expressions for the whole
   * name (`linear-pattern.ts`). Absent: as names, and a `*` at the end stands for any rest.
   */
  readonly match?: 'exact' | 'wildcard' | 'regex'
  readonly allow: readonly CapableVerb[]
}

export const capableVerbs: readonly CapableVerb[] = ['subscribe', 'publish', 'presence', 'history']

/** What a list may hold: it is looked through for each command, and kept with the connection. */
export const CapabilityLimits = Object.freeze({ entries: 64, channels: 256, patternLength: 512 })

export function isCapable(
  capabilities: readonly Capability[] | undefined,
  verb: CapableVerb,
  channel: ChannelName,
): boolean {
  const first = capabilities?.find(({ channels, match }) =>
    channels.some((pattern) => covers(pattern, match, channel)),
  ) // C2
  return first?.allow.includes(verb) === true
}

/** What is wrong with a list of the right form, or undefined. */
export function capabilityProblem(capabilities: readonly Capability[]): string | undefined {
  const { entries, channels, patternLength } = CapabilityLimits
  if (capabilities.length > entries) return `has more than ${entries} entries`
  const patterns = capabilities.flatMap((one) => one.channels)
  if (patterns.length > channels) return `names more than ${channels} channels`
  if (patterns.some((pattern) => pattern.length > patternLength))
    return `has a channel of more than ${patternLength} characters`
  for (const { match, channels: sources } of capabilities) {
    const wrong = match === 'regex' ? sources.find((source) => compiled(source) === undefined) : undefined
    if (wrong !== undefined) return 'has a regular expression that is none, or can do more than is known here'
  }
  return undefined
}

function covers(pattern: string, match: Capability['match'], channel: ChannelName): boolean {
  switch (match) {
    case 'exact':
      return pattern === channel.name
    case 'wildcard':
      return isWild(pattern, channel)
    case 'regex':
      return isExpressed(pattern, channel)
    case undefined:
      if (pattern === channel.name) return true
      return pattern.endsWith('*') && startsAs(pattern.slice(0, -1), channel)
  }
}

/** C1 */
function startsAs(start: string, { name, isPrivate, users, grammar }: ChannelName): boolean {
  if (!name.startsWith(start)) return false
  if (isPrivate && !start.startsWith(grammar.privatePrefix)) return false
  return users === undefined || !name.slice(start.length).includes(grammar.userBoundary)
}

/** C1: a star stands for no boundary of users, so the parts between these answer to each other one by one. */
function isWild(pattern: string, { name, isPrivate, users, grammar }: ChannelName): boolean {
  const { privatePrefix, userBoundary } = grammar
  if (isPrivate && !pattern.startsWith(privatePrefix)) return false
  if (users === undefined) return isGlob(pattern, name)
  const [patterns, parts] = [pattern.split(userBoundary), name.split(userBoundary)]
  return patterns.length === parts.length && patterns.every((one, index) => isGlob(one, parts[index] ?? ''))
}

/** C1 */
function isExpressed(source: string, { name, isPrivate, users, grammar }: ChannelName): boolean {
  const boundary = grammar.userBoundary.codePointAt(0)
  const isClosed = (point: number, place: number): boolean =>
    (isPrivate && place === 0) || (users !== undefined && point === boundary)
  return compiled(source)?.matches(name, isClosed) === true
}

/** Undefined: it is none. */
function compiled(source: string): LinearPattern | undefined {
  if (known.has(source)) return known.get(source)
  const pattern = compileOr(source)
  if (known.size >= maxKnown) known.clear()
  known.set(source, pattern)
  return pattern
}

/** Tokens of many users say the same; those that each say something else push each other out. */
const known = new Map<string, LinearPattern | undefined>()
const maxKnown = 200

function compileOr(source: string): LinearPattern | undefined {
  try {
    return compilePattern(source)
  } catch {
    return undefined
  }
}
