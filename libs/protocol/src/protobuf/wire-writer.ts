/**
 * Writes one Protobuf message from its end to its beginning: when the length of a part is due, the part is there to be measured, so
 * nothing is measured first, moved later or kept in between. Callers write the last field first.
 *
 * W1. A frame is a part of a shared piece of memory, used once: nothing is copied when it is done, and nothing is written over.
 * W2. Zero values are left out (proto3), but in the entries of maps and for messages, whose presence says something.
 * W3. All text is UTF-8: half of a surrogate pair becomes U+FFFD.
 */
import type { Bytes } from '../messages.js'
import { encodeUtf8 } from '../utf8.js'

const VARINT = 0
const LENGTH = 2
const pieceBytes = 16_384
/** Shorter text is written unit by unit, as long as it is ASCII. */
const maxShortText = 64
const two32 = 0x1_0000_0000

/** Serves one frame after the other: `begin`, fields, `end`. */
export class WireWriter {
  private bytes = new Uint8Array(pieceBytes)
  /** Where what is written starts. */
  private at = pieceBytes
  private frameEnd = pieceBytes

  /** What a frame that was given up left behind is left out. */
  begin(): void {
    this.frameEnd = this.at
  }

  /** All that was written since `begin`, with its length before it. */
  endDelimited(): Uint8Array {
    this.prependVarint(this.written)
    const frame = this.bytes.subarray(this.at, this.frameEnd)
    if (this.bytes.length > pieceBytes) this.startPiece(pieceBytes, 0) // a long frame keeps its memory for itself
    return frame
  }

  /** Bytes of the frame so far: the mark that {@link closeMessage} measures from. */
  get written(): number {
    return this.frameEnd - this.at
  }

  /** Makes one message of what was written since `mark`. */
  closeMessage(field: number, mark: number): void {
    this.prependVarint(this.written - mark)
    this.prependTag(field, LENGTH)
  }

  data(field: number, value: Bytes | undefined): void {
    if (value === undefined || value.length === 0) return // W2
    this.prepend(value)
    this.prependVarint(value.length)
    this.prependTag(field, LENGTH)
  }

  text(field: number, value: string | undefined): void {
    if (value) this.entryText(field, value) // W2
  }

  /** Also when it is empty. */
  entryText(field: number, value: string): void {
    const mark = this.written
    if (value.length > maxShortText || !this.prependAscii(value)) this.prepend(encodeUtf8(value)) // W3
    this.prependVarint(this.written - mark)
    this.prependTag(field, LENGTH)
  }

  flag(field: number, value: boolean | undefined): void {
    if (value) this.number(field, 1)
  }

  /** Neither negative nor beyond what a double counts. */
  number(field: number, value: number | undefined): void {
    if (!value) return // W2
    this.prependVarint(value)
    this.prependTag(field, VARINT)
  }

  private prependTag(field: number, wireType: number): void {
    this.prependVarint(field * 8 + wireType)
  }

  private prependVarint(value: number): void {
    if (this.at < 10) this.grow(10)
    if (value < 0x80) {
      this.at -= 1
      this.bytes[this.at] = value
      return
    }
    let at = this.at - varintBytes(value)
    this.at = at
    let rest = value
    for (; rest >= two32; rest = Math.floor(rest / 128)) this.bytes[at++] = (rest % 128) | 0x80
    for (; rest >= 0x80; rest >>>= 7) this.bytes[at++] = (rest & 0x7f) | 0x80
    this.bytes[at] = rest
  }

  private prepend(value: Bytes): void {
    if (this.at < value.length) this.grow(value.length)
    this.at -= value.length
    this.bytes.set(value, this.at)
  }

  /** False, with nothing written: it is more than ASCII. */
  private prependAscii(value: string): boolean {
    if (this.at < value.length) this.grow(value.length)
    const start = this.at - value.length
    for (let index = 0; index < value.length; index += 1) {
      const unit = value.charCodeAt(index)
      if (unit > 0x7f) return false
      this.bytes[start + index] = unit
    }
    this.at = start
    return true
  }

  /** Goes on in another piece, with room for `count` more, and for the fields before them. */
  private grow(count: number): void {
    const frame = this.bytes.subarray(this.at, this.frameEnd)
    const needed = frame.length + count
    this.startPiece(
      needed <= pieceBytes / 4 ? pieceBytes : Math.max(pieceBytes + 1, needed * 2),
      frame.length,
    )
    this.bytes.set(frame, this.at)
  }

  private startPiece(length: number, used: number): void {
    this.bytes = new Uint8Array(length)
    this.frameEnd = length
    this.at = length - used
  }
}

function varintBytes(value: number): number {
  let count = 1
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) count += 1
  return count
}
