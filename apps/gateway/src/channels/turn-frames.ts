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
 * F3. What a turn brings is handed over at once, at its end: the library writes what it has before that, and would write a full frame
 *     by itself and the rest behind it.
 */
export class TurnFrames {
  /** The only frame of a topic costs no collection. */
  private readonly open = new Map<string, Frame | Held>()

  constructor(private readonly server: Pick<SocketServer<unknown>, 'publish'>) {}

  add(topic: string, frame: Frame, codec: Codec): void {
    const held = this.open.get(topic)
    if (held === undefined) {
      if (this.open.size === 0) setImmediate(this.flushAll)
      this.open.set(topic, frame)
    } else if (held instanceof Held) held.add(frame)
    else this.open.set(topic, new Held(codec, held, frame))
  }

  flush(topic: string): void {
    const held = this.open.get(topic)
    if (held === undefined) return
    this.open.delete(topic)
    if (!(held instanceof Held)) return this.server.publish(topic, held)
    for (const frame of held.toFrames()) this.server.publish(topic, frame)
  }

  private readonly flushAll = (): void => {
    for (const topic of this.open.keys()) this.flush(topic)
  }
}

/** Several of one topic. Full ones wait for the others (F3). */
class Held {
  private readonly full: Frame[] = []
  private gathered: GatheredFrames

  constructor(
    private readonly codec: Codec,
    ...frames: readonly Frame[]
  ) {
    this.gathered = this.empty()
    for (const frame of frames) this.add(frame)
  }

  add(frame: Frame): void {
    if (this.gathered.add(frame)) return
    this.full.push(this.gathered.toFrame())
    this.gathered = this.empty()
    this.gathered.add(frame)
  }

  toFrames(): readonly Frame[] {
    return [...this.full, this.gathered.toFrame()]
  }

  private empty(): GatheredFrames {
    return new GatheredFrames(this.codec, maxTopicFrameBytes)
  }
}
