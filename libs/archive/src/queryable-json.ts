/**
 * Which JSON texts PostgreSQL's `jsonb` can hold. It refuses or blows up some valid ones; this says no to all of those, and to a few
 * that it would take.
 *
 * Q1. Text is answered only if `jsonb` takes it. The other way is no promise: the bytes are kept elsewhere, this is for queries.
 * Q2. One pass, no recursion, bounded memory: any client chooses what comes in here.
 * Q3. What is stored is about as big as what came: `1e131071` is 8 bytes and would become 131,072 characters.
 */

/** Longer texts stay out of the column: nobody queries them, and they are kept twice. */
export const MAX_QUERYABLE_BYTES = 1_048_576
export const MAX_DEPTH = 256
/** Of one number, with the zeros that its exponent stands for. */
export const MAX_DIGITS = 1_000

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of one JSON value if a `jsonb` column can hold it, else undefined. */
export function queryableJson(data: Uint8Array): string | undefined {
  if (data.length > MAX_QUERYABLE_BYTES) return undefined
  let text: string
  try {
    text = utf8.decode(data)
  } catch {
    return undefined
  }
  return new Scanner(text).isQueryable() ? text : undefined
}

/** What may come next. `first…` also allows the container to end: it is still empty. */
type Expect = 'value' | 'firstValue' | 'firstKey' | 'key' | 'colon' | 'commaOrEnd'

const code = (character: string): number => character.charCodeAt(0)
const [QUOTE, BACKSLASH, COMMA, COLON, MINUS, PLUS, DOT, ZERO, NINE] = [...'"\\,:-+.09'].map(code) as [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
]
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY, LETTER_U] = [...'{}[]u'].map(code) as [
  number,
  number,
  number,
  number,
  number,
]
const SIMPLE_ESCAPES = new Set([...'"\\/bfnrt'].map(code))
const LITERALS = ['true', 'false', 'null']

class Scanner {
  private at = 0
  private depth = 0
  /** 1 = object, 0 = array, by depth. */
  private readonly isObject = new Uint8Array(MAX_DEPTH + 1)
  private expect: Expect = 'value'

  constructor(private readonly text: string) {}

  isQueryable(): boolean {
    for (this.skipSpace(); this.at < this.text.length; this.skipSpace()) {
      if (!this.token()) return false
    }
    return this.expect === 'commaOrEnd' && this.depth === 0
  }

  /** Takes one token if it may stand here. */
  private token(): boolean {
    const next = this.text.charCodeAt(this.at)
    switch (this.expect) {
      case 'value':
        return this.value(next)
      case 'firstValue':
        return next === CLOSE_ARRAY ? this.close() : this.value(next)
      case 'firstKey':
        return next === CLOSE_OBJECT ? this.close() : this.key(next)
      case 'key':
        return this.key(next)
      case 'colon':
        return next === COLON && this.go('value')
      case 'commaOrEnd':
        return this.afterValue(next)
    }
  }

  private afterValue(next: number): boolean {
    if (this.depth === 0) return false
    const isObject = this.isObject[this.depth] === 1
    if (next === COMMA) return this.go(isObject ? 'key' : 'value')
    return next === (isObject ? CLOSE_OBJECT : CLOSE_ARRAY) && this.close()
  }

  /** Over one character. */
  private go(expect: Expect): true {
    this.at += 1
    this.expect = expect
    return true
  }

  private value(next: number): boolean {
    if (next === OPEN_OBJECT) return this.open(1, 'firstKey')
    if (next === OPEN_ARRAY) return this.open(0, 'firstValue')
    this.expect = 'commaOrEnd'
    if (next === QUOTE) return this.string()
    if (next === MINUS || isDigit(next)) return this.number()
    return this.literal()
  }

  private key(next: number): boolean {
    this.expect = 'colon'
    return next === QUOTE && this.string()
  }

  private open(isObject: 0 | 1, expect: Expect): boolean {
    if (this.depth === MAX_DEPTH) return false
    this.depth += 1
    this.isObject[this.depth] = isObject
    return this.go(expect)
  }

  private close(): true {
    this.depth -= 1
    return this.go('commaOrEnd')
  }

  private literal(): boolean {
    const found = LITERALS.find((literal) => this.text.startsWith(literal, this.at))
    this.at += found?.length ?? 0
    return found !== undefined
  }

  private string(): boolean {
    this.at += 1
    for (;;) {
      const next = this.text.charCodeAt(this.at)
      if (Number.isNaN(next) || next < 0x20) return false // past the end, or a control character
      this.at += 1
      if (next === QUOTE) return true
      if (next === BACKSLASH && !this.escape()) return false
    }
  }

  private escape(): boolean {
    const kind = this.text.charCodeAt(this.at)
    this.at += 1
    if (kind !== LETTER_U) return SIMPLE_ESCAPES.has(kind)
    const unit = this.hexUnit()
    if (unit === undefined || unit === 0 || isLow(unit)) return false
    if (!isHigh(unit)) return true
    if (!this.text.startsWith('\\u', this.at)) return false
    this.at += 2
    const second = this.hexUnit()
    return second !== undefined && isLow(second)
  }

  private hexUnit(): number | undefined {
    const hex = this.text.slice(this.at, this.at + 4)
    if (!/^[0-9a-fA-F]{4}$/.test(hex)) return undefined
    this.at += 4
    return Number.parseInt(hex, 16)
  }

  private number(): boolean {
    if (this.is(MINUS)) this.at += 1
    const isZero = this.is(ZERO)
    const whole = this.digits()
    if (whole === 0 || (isZero && whole > 1)) return false
    let fraction = 0
    if (this.is(DOT)) {
      this.at += 1
      fraction = this.digits()
      if (fraction === 0) return false
    }
    const exponent = this.exponent()
    if (exponent === undefined) return false
    return Math.max(whole + exponent, 1) + Math.max(fraction - exponent, 0) <= MAX_DIGITS // Q3
  }

  /** 0 if there is none; undefined if it is broken. Infinite if it has very many digits: refused like any that is too big. */
  private exponent(): number | undefined {
    if ((this.text.charCodeAt(this.at) | 0x20) !== 0x65) return 0
    this.at += 1
    const isNegative = this.is(MINUS)
    if (isNegative || this.is(PLUS)) this.at += 1
    const from = this.at
    if (this.digits() === 0) return undefined
    const size = this.at - from > 9 ? Infinity : Number(this.text.slice(from, this.at))
    return isNegative ? -size : size
  }

  private digits(): number {
    const from = this.at
    while (isDigit(this.text.charCodeAt(this.at))) this.at += 1
    return this.at - from
  }

  private is(character: number): boolean {
    return this.text.charCodeAt(this.at) === character
  }

  private skipSpace(): void {
    for (;;) {
      const next = this.text.charCodeAt(this.at)
      if (next !== 0x20 && next !== 0x0a && next !== 0x0d && next !== 0x09) return
      this.at += 1
    }
  }
}

const isDigit = (unit: number): boolean => unit >= ZERO && unit <= NINE
const isHigh = (unit: number): boolean => unit >= 0xd8_00 && unit <= 0xdb_ff
const isLow = (unit: number): boolean => unit >= 0xdc_00 && unit <= 0xdf_ff
