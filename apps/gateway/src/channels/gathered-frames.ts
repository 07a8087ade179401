import type { Codec, Frame } from '@natter/protocol'

/** What SDKs of every language take in one frame without trouble. [2.13] */
const maxFrames = 16
const maxFrameBytes = 65_536

const separatorBytes = 1

/** What one socket, or one topic, is told in a turn: it leaves in as few frames as it fits into, because each costs a write. */
export class GatheredFrames {
  private readonly frames: Frame[] = []
  private bytes = 0

  constructor(
    private readonly codec: Codec,
    private readonly maxBytes: number = maxFrameBytes,
  ) {}

  /** False when it is full: it has to leave first. A frame of its own size always fits into an empty one. */
  add(frame: Frame): boolean {
    const bytes = sizeOf(frame) + separatorBytes
    const isFull = this.frames.length === maxFrames || this.bytes + bytes > this.maxBytes
    if (isFull && this.frames.length > 0) return false
    this.frames.push(frame)
    this.bytes += bytes
    return true
  }

  toFrame(): Frame {
    const [only] = this.frames
    return this.frames.length === 1 && only !== undefined ? only : this.codec.join(this.frames)
  }
}

const sizeOf = (frame: Frame): number =>
  typeof frame === 'string' ? Buffer.byteLength(frame) : frame.byteLength
