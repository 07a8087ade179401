/**
 * Reads what a WebSocket server sends, as cheaply as it can be read: long frames are counted and stepped over unless somebody wants
 * their text. A driver that parses everything measures itself.
 *
 * F1. A frame counts when its last byte has come, however it was cut on the way.
 * F2. Short frames (commands' replies, pings) always reach `onText`; long ones (publications) only with `readsAll`.
 */

const textOpcode = 1

export class FrameReader {
  /** Frames of at least `longBytes`. */
  longFrames = 0
  /** Whether long frames are read as well. */
  readsAll = false
  /** A frame began and isn't whole yet. */
  private rest: Buffer | undefined
  /** Payload of a long frame that is stepped over and hasn't come yet. */
  private toSkip = 0

  /** `longBytes`: from which payload on a frame is long. */
  constructor(
    private readonly longBytes: number,
    private readonly onText: (text: string) => void,
    private readonly onControl: (opcode: number, payload: Buffer) => void,
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
    if (this.toSkip === 0) this.longFrames += 1
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
    const isLong = length >= this.longBytes
    if (isLong && !this.readsAll) {
      this.toSkip = length
      return start
    }
    if (bytes.length < start + length) return undefined
    if (opcode !== textOpcode) this.onControl(opcode, Buffer.from(bytes.subarray(start, start + length)))
    else {
      if (isLong) this.longFrames += 1
      this.onText(bytes.toString('latin1', start, start + length)) // F2
    }
    return start + length
  }
}
