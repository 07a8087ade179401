/**
 * Reads one Protobuf message after another from bytes. What is absent or at its zero value reads as undefined: the wire makes no
 * difference between the two (proto3).
 *
 * R1. Whatever the bytes are, MalformedFrameError is all that is thrown.
 * R2. No read goes past the end of the message that it is in, even where the bytes go on.
 * R3. A number that its type can't hold loses its upper bits, as proto3 has it; one that a double can't hold is refused.
 * R4. A known field of another wire type is refused, an unknown one is skipped. Groups, which proto3 doesn't have, are refused.
 */
import { asciiName } from '../known-names.js'
import { MalformedFrameError } from '../protocol.errors.js'
import { decodeUtf8 } from '../utf8.js'

const VARINT = 0
const FIXED64 = 1
const LENGTH = 2
const FIXED32 = 5
const maxVarintBytes = 10
const two32 = 0x1_0000_0000
/** Up to here a decoder costs more than the text. */
const maxShortText = 32

export type FieldReader<T> = (reader: WireReader, field: number, into: T) => void

const malformed = (what: string, cause?: unknown): MalformedFrameError =>
  new MalformedFrameError(what, cause === undefined ? undefined : { cause })

export class WireReader {
  private at = 0
  /** The end of the message that is being read (R2). */
  private end: number
  /** Of the field that was read last. */
  private wireType = LENGTH
  /** Bits 32 to 63 of the number that was read last. */
  private high = 0

  constructor(private readonly bytes: Uint8Array) {
    this.end = bytes.length
  }

  get isAtEnd(): boolean {
    return this.at >= this.end
  }

  /** The value of a field that is a message. */
  message<T>(into: T, read: FieldReader<T>): T {
    this.expect(LENGTH)
    return this.delimited(into, read)
  }

  /** A message with its length before it. */
  delimited<T>(into: T, read: FieldReader<T>): T {
    const length = this.length()
    const outer = this.end
    this.end = this.at + length
    this.fields(into, read)
    this.end = outer
    return into
  }

  /** The fields up to the end. `read` takes each value, or skips it. */
  fields<T>(into: T, read: FieldReader<T>): T {
    while (this.at < this.end) read(this, this.field(), into)
    return into
  }

  text(): string | undefined {
    const length = this.lengthOfValue()
    return length === 0 ? undefined : this.decode(this.advance(length), this.at)
  }

  /** Text that comes again and again: mostly not decoded, and one string for all times. */
  name(): string | undefined {
    const length = this.lengthOfValue()
    if (length === 0) return undefined
    const start = this.advance(length)
    return asciiName(this.bytes, start, this.at) ?? this.decode(start, this.at)
  }

  /** What `take` makes of them: the bytes themselves are lent. */
  data<T>(take: (bytes: Uint8Array, start: number, end: number) => T): T | undefined {
    const length = this.lengthOfValue()
    return length === 0 ? undefined : take(this.bytes, this.advance(length), this.at)
  }

  flag(): true | undefined {
    this.expect(VARINT)
    return this.varint() !== 0 || this.high !== 0 ? true : undefined
  }

  uint32(): number | undefined {
    this.expect(VARINT)
    return this.varint() || undefined // R3
  }

  int32(): number | undefined {
    this.expect(VARINT)
    return this.varint() | 0 || undefined // R3
  }

  uint64(): number | undefined {
    this.expect(VARINT)
    const low = this.varint()
    return this.safe(this.high * two32 + low)
  }

  int64(): number | undefined {
    this.expect(VARINT)
    const low = this.varint()
    return this.safe((this.high | 0) * two32 + low)
  }

  /** R4. */
  skip(): void {
    if (this.wireType === VARINT) this.varint()
    else if (this.wireType === LENGTH) this.advance(this.length())
    else if (this.wireType === FIXED64) this.advance(8)
    else if (this.wireType === FIXED32) this.advance(4)
    else throw malformed('a field is a group, or of no known kind')
  }

  private field(): number {
    const tag = this.varint()
    if (this.high !== 0 || tag < 8) throw malformed('a field has no valid number')
    this.wireType = tag & 7
    return tag >>> 3
  }

  private expect(wireType: number): void {
    if (this.wireType !== wireType) throw malformed('a field has another type than it must have') // R4
  }

  private lengthOfValue(): number {
    this.expect(LENGTH)
    return this.length()
  }

  private length(): number {
    const length = this.varint()
    if (this.high !== 0 || length > this.end - this.at) throw malformed('a length goes beyond the end') // R2
    return length
  }

  /** Answers where the bytes that it goes over start. */
  private advance(count: number): number {
    const start = this.at
    if (count > this.end - start) throw malformed('a field is cut off') // R2
    this.at = start + count
    return start
  }

  /** The lower 32 bits; the upper ones are in `high`. */
  private varint(): number {
    const first = this.bytes[this.at]
    if (this.at < this.end && first !== undefined && first < 0x80) {
      this.at += 1
      this.high = 0
      return first
    }
    return this.longVarint()
  }

  private longVarint(): number {
    let low = 0
    let high = 0
    for (let count = 0; count < maxVarintBytes; count += 1) {
      const byte = this.bytes[this.advance(1)] as number
      const bits = byte & 0x7f
      const shift = count * 7
      if (shift < 32) low |= bits << shift
      if (shift > 28) high |= bits << (shift - 32)
      else if (shift === 28) high |= bits >>> 4
      if (byte < 0x80) {
        this.high = high >>> 0
        return low >>> 0
      }
    }
    throw malformed('a number is longer than ten bytes')
  }

  /** R3. */
  private safe(value: number): number | undefined {
    if (!Number.isSafeInteger(value)) throw malformed('a number is beyond what can be counted')
    return value || undefined
  }

  private decode(start: number, end: number): string {
    const short = end - start <= maxShortText ? shortAscii(this.bytes, start, end) : undefined
    if (short !== undefined) return short
    try {
      return decodeUtf8(this.bytes.subarray(start, end))
    } catch (cause) {
      throw malformed('a text is not UTF-8', cause)
    }
  }
}

/** Undefined: it is more than ASCII. */
function shortAscii(bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = ''
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] as number
    if (byte > 0x7f) return undefined
    text += String.fromCharCode(byte)
  }
  return text
}
