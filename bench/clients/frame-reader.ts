/**
 * Reads what a WebSocket server sends, as cheaply as it can be read: long frames are counted and stepped over unless somebody wants
 * their text. A driver that parses everything measures itself.
 *
 * F1. A frame counts when its last byte has come, however it was cut on the way.
 * F2. Short frames (commands' replies, pings) always reach `onText`; long ones (publications) only with `readsAll`.
 * F3. What is counted are messages: a server may put several into a frame. How many a frame holds is seen from how they are set apart,
 *     not from what they say.
 */

const textOpcode = 1
const binaryOpcode = 2
const newline = 0x0a

/** How many messages the payload between two places holds. */
export type CountMessages = (bytes: Buffer, start: number, end: number) => number

/** One per line, as JSON has them. */
export function countLines(bytes: Buffer, start: number, end: number): number {
  let lines = 1
  for (let at = bytes.indexOf(newline, start); at !== -1 && at < end; at = bytes.indexOf(newline, at + 1))
    lines += 1
  return lines
}

/** Each behind its length, as Protobuf has them. */
export function countDelimited(bytes: Buffer, start: number, end: number): number {
  let messages = 0
  for (let at = start; at < end; messages += 1) {
    let length = 0
    let byte = 0x80
    for (let shift = 0; byte >= 0x80 && at < end; shift += 7, at += 1) {
      byte = bytes[at] ?? 0
      length += (byte & 0x7f) * 2 ** shift
    }
    at += length
  }
  return messages
}

export class FrameReader {
  /** Messages in frames of at least `longBytes`. */
  longMessages = 0
  /** Payload of those frames. */
  longPayloadBytes = 0
  /** Whether long frames are read as well. */
  readsAll = false
  /** A frame began and isn't whole yet. */
  private rest: Buffer | undefined
  /** Payload of a long frame that is stepped over and hasn't come yet. */
  private toSkip = 0

  /** `longBytes`: from which payload on a frame is long. Without `count` a frame is one message. */
  constructor(
    private readonly longBytes: number,
    private readonly onText: (text: string) => void,
    private readonly onControl: (opcode: number, payload: Buffer) => void,
    private readonly count?: CountMessages,
  ) {}

  /** `chunk` is only read during the call. */
  read(chunk: Buffer): void {
    const bytes = this.rest === undefined ? chunk : Buffer.concat([this.rest, chunk])
    this.rest = undefined
    let at = this.step(bytes, 0)
    while (at < bytes.length) {
      const end = this.frame(bytes, at)
      if (end === undefined) {
        this.rest = Buffer.from(bytes.subarray(at)) // F1
        return
      }
      at = this.step(bytes, end)
    }
  }

  /** Steps over what is left of a skipped frame, from `at`. */
  private step(bytes: Buffer, at: number): number {
    if (this.toSkip === 0) return at
    const skipped = Math.min(this.toSkip, bytes.length - at)
    this.toSkip -= skipped
    if (this.toSkip === 0) this.longMessages += 1
    return at + skipped
  }

  /** Where the frame at `at` ends (its header, if it is to be skipped), or undefined if more bytes are needed. */
  private frame(bytes: Buffer, at: number): number | undefined {
    if (bytes.length < at + 2) return undefined
    const opcode = (bytes[at] ?? 0) & 0x0f
    const short = (bytes[at + 1] ?? 0) & 0x7f
    const headerBytes = short < 126 ? 2 : short === 126 ? 4 : 10
    if (bytes.length < at + headerBytes) return undefined
    const length =
      short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2))
    const start = at + headerBytes
    const end = start + length
    const isLong = length >= this.longBytes
    if (isLong && !this.readsAll && this.count === undefined) {
      this.longPayloadBytes += length
      this.toSkip = length
      return start
    }
    if (bytes.length < end) return undefined
    if (opcode !== textOpcode && opcode !== binaryOpcode) {
      this.onControl(opcode, Buffer.from(bytes.subarray(start, end)))
      return end
    }
    if (isLong) {
      this.longMessages += this.count?.(bytes, start, end) ?? 1 // F3
      this.longPayloadBytes += length
    }
    if (!isLong || this.readsAll) this.onText(bytes.toString('latin1', start, end)) // F2
    return end
  }
}
