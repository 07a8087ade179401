import type { Codec, Frame, Reply } from '@natter/protocol'

/** A frame that SDKs of every language take without trouble. [2.2] */
const maxReplies = 16
const maxBytes = 65_536

/** Replies of one turn to one client, which leave in one frame: a write costs more than the rest of an acknowledged publish. */
export class GatheredReplies {
  private readonly frames: Frame[] = []
  private bytes = 0

  constructor(private readonly codec: Codec) {}

  /** False when it is full: it has to leave first. A reply of its own size always fits into an empty one. */
  add(reply: Reply): boolean {
    const frame = this.codec.reply(reply)
    const isFull = this.frames.length === maxReplies || this.bytes + frame.length > maxBytes
    if (isFull && this.frames.length > 0) return false
    this.frames.push(frame)
    this.bytes += frame.length
    return true
  }

  toFrame(): Frame {
    const [only] = this.frames
    return this.frames.length === 1 && only !== undefined ? only : this.codec.join(this.frames)
  }
}
