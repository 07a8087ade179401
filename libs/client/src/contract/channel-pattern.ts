/**
 * Names of channels as a contract writes them: `namespace:path`, where the path is what a handler of `@natter/nest` is declared with.
 * `chat::room` is every channel that `@OnPublish(':room')` in a `@ChannelController('chat')` answers for.
 *
 * N1. A pattern means here what it means there: `:name` takes everything up to the next literal character of the path, at least one
 *     character, and the last one takes the rest. Where two patterns fit a channel the one with more literal characters wins.
 * N2. Channels without a namespace: a pattern without a colon is a whole name, and one that begins with a colon is a path: `:#:user`.
 */
import { InvalidError } from '@natter/primitives'

type Small =
  | ('a' | 'b' | 'c' | 'd' | 'e' | 'f' | 'g' | 'h' | 'i' | 'j' | 'k' | 'l' | 'm')
  | ('n' | 'o' | 'p' | 'q' | 'r' | 's' | 't' | 'u' | 'v' | 'w' | 'x' | 'y' | 'z')
type NameChar = Small | Uppercase<Small> | '_' | '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9'

type AfterName<Text extends string> = Text extends `${infer First}${infer Rest}`
  ? First extends NameChar
    ? AfterName<Rest>
    : Text
  : ''

type NameIn<Text extends string, Taken extends string = ''> = Text extends `${infer First}${infer Rest}`
  ? First extends NameChar
    ? NameIn<Rest, `${Taken}${First}`>
    : Taken
  : Taken

type NameOfPath<Path extends string> = Path extends `${infer Literal}:${infer Rest}`
  ? `${Literal}${string}${NameOfPath<AfterName<Rest>>}`
  : Path

type ParamsOfPath<Path extends string> = Path extends `${string}:${infer Rest}`
  ? NameIn<Rest> | ParamsOfPath<AfterName<Rest>>
  : never

/** The channel names that a pattern takes in: `chat:${string}` of `chat::room`. */
export type NameOf<Pattern extends string> = string extends Pattern
  ? string
  : Pattern extends `:${infer Path}`
    ? NameOfPath<Path>
    : Pattern extends `${infer Namespace}:${infer Path}`
      ? `${Namespace}:${NameOfPath<Path>}`
      : Pattern

type ParamName<Pattern extends string> = string extends Pattern
  ? string
  : Pattern extends `:${infer Path}`
    ? ParamsOfPath<Path>
    : Pattern extends `${string}:${infer Path}`
      ? ParamsOfPath<Path>
      : never

/** The parameters of a pattern, each a text: `{ room: string }` of `chat::room`. */
export type ParamsOf<Pattern extends string> = Readonly<Record<ParamName<Pattern>, string>>

type Matching<Patterns extends string, Name extends string> = Patterns extends string
  ? Name extends NameOf<Patterns>
    ? Patterns
    : never
  : never

/** Whether one of the others takes in less: all its names are names of this one. N1. */
type HasNarrower<Pattern extends string, All extends string> = true extends (
  All extends Pattern ? false : NameOf<All> extends NameOf<Pattern> ? true : false
)
  ? true
  : false

type Narrowest<Patterns extends string, All extends string = Patterns> = Patterns extends string
  ? HasNarrower<Patterns, All> extends true
    ? never
    : Patterns
  : never

/** The pattern that a channel's name falls under. N1. */
export type PatternFor<Patterns extends string, Name extends string> = Narrowest<Matching<Patterns, Name>>

const parameter = /:([A-Za-z_][A-Za-z0-9_]*)/

/** What stands before the path, and the path's parts: literal, name, literal, name, …, literal. */
function partsOf(pattern: string): { prefix: string; parts: readonly string[] } {
  const colon = pattern.indexOf(':')
  if (colon === -1) return { prefix: pattern, parts: [''] }
  return {
    prefix: pattern.slice(0, colon === 0 ? 0 : colon + 1),
    parts: pattern.slice(colon + 1).split(parameter),
  } // N2
}

/**
 * The name of a channel: `channelName('chat::room', { room: 'lobby' })` is `chat:lobby`.
 *
 * @throws InvalidError `bad-channel-parameter`: one that is empty or missing, or that holds the character which ends it: the name would be
 *   another channel's.
 */
export function channelName<const Pattern extends string>(
  pattern: Pattern,
  params: ParamsOf<Pattern>,
): NameOf<Pattern> {
  const { prefix, parts } = partsOf(pattern)
  const given = params as Readonly<Record<string, string | undefined>>
  const text = parts.map((part, index) =>
    index % 2 === 0 ? part : checked(pattern, part, given[part], parts[index + 1]),
  )
  return `${prefix}${text.join('')}` as NameOf<Pattern>
}

function checked(pattern: string, name: string, value: string | undefined, next = ''): string {
  const [until] = Array.from(next)
  if (value !== undefined && value !== '' && (until === undefined || !value.includes(until))) return value
  const wanted = until === undefined ? 'is a text' : `is a text without "${until}"`
  throw new InvalidError(
    'bad-channel-parameter',
    `The parameter "${name}" of "${pattern}" ${wanted}, and not empty.`,
  )
}

/** What a channel's name says: `channelParams('chat::room', 'chat:lobby')` is `{ room: 'lobby' }`; undefined = of another pattern. */
export function channelParams<const Pattern extends string>(
  pattern: Pattern,
  name: string,
): ParamsOf<Pattern> | undefined {
  const { prefix, parts } = partsOf(pattern)
  if (!name.startsWith(prefix)) return undefined
  const match = new RegExp(
    `^${parts.map((part, index) => sourceOf(part, index, parts)).join('')}$`,
    'su',
  ).exec(name.slice(prefix.length))
  if (match === null) return undefined
  const names = parts.filter((_part, index) => index % 2 === 1)
  return Object.fromEntries(names.map((each, index) => [each, match[index + 1]])) as ParamsOf<Pattern>
}

function sourceOf(part: string, index: number, parts: readonly string[]): string {
  const escaped = (text: string): string =>
    Array.from(text, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`).join('')
  if (index % 2 === 0) return escaped(part)
  const [until] = Array.from(parts[index + 1] ?? '')
  return until === undefined ? '(.+)' : `([^${escaped(until)}]+)`
}
