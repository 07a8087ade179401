/**
 * One WebSocket of uWebSockets.js behind the port.
 *
 * States: new → open → closed, or open → doomed (it lost a frame) → closed. A doomed socket is closed for everybody but this file.
 *
 * U1. The native object lives on the states in which it may be touched: after its close event every call on it throws.
 * U2. Inside `dropped` the library is walking over a topic, and ending or unsubscribing a socket there is a segmentation fault:
 *     the drop is only noted, {@link UwsSocket.isolate} follows when the walk is over.
 * U3. After a drop nothing is written but the bytes accepted before it, and then 3008. Where a frame may wait or stand behind the
 *     hole, the socket is cut instead, its waiting bytes with it.
 */
import type { Frame } from '@natter/protocol'
import { systemClock, type Timer } from '@natter/primitives'
import type { WebSocket } from 'uWebSockets.js'
import { cutReason } from '../close-reason.js'
import type { SendVerdict, Socket } from '../transport.js'

/** uWebSockets.js copies what it is given onto an object of its own, hence the box. */
export interface SocketBox<C> {
  socket: UwsSocket<C>
}

type Native<C> = WebSocket<SocketBox<C>>

type State<C> =
  | { kind: 'new' }
  | { kind: 'open'; native: Native<C> }
  | { kind: 'doomed'; native: Native<C>; grace?: Timer }
  | { kind: 'closed' }

/** What a socket needs of its server. */
export interface SocketOwner<C> {
  readonly maxQueueBytes: number
  /** Shorter frames are not compressed; Infinity = none is. */
  readonly compressFromBytes: number
  /** Upper bound of the published bytes that wait inside the library, not yet in any socket's `bufferedBytes`. */
  readonly undrainedBytes: number
  /** Bytes of a `send` wait for the peer. */
  onQueued(socket: UwsSocket<C>): void
  /** Isolates the sockets that lost a frame; call it outside of `dropped` only. */
  settleDrops(): void
  /** The socket has closed for its user; called once. */
  onClosed(socket: UwsSocket<C>, code: number, reason: string): void
}

/** How long a peer that lost a frame may take to read what was before it, and its close frame. */
const graceMs = 5_000

/** By the library's numbers. */
const verdicts: readonly SendVerdict[] = ['queued', 'sent', 'dropped']

export class UwsSocket<C> implements Socket<C> {
  context = undefined as C
  private state: State<C> = { kind: 'new' }

  constructor(
    private readonly owner: SocketOwner<C>,
    readonly remoteAddress: string,
  ) {}

  get isOpen(): boolean {
    return this.state.kind === 'open'
  }

  get bufferedBytes(): number {
    return this.state.kind === 'open' ? this.state.native.getBufferedAmount() : 0
  }

  send(frame: Frame): SendVerdict {
    const { owner } = this
    owner.settleDrops()
    if (this.state.kind !== 'open') return 'dropped' // T3
    const { native } = this.state
    if (native.getBufferedAmount() + owner.undrainedBytes > owner.maxQueueBytes && owner.undrainedBytes > 0) {
      this.writeUndrained(native)
      if (!this.isOpen) return 'dropped' // T2
    }
    const isCompressed = frame.length >= owner.compressFromBytes
    const verdict = verdicts[native.send(frame, typeof frame !== 'string', isCompressed)] ?? 'dropped'
    owner.settleDrops()
    if (verdict === 'queued') owner.onQueued(this)
    if (verdict === 'dropped' || this.isOpen) return verdict
    this.cut(native) // U3: a publication before the frame was lost, and the frame written all the same
    return 'dropped'
  }

  ping(): void {
    this.owner.settleDrops()
    if (this.state.kind === 'open') this.state.native.ping()
  }

  join(topic: string): void {
    if (this.state.kind === 'open') this.state.native.subscribe(topic)
  }

  leave(topic: string): void {
    if (this.state.kind === 'open') this.state.native.unsubscribe(topic)
  }

  end(code: number, reason: string): void {
    this.owner.settleDrops()
    if (this.state.kind !== 'open') return
    const { native } = this.state
    const shortReason = cutReason(reason)
    this.state = { kind: 'closed' }
    native.end(code, shortReason)
    this.owner.onClosed(this, code, shortReason)
  }

  opened(native: Native<C>): void {
    this.state = { kind: 'open', native }
  }

  /** In `dropped`: answers whether this is news. */
  noteDrop(): boolean {
    if (this.state.kind !== 'open') return false
    this.state = { kind: 'doomed', native: this.state.native } // U2
    return true
  }

  /** Outside of `dropped`: nothing published from now on reaches the peer. */
  isolate(): void {
    const { state } = this
    if (state.kind !== 'doomed') return
    for (const topic of state.native.getTopics()) state.native.unsubscribe(topic)
    state.grace = systemClock.setTimer(() => this.cut(state.native), graceMs)
  }

  /**
   * Writes or loses the publications that the library holds back for this socket, if it might lose one. A socket over the limit
   * is left alone: it loses whatever comes next, so nothing can follow.
   */
  decideHeld(heldBytes: number): void {
    const { state, owner } = this
    if (state.kind !== 'open') return
    const waitingBytes = state.native.getBufferedAmount()
    const isFull = waitingBytes > owner.maxQueueBytes
    if (!isFull && waitingBytes + heldBytes > owner.maxQueueBytes) state.native.ping()
  }

  /** The peer has taken some of the waiting bytes. Answers whether the socket is still its user's. */
  drained(): boolean {
    const { state, owner } = this
    if (state.kind !== 'doomed') return state.kind === 'open'
    if (owner.undrainedBytes > 0)
      this.cut(state.native) // U3: a publication after the dropped one may still wait
    else if (state.native.getBufferedAmount() <= owner.maxQueueBytes) this.finish(state)
    return false
  }

  nativeClosed(code: number, reason: string): void {
    const { state } = this
    this.state = { kind: 'closed' } // U1
    if (state.kind === 'doomed') state.grace?.cancel()
    if (state.kind === 'open') this.owner.onClosed(this, code, reason)
  }

  private finish(state: Extract<State<C>, { kind: 'doomed' }>): void {
    state.grace?.cancel()
    this.state = { kind: 'closed' }
    state.native.end(slow.code, slow.reason)
  }

  private cut(native: Native<C>): void {
    native.close()
  }

  /**
   * `native.send` writes waiting publications first and then the frame, even if one of those was dropped. Where that can happen a
   * ping takes the frame's place, so that the drop is known before the frame is given away.
   */
  private writeUndrained(native: Native<C>): void {
    native.ping()
    this.owner.settleDrops()
  }
}

/** What becomes of a socket that lost a frame. */
export const slow = { code: 3008, reason: 'slow' } as const
