/**
 * The grammar of channel names: `[$][namespace:]rest[#user,user…]` (docs/protocol.md, 13.1). Parsing never fails; whether a
 * name may be used is {@link ChannelGrammar.validate} and the namespace's business.
 */
import { Errors, type ErrorCode } from './codes.js'
import { Limits } from './limits.js'
import { inspectText } from './text.js'

/** What the grammar is made of. An empty sign: there is no such thing in this mesh. */
export interface ChannelSigns {
  /** In front of names that need a subscription token. Default `$`. */
  readonly privatePrefix: string
  /** Ends the namespace. Default `:`. */
  readonly namespaceBoundary: string
  /** Begins the users. Default `#`. */
  readonly userBoundary: string
  /** Between two users; empty: all that follows the boundary is one user. Default `,`. */
  readonly userSeparator: string
}

/** One mesh has one grammar, made once: it says which channel is which. */
export interface ChannelGrammar extends ChannelSigns {
  /** UTF-8 bytes of a name. Default 255. */
  readonly maxBytes: number
  parse(name: string): ChannelName
  /**
   * What no namespace can allow (`allowNonAscii: true`: too long, ill-formed, control characters), and with
   * `allowNonAscii: false` also what is beyond ASCII, for namespaces without a `channel_regex`.
   *
   * By 7.2 the first is asked before the namespace is known and the second after. An empty name is not an answer here: it
   * closes the connection (3501) before.
   */
  validate(name: string, options: { allowNonAscii: boolean }): ErrorCode | undefined
}

export interface ChannelName {
  /** The whole name, as it came. */
  readonly name: string
  /** The text before the first `:`, a leading `$` not counted; '' = the options without namespace. */
  readonly namespace: string
  /** Starts with `$`: only with a subscription token. */
  readonly isPrivate: boolean
  /** What follows the namespace: the part that `channel_regex` speaks about. */
  readonly rest: string
  /** The ids after the last `#`, as written; absent in a name without one. */
  readonly users?: readonly string[]
  /** By which it was read. */
  readonly grammar: ChannelGrammar
}

export const usualSigns: ChannelSigns = Object.freeze({
  privatePrefix: '$',
  namespaceBoundary: ':',
  userBoundary: '#',
  userSeparator: ',',
})

/** Half a kilobyte each. */
const maxKnownNames = 2_000

export function createChannelGrammar(
  given: Partial<ChannelSigns & { maxBytes: number }> = {},
): ChannelGrammar {
  const maxBytes = given.maxBytes ?? Limits.maxChannelBytes
  const signs: ChannelSigns = { ...usualSigns, ...given }
  /** Most commands speak of few channels, and each is asked about several times. */
  const known = new Map<string, ChannelName>()
  const grammar: ChannelGrammar = Object.freeze({
    ...signs,
    maxBytes,
    parse(name: string): ChannelName {
      const present = known.get(name)
      if (present !== undefined) return present
      const parsed: ChannelName = Object.freeze({ ...split(name, signs), grammar })
      if (name.length > maxBytes) return parsed // nobody may use it
      if (known.size >= maxKnownNames) known.clear()
      known.set(name, parsed)
      return parsed
    },
    validate: (name: string, options: { allowNonAscii: boolean }) => validate(name, maxBytes, options),
  })
  return grammar
}

function split(
  name: string,
  { privatePrefix, namespaceBoundary, userBoundary, userSeparator }: ChannelSigns,
): Omit<ChannelName, 'grammar'> {
  const isPrivate = privatePrefix !== '' && name.startsWith(privatePrefix)
  const body = isPrivate ? name.slice(privatePrefix.length) : name
  const colon = namespaceBoundary === '' ? -1 : body.indexOf(namespaceBoundary)
  const namespace = colon === -1 ? '' : body.slice(0, colon)
  const rest = colon === -1 ? body : body.slice(colon + namespaceBoundary.length)
  const hash = userBoundary === '' ? -1 : name.lastIndexOf(userBoundary)
  if (hash === -1) return { name, namespace, isPrivate, rest }
  const listed = name.slice(hash + userBoundary.length)
  return {
    name,
    namespace,
    isPrivate,
    rest,
    users: userSeparator === '' ? [listed] : listed.split(userSeparator),
  }
}

function validate(
  name: string,
  maxBytes: number,
  { allowNonAscii }: { allowNonAscii: boolean },
): ErrorCode | undefined {
  if (name.length > maxBytes) return Errors.badRequest // a unit is at least a byte: no need to count
  const facts = inspectText(name)
  const isUsable =
    facts.utf8Bytes <= maxBytes && facts.isWellFormed && !facts.hasControl && (facts.isAscii || allowNonAscii)
  return isUsable ? undefined : Errors.badRequest
}

/** The grammar of a mesh that says nothing else. */
export const usualGrammar = createChannelGrammar()

/** By the {@link usualGrammar}. */
export const parseChannelName = (name: string): ChannelName => usualGrammar.parse(name)

/** By the {@link usualGrammar}. */
export const validateChannelName = (
  name: string,
  options: { allowNonAscii: boolean },
): ErrorCode | undefined => usualGrammar.validate(name, options)
