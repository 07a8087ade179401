/**
 * Finds where the value of a key stands in the text of a JSON object, so that the value can be passed on byte for byte.
 *
 * R1. The text was accepted by `JSON.parse` before; here nothing is validated.
 * R2. No recursion: depth costs a counter, never the stack.
 * R3. With duplicate keys the last one wins, as with `JSON.parse`.
 */
export interface Span {
  /** Index of the value's first character. */
  start: number
  /** Index after its last one. */
  end: number
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d

const isSpace = (unit: number): boolean => unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09

function skipSpace(text: string, from: number): number {
  let index = from
  while (isSpace(text.charCodeAt(index))) index += 1
  return index
}

/** An odd run of backslashes before it makes a quote part of the string. The run ends at the opening quote at the latest. */
function isEscaped(text: string, quote: number): boolean {
  let index = quote
  while (text.charCodeAt(index - 1) === BACKSLASH) index -= 1
  return (quote - index) % 2 === 1
}

/** `from` is the opening quote; answers the index after the closing one. Strings are most of the text: `indexOf` is fast. */
function skipString(text: string, from: number): number {
  let quote = text.indexOf('"', from + 1)
  while (quote !== -1 && isEscaped(text, quote)) quote = text.indexOf('"', quote + 1)
  return quote === -1 ? text.length : quote + 1
}

/** `from` is the opening bracket; counts depth (R2). */
function skipNested(text: string, from: number): number {
  let depth = 0
  let index = from
  do {
    const unit = text.charCodeAt(index)
    if (Number.isNaN(unit)) return index
    if (unit === QUOTE) {
      index = skipString(text, index)
      continue
    }
    if (unit === OPEN_BRACE || unit === OPEN_BRACKET) depth += 1
    else if (unit === CLOSE_BRACE || unit === CLOSE_BRACKET) depth -= 1
    index += 1
  } while (depth > 0)
  return index
}

/** Numbers, true, false, null: up to what may follow a value. */
function skipLiteral(text: string, from: number): number {
  let index = from
  for (; index < text.length; index += 1) {
    const unit = text.charCodeAt(index)
    if (unit === COMMA || unit === CLOSE_BRACE || unit === CLOSE_BRACKET || isSpace(unit)) break
  }
  return index
}

function skipValue(text: string, from: number): number {
  const unit = text.charCodeAt(from)
  if (unit === QUOTE) return skipString(text, from)
  if (unit === OPEN_BRACE || unit === OPEN_BRACKET) return skipNested(text, from)
  return skipLiteral(text, from)
}

/** Keys may be written with escapes: `"\u0064ata"` is `data`. */
function isKey(raw: string, key: string): boolean {
  if (raw.includes('\\')) return JSON.parse(raw) === key
  return raw.length === key.length + 2 && raw.startsWith(key, 1)
}

/** The span of `key`'s value in the object that starts at `from` (spaces before it allowed); undefined when it has no such key. */
export function findJsonField(text: string, key: string, from = 0): Span | undefined {
  let found: Span | undefined
  let index = skipSpace(text, skipSpace(text, from) + 1)
  while (text.charCodeAt(index) === QUOTE) {
    const keyEnd = skipString(text, index)
    const colon = skipSpace(text, keyEnd)
    const start = skipSpace(text, colon + 1)
    const end = skipValue(text, start)
    if (isKey(text.slice(index, keyEnd), key)) found = { start, end } // R3
    index = skipSpace(text, end)
    if (text.charCodeAt(index) === COMMA) index = skipSpace(text, index + 1)
  }
  return found
}

/**
 * Where the values of all keys stand in the object that starts at `from`; R3. Names are as a parser reads them. For texts of which several
 * fields are wanted; nothing where no object starts there.
 */
export function jsonFields(text: string, from = 0): ReadonlyMap<string, Span> {
  const found = new Map<string, Span>()
  const open = skipSpace(text, from)
  let index = text.charCodeAt(open) === OPEN_BRACE ? skipSpace(text, open + 1) : text.length
  while (text.charCodeAt(index) === QUOTE) {
    const keyEnd = skipString(text, index)
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1)
    const end = skipValue(text, start)
    found.set(JSON.parse(text.slice(index, keyEnd)) as string, { start, end })
    index = skipSpace(text, end)
    if (text.charCodeAt(index) === COMMA) index = skipSpace(text, index + 1)
  }
  return found
}

/** Where the elements of the array that starts at `from` stand; none where no array starts there. */
export function jsonElements(text: string, from = 0): readonly Span[] {
  const found: Span[] = []
  const open = skipSpace(text, from)
  let index = text.charCodeAt(open) === OPEN_BRACKET ? skipSpace(text, open + 1) : text.length
  while (index < text.length && text.charCodeAt(index) !== CLOSE_BRACKET) {
    const end = Math.max(skipValue(text, index), index + 1)
    found.push({ start: index, end })
    index = skipSpace(text, end)
    if (text.charCodeAt(index) === COMMA) index = skipSpace(text, index + 1)
  }
  return found
}

/**
 * Where values stand that follow each other with nothing or space between them. Unlike with the others the text need not have been parsed:
 * what stands in a span is any text, and where a value could not begin, one span takes all that is left.
 */
export function jsonSequence(text: string): readonly Span[] {
  const found: Span[] = []
  for (let start = skipSpace(text, 0); start < text.length;) {
    const unit = text.charCodeAt(start)
    const isWhole = unit === QUOTE || unit === OPEN_BRACE || unit === OPEN_BRACKET
    const end = isWhole ? skipValue(text, start) : text.length
    found.push({ start, end })
    start = skipSpace(text, end)
  }
  return found
}
