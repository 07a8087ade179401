/**
 * The server's end of a response that stays open, on whatever carries it ({@link Pipe}).
 *
 * States: open → closed, or open → ending (closed for everybody but this file: what was accepted still leaves) → closed.
 *
 * H1. One queue for `send` and what is published: a frame enters it in the turn of the call (T1), and what was gathered leaves by the
 *     end of the turn in one write.
 * H2. After the first frame over the limit nothing enters; what is in the queue still leaves, then the farewell of 3008 (T2).
 * H3. The pipe is touched only while it is on the state: after `end`, `cut` or the peer's going it throws.
 * H4. What the pipe said it is full with counts as waiting until it says that it took some.
 * H5. A peer that has not taken all `graceMs` after the end is cut.
 */
import type { Timer } from '@natter/primitives'
import type { Frame } from '@natter/protocol'
import { cutReason } from '../close-reason.js'
import type { SendVerdict, Socket, StreamOpening } from '../transport.js'
import { framers, type Framer } from './framing.js'
import type { StreamSockets } from './stream-sockets.js'

/** Where the bytes go. */
export interface Pipe {
  /** Takes the bytes in any case. False: they wait, and nothing more should come before {@link StreamSocket.writable}. */
  write(bytes: Uint8Array): boolean
  /** Writes on with what it holds itself, when nothing new is there to be written. */
  nudge(): void
  /** After what it holds. */
  end(): void
  /** At once, with what it holds. */
  cut(): void
}

type State = { kind: 'open'; pipe: Pipe } | { kind: 'ending'; pipe: Pipe; grace: Timer } | { kind: 'closed' }

const graceMs = 5_000
/** What is written in one go: the library corks as much. Of what waits, it is also what may be counted though the kernel has it. */
const chunkBytes = 16_384
/** The peer went away. */
export const aborted = { code: 3000, reason: 'connection closed' } as const
const slow = { code: 3008, reason: 'slow' } as const

export class StreamSocket<C> implements Socket<C> {
  context = undefined as C
  readonly framer: Framer
  readonly topics = new Set<string>()
  /** Its turn's end will flush it. */
  isUnflushed = false
  private readonly farewell: StreamOpening['farewell']
  private state: State
  private readonly queue: Uint8Array[] = []
  private queuedBytes = 0
  /** Of the last write, which the pipe could not pass on as a whole; 0 = it takes more. */
  private heldBytes = 0

  constructor(
    private readonly sockets: StreamSockets<C>,
    readonly remoteAddress: string,
    { framing, farewell }: Pick<StreamOpening, 'framing' | 'farewell'>,
    pipe: Pipe,
  ) {
    this.framer = framers[framing]
    this.farewell = farewell
    this.state = { kind: 'open', pipe }
  }

  get isOpen(): boolean {
    return this.state.kind === 'open'
  }

  get bufferedBytes(): number {
    return this.isOpen && this.heldBytes > 0 ? this.heldBytes + this.queuedBytes : 0
  }

  send(frame: Frame): SendVerdict {
    return this.isOpen ? this.write(this.framer.toBytes(frame)) : 'dropped' // T3
  }

  /** Framed already. */
  write(bytes: Uint8Array): SendVerdict {
    if (!this.isOpen) return 'dropped'
    if (this.bufferedBytes > this.sockets.maxQueueBytes) return this.drop()
    this.enqueue(bytes)
    if (this.heldBytes > 0) return 'queued'
    if (this.queuedBytes < chunkBytes) this.sockets.flushInTurn(this)
    else this.flush()
    return this.heldBytes > 0 ? 'queued' : 'sent'
  }

  ping(): void {}

  join(topic: string): void {
    if (this.isOpen) this.sockets.join(this, topic)
  }

  leave(topic: string): void {
    this.sockets.leave(this, topic)
  }

  end(code: number, reason: string): void {
    if (!this.isOpen) return
    const short = cutReason(reason)
    this.finish(code, short)
    this.sockets.onClosed(this, code, short)
  }

  /** Ends without a word; what waits is lost. */
  cut(code: number, reason: string): void {
    const { state } = this
    this.gone(code, reason)
    if (state.kind !== 'closed') state.pipe.cut()
  }

  /** The peer went, or was cut: the pipe is not to be touched any more (H3). */
  gone(code: number, reason: string): void {
    const { state } = this
    this.state = { kind: 'closed' }
    this.queue.length = 0
    this.sockets.leaveAll(this)
    if (state.kind === 'ending') state.grace.cancel()
    if (state.kind === 'open') this.sockets.onClosed(this, code, reason)
  }

  /** The pipe took some of what it held, and takes more. */
  writable(): void {
    if (this.state.kind === 'closed') return
    const hasWaited = this.heldBytes > 0
    this.heldBytes = 0 // H4
    if (this.queue.length === 0) this.state.pipe.nudge()
    this.flush()
    if (hasWaited && this.isOpen) this.sockets.onDrained(this)
  }

  /** Gives the pipe what it takes. */
  flush(): void {
    const { state } = this
    if (state.kind === 'closed') return // H3
    while (this.heldBytes === 0 && this.queue.length > 0) {
      const chunk = this.nextChunk()
      if (!state.pipe.write(chunk)) this.heldBytes = chunk.byteLength
    }
    if (state.kind === 'ending' && this.heldBytes === 0) this.over(state)
  }

  private enqueue(bytes: Uint8Array): void {
    this.queue.push(bytes)
    this.queuedBytes += bytes.byteLength
  }

  /** At least one frame, and as many as go together. */
  private nextChunk(): Uint8Array {
    let count = 0
    let bytes = 0
    for (const frame of this.queue) {
      if (count > 0 && bytes + frame.byteLength > chunkBytes) break
      bytes += frame.byteLength
      count += 1
    }
    const frames = this.queue.splice(0, count)
    this.queuedBytes -= bytes
    const [only] = frames
    return frames.length === 1 && only !== undefined ? only : Buffer.concat(frames, bytes)
  }

  private drop(): SendVerdict {
    this.finish(slow.code, slow.reason) // H2
    setImmediate(() => this.sockets.onClosed(this, slow.code, slow.reason))
    return 'dropped'
  }

  private finish(code: number, reason: string): void {
    if (this.state.kind !== 'open') return
    const { pipe } = this.state
    this.sockets.leaveAll(this)
    this.enqueue(this.framer.toBytes(this.farewell(code, reason)))
    const grace = this.sockets.clock.setTimer(() => this.cut(code, reason), graceMs) // H5
    this.state = { kind: 'ending', pipe, grace }
    this.flush()
  }

  private over({ pipe, grace }: Extract<State, { kind: 'ending' }>): void {
    grace.cancel()
    this.state = { kind: 'closed' }
    pipe.end()
  }
}
