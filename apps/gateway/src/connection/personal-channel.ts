import type { ChannelGrammar } from '@natter/protocol'

/**
 * The channel of one user alone: `#<user>`, or `<namespace>:#<user>`. Undefined for users who can't have one: the anonymous, and
 * those whose id would make it a channel of somebody else (`,` and `#` are signs in names), or of another namespace, or no name at all.
 * Nobody has one in a mesh without such signs.
 */
export function personalChannelOf(
  grammar: ChannelGrammar,
  user: string,
  namespace: string,
): string | undefined {
  if (user === '') return undefined
  const space = namespace === '' ? '' : `${namespace}${grammar.namespaceBoundary}`
  const channel = `${space}${grammar.userBoundary}${user}`
  const name = grammar.parse(channel)
  const isTheirs = name.namespace === namespace && name.users?.length === 1 && name.users[0] === user
  const isName = grammar.validate(channel, { allowNonAscii: true }) === undefined
  return isTheirs && isName && !name.isPrivate ? channel : undefined
}
