/**
 * The grammar of channel names: `[$][namespace:]rest[#user,user…]` (docs/protocol.md, 13.1). Parsing never fails; whether a
 * name may be used is {@link validateChannelName} and the namespace's business.
 */
import { Errors, type ErrorCode } from './codes.js'
import { Limits } from './limits.js'
import { inspectText } from './text.js'

export interface ChannelName {
  /** The whole name, as it came. */
  name: string
  /** The text before the first `:`, a leading `$` not counted; '' = the options without namespace. */
  namespace: string
  /** Starts with `$`: only with a subscription token. */
  isPrivate: boolean
  /** What follows the namespace: the part that `channel_regex` speaks about. */
  rest: string
  /** The ids after the last `#`, as written; absent in a name without one. */
  users?: readonly string[]
}

export function parseChannelName(name: string): ChannelName {
  const known = knownNames.get(name)
  if (known !== undefined) return known
  const parsed: ChannelName = Object.freeze(parse(name))
  if (name.length > Limits.maxChannelBytes) return parsed // nobody may use it
  if (knownNames.size >= maxKnownNames) knownNames.clear()
  knownNames.set(name, parsed)
  return parsed
}

/** Most commands speak of few channels, and each is asked about several times. */
const knownNames = new Map<string, ChannelName>()
/** Half a kilobyte each. */
const maxKnownNames = 2_000

function parse(name: string): ChannelName {
  const isPrivate = name.startsWith('$')
  const body = isPrivate ? name.slice(1) : name
  const colon = body.indexOf(':')
  const namespace = colon === -1 ? '' : body.slice(0, colon)
  const rest = body.slice(colon + 1)
  const hash = name.lastIndexOf('#')
  if (hash === -1) return { name, namespace, isPrivate, rest }
  return { name, namespace, isPrivate, rest, users: name.slice(hash + 1).split(',') }
}

/**
 * What no namespace can allow (`allowNonAscii: true`: too long, ill-formed, control characters), and with
 * `allowNonAscii: false` also what is beyond ASCII, for namespaces without a `channel_regex`.
 *
 * By 7.2 the first is asked before the namespace is known and the second after. An empty name is not an answer here: it
 * closes the connection (3501) before.
 */
export function validateChannelName(
  name: string,
  options: { allowNonAscii: boolean },
): ErrorCode | undefined {
  if (name.length > Limits.maxChannelBytes) return Errors.badRequest // a unit is at least a byte: no need to count
  const facts = inspectText(name)
  const isUsable =
    facts.utf8Bytes <= Limits.maxChannelBytes &&
    facts.isWellFormed &&
    !facts.hasControl &&
    (facts.isAscii || options.allowNonAscii)
  return isUsable ? undefined : Errors.badRequest
}
