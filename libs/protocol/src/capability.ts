/**
 * What one connection may do beside what its namespaces allow: said by whoever let it in.
 *
 * C1. A name is covered by itself. What a `*` at the end of a pattern stands for holds no sign of the grammar that closes a channel:
 *     `chat:*` reaches neither `$chat:a` nor `chat:#ana`; `$chat:*` and `chat:#*` do.
 * C2. A `*` anywhere else is a letter.
 */
import type { ChannelName } from './channel-name.js'

export type CapableVerb = 'subscribe' | 'publish' | 'presence' | 'history'

export interface Capability {
  /** Channel names; `*` at the end stands for any rest. */
  readonly channels: readonly string[]
  readonly allow: readonly CapableVerb[]
}

export function isCapable(
  capabilities: readonly Capability[] | undefined,
  verb: CapableVerb,
  channel: ChannelName,
): boolean {
  if (capabilities === undefined) return false
  return capabilities.some(
    ({ allow, channels }) => allow.includes(verb) && channels.some((pattern) => covers(pattern, channel)),
  )
}

function covers(pattern: string, { name, isPrivate, users }: ChannelName): boolean {
  if (pattern === name) return true
  if (!pattern.endsWith('*')) return false // C2
  const start = pattern.slice(0, -1)
  if (!name.startsWith(start)) return false
  const isOpen = !isPrivate || start.startsWith('$')
  return isOpen && (users === undefined || start.includes('#')) // C1
}
