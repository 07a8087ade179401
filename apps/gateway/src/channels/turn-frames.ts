import type { Codec, Frame } from '@natter/protocol'
import type { SocketServer } from '@natter/transport'
import { GatheredFrames } from './gathered-frames.js'

/** Below what the library writes to every subscriber on the spot: smaller ones it writes with whatever else a socket gets in the turn. */
const maxTopicFrameBytes = 16_000

/**
 * What topics are told in a turn of the loop. Messages that come together leave together: what a subscriber costs is paid for each
 * frame, not for each message in it.
 *
 * F1. Frames of a topic leave in the order they came, each once, by the end of the turn.
 * F2. Who joins a topic gets nothing that was added before; who leaves it has got that: the caller flushes first.
 */
export class TurnFrames {
  /** The only frame of a topic costs no collection. */
  private readonly open = new Map<string, Frame | GatheredFrames>()

  constructor(private readonly server: Pick<SocketServer<unknown>, 'publish'>) {}

  add(topic: string, frame: Frame, codec: Codec): void {
    const held = this.open.get(topic)
    if (held === undefined) {
      if (this.open.size === 0) setImmediate(this.flushAll)
      this.open.set(topic, frame)
      return
    }
    const gathered = held instanceof GatheredFrames ? held : this.gather(topic, held, codec)
    if (gathered.add(frame)) return
    this.flush(topic)
    this.add(topic, frame, codec)
  }

  flush(topic: string): void {
    const held = this.open.get(topic)
    if (held === undefined) return
    this.open.delete(topic)
    this.server.publish(topic, held instanceof GatheredFrames ? held.toFrame() : held)
  }

  private gather(topic: string, first: Frame, codec: Codec): GatheredFrames {
    const gathered = new GatheredFrames(codec, maxTopicFrameBytes)
    gathered.add(first)
    this.open.set(topic, gathered)
    return gathered
  }

  private readonly flushAll = (): void => {
    for (const topic of this.open.keys()) this.flush(topic)
  }
}
