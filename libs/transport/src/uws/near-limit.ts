/**
 * Makes room before a big frame. uWebSockets.js writes one at once, after what it held back for the subscriber, even if some of
 * that is lost at the limit. So whatever might be lost is written or lost before the big frame is given away.
 *
 * L1. When {@link NearLimit.beforeBigFrame} returns, no open socket can lose a held-back publication and take the big frame: what
 *     was held back for it is decided, or fits in any case, or the socket is over the limit and loses the big frame first.
 * L2. A socket that isn't suspected has no more waiting than half the limit, what was published since the last look at all
 *     sockets, and a cork buffer. A look costs a call per socket, so it is taken again only when that may be too much.
 */
import type { UwsSocket } from './uws-socket.js'

/** The library's cork buffer: payloads from here on are written to subscribers at once, smaller frames may wait in it unseen. */
export const bigFrameBytes = 16 * 1024

export class NearLimit<C> {
  private readonly open = new Set<UwsSocket<C>>()
  private readonly suspects = new Set<UwsSocket<C>>()
  private publishedBytes = 0
  /** Nothing was held back, and no socket drained, since the last big frame. */
  private isDecided = true

  constructor(private readonly maxQueueBytes: number) {}

  opened(socket: UwsSocket<C>): void {
    this.open.add(socket)
  }

  closed(socket: UwsSocket<C>): void {
    this.open.delete(socket)
    this.suspects.delete(socket)
  }

  /** Bytes wait for it that were not published. */
  suspect(socket: UwsSocket<C>): void {
    this.suspects.add(socket)
  }

  /** A socket that was over the limit may have come below it, with publications held back. */
  drained(): void {
    this.isDecided = false
  }

  published(frameBytes: number, isBig: boolean): void {
    this.publishedBytes += frameBytes
    if (!isBig) this.isDecided = false
  }

  /** `heldBytes`: upper bound of what the library holds back. Drops may follow: settle them before anything is written. */
  beforeBigFrame(heldBytes: number): void {
    if (heldBytes === 0 || this.isDecided) return
    const half = this.maxQueueBytes / 2
    if (this.publishedBytes > half - bigFrameBytes) this.look(heldBytes)
    for (const socket of this.suspects) {
      socket.decideHeld(heldBytes)
      if (socket.bufferedBytes <= half - heldBytes) this.suspects.delete(socket)
    }
    this.isDecided = true
  }

  /** L2. */
  private look(heldBytes: number): void {
    const harmlessBytes = Math.min(this.maxQueueBytes / 2, this.maxQueueBytes - heldBytes - bigFrameBytes)
    this.publishedBytes = heldBytes
    for (const socket of this.open) if (socket.bufferedBytes > harmlessBytes) this.suspects.add(socket)
  }
}
