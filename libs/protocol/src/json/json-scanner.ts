/**
 * Passes over JSON in bytes without building anything of it.
 *
 * J1. What it passes, `JSON.parse` accepts, if the bytes are UTF-8: whether any are beyond ASCII, `isAscii` tells.
 * J2. What it doesn't pass may be JSON all the same (deeper than `maxDepth`, with newlines): the caller asks `JSON.parse` then.
 * J3. It never passes a newline: frames are separated by them.
 * J4. No recursion: depth costs a bit, never the stack.
 */
const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const colon = 0x3a
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d
const minus = 0x2d
const plus = 0x2b
const dot = 0x2e
const zero = 0x30
const lowerE = 0x65
const lowerU = 0x75

/** A bit each, in a number. */
const maxDepth = 30

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)
const literals = [ascii('true'), ascii('false'), ascii('null')]
/** What may follow a backslash, but for `u`. */
const escapes: ReadonlySet<number> = new Set(ascii('"\\/bfnrt'))

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= zero && byte <= 0x39
const isHexDigit = (byte: number | undefined): boolean =>
  isDigit(byte) || (byte !== undefined && (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66)

/** Of what follows a backslash; 0 = nothing that may. */
function escapeLength(bytes: Uint8Array, at: number): number {
  const byte = bytes[at]
  if (byte !== lowerU) return byte !== undefined && escapes.has(byte) ? 1 : 0
  for (let digit = at + 1; digit <= at + 4; digit += 1) if (!isHexDigit(bytes[digit])) return 0
  return 5
}

export class JsonScanner {
  /** What comes next. */
  at: number
  /** Of all strings so far: one bit above the seventh is enough to know. */
  private bits = 0

  constructor(
    readonly bytes: Uint8Array,
    from: number,
  ) {
    this.at = from
  }

  get isAscii(): boolean {
    return this.bits < 0x80
  }

  /** Passes exactly these bytes, or nothing. */
  skip(expected: Uint8Array): boolean {
    const { bytes, at } = this
    for (let index = 0; index < expected.length; index += 1) {
      if (bytes[at + index] !== expected[index]) return false
    }
    this.at = at + expected.length
    return true
  }

  skipByte(expected: number): boolean {
    if (this.bytes[this.at] !== expected) return false
    this.at += 1
    return true
  }

  /** Passes one whole value. False: not sure (J2), and `at` is anywhere. */
  skipValue(): boolean {
    let depth = 0
    /** The bit of each open object is set, that of each array is not; the innermost is the lowest. */
    let kinds = 0
    for (;;) {
      const byte = this.bytes[this.at]
      if (byte === openBrace || byte === openBracket) {
        if (depth === maxDepth) return false // J4
        const isObject = byte === openBrace
        depth += 1
        kinds = (kinds << 1) | (isObject ? 1 : 0)
        this.at += 1
        this.skipSpace()
        const isEmpty = this.bytes[this.at] === (isObject ? closeBrace : closeBracket)
        if (!isEmpty && isObject && !this.skipKey()) return false
        if (!isEmpty) continue
      } else if (!this.skipScalar(byte)) return false
      // behind a value, or before the end of an empty object or array
      for (;;) {
        if (depth === 0) return true
        this.skipSpace()
        const next = this.bytes[this.at]
        if (next === comma) break
        if (next !== ((kinds & 1) === 1 ? closeBrace : closeBracket)) return false
        this.at += 1
        depth -= 1
        kinds >>>= 1
      }
      this.at += 1
      this.skipSpace()
      if ((kinds & 1) === 1 && !this.skipKey()) return false
    }
  }

  /** From its opening quote to behind its closing one. */
  skipString(): boolean {
    const { bytes } = this
    if (bytes[this.at] !== quote) return false
    let bits = 0
    for (let at = this.at + 1; at < bytes.length; at += 1) {
      const byte = bytes[at] as number
      bits |= byte
      if (byte === quote) {
        this.at = at + 1
        this.bits |= bits
        return true
      }
      if (byte < 0x20) return false
      if (byte !== backslash) continue
      const escaped = escapeLength(bytes, at + 1)
      if (escaped === 0) return false
      at += escaped
    }
    return false
  }

  /** The key of a member, its colon, and the spaces before the value. */
  private skipKey(): boolean {
    if (!this.skipString()) return false
    this.skipSpace()
    if (!this.skipByte(colon)) return false
    this.skipSpace()
    return true
  }

  private skipScalar(first: number | undefined): boolean {
    if (first === quote) return this.skipString()
    if (first === minus || isDigit(first)) return this.skipNumber()
    return literals.some((literal) => this.skip(literal))
  }

  private skipNumber(): boolean {
    this.skipByte(minus)
    // no digit may follow a leading zero: what stands there is not what may follow a value
    if (!this.skipByte(zero) && !this.skipDigits()) return false
    if (this.skipByte(dot) && !this.skipDigits()) return false
    if (((this.bytes[this.at] ?? 0) | 0x20) !== lowerE) return true
    this.at += 1
    if (!this.skipByte(plus)) this.skipByte(minus)
    return this.skipDigits()
  }

  /** At least one. */
  private skipDigits(): boolean {
    const from = this.at
    while (isDigit(this.bytes[this.at])) this.at += 1
    return this.at > from
  }

  /** J3. */
  private skipSpace(): void {
    for (;;) {
      const byte = this.bytes[this.at]
      if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return
      this.at += 1
    }
  }
}
