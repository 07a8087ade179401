/**
 * The parts of a Fossil delta: `<size>\n`, then copies `<count>@<offset>,` and inserts `<count>:<bytes>`, ended by `<checksum>;`. [8]
 * Integers are base 64 with digits of their own, most significant first. Sizes and offsets are bytes.
 */
const digits = new TextEncoder().encode('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~')

const valueOf = new Int8Array(256).fill(-1)
for (const [value, digit] of digits.entries()) valueOf[digit] = value

export const Signs = Object.freeze({
  newline: 0x0a,
  copy: 0x40,
  comma: 0x2c,
  insert: 0x3a,
  end: 0x3b,
} as const)

const { floor } = Math

/** How many digits an integer takes. */
export function digitCount(value: number): number {
  let count = 1
  for (let rest = value; rest >= 64; rest = floor(rest / 64)) count += 1
  return count
}

/** What one copy costs in the patch. */
export const copyCost = (count: number, offset: number): number => digitCount(count) + digitCount(offset) + 2

/** The value's bytes as big-endian words of 32 bits, the last padded with zeros, added modulo 2^32. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0
  const whole = bytes.length & ~3
  for (let at = 0; at < whole; at += 4) sum = (sum + wordAt(bytes, at)) | 0
  for (let at = whole; at < bytes.length; at += 1)
    sum = (sum + (byteAt(bytes, at) << (24 - 8 * (at & 3)))) | 0
  return sum >>> 0
}

export const byteAt = (bytes: Uint8Array, at: number): number => bytes[at] ?? 0

const wordAt = (bytes: Uint8Array, at: number): number =>
  (byteAt(bytes, at) << 24) |
  (byteAt(bytes, at + 1) << 16) |
  (byteAt(bytes, at + 2) << 8) |
  byteAt(bytes, at + 3)

/** Writes a patch as long as it stays shorter than `limitBytes`; past that it writes nothing and says so. */
export class PatchWriter {
  private readonly bytes: Uint8Array
  private length = 0
  private isFull = false

  constructor(private readonly limitBytes: number) {
    this.bytes = new Uint8Array(limitBytes)
  }

  get hasRoom(): boolean {
    return !this.isFull
  }

  /** The patch; undefined when it did not stay below the limit. */
  get written(): Uint8Array | undefined {
    return this.isFull ? undefined : this.bytes.slice(0, this.length)
  }

  size(value: number): void {
    this.integer(value, Signs.newline)
  }

  copy(count: number, offset: number): void {
    this.integer(count, Signs.copy)
    this.integer(offset, Signs.comma)
  }

  insert(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.integer(bytes.length, Signs.insert)
    if (!this.take(bytes.length)) return
    this.bytes.set(bytes, this.length)
    this.length += bytes.length
  }

  end(sum: number): void {
    this.integer(sum, Signs.end)
  }

  private integer(value: number, sign: number): void {
    const count = digitCount(value)
    if (!this.take(count + 1)) return
    let rest = value
    for (let at = this.length + count - 1; at >= this.length; at -= 1) {
      this.bytes[at] = digits[rest % 64] ?? 0
      rest = floor(rest / 64)
    }
    this.length += count
    this.bytes[this.length] = sign
    this.length += 1
  }

  private take(bytes: number): boolean {
    if (this.length + bytes >= this.limitBytes) this.isFull = true
    return !this.isFull
  }
}

/** Reads what {@link PatchWriter} writes; anything may be wrong with it. */
export class PatchReader {
  private at = 0

  constructor(private readonly patch: Uint8Array) {}

  /** An integer and the sign behind it; undefined where there is none, or it is above 2^32 − 1. */
  next(): { value: number; sign: number } | undefined {
    let value = 0
    const start = this.at
    for (;;) {
      const byte = this.patch[this.at]
      if (byte === undefined) return undefined
      this.at += 1
      const digit = valueOf[byte] ?? -1
      if (digit < 0) return this.at === start + 1 ? undefined : { value, sign: byte }
      value = value * 64 + digit
      if (value > 0xffff_ffff) return undefined
    }
  }

  /** The next bytes; undefined when there are not so many. */
  take(count: number): Uint8Array | undefined {
    if (count > this.patch.length - this.at) return undefined
    this.at += count
    return this.patch.subarray(this.at - count, this.at)
  }

  get isDone(): boolean {
    return this.at === this.patch.length
  }
}
