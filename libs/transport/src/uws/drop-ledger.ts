/**
 * Remembers which sockets lost a frame, and how much the library may still hold back, between a native call and the moment when
 * sockets may be touched again.
 *
 * uWebSockets.js gathers publications under 16 KiB and writes them to each subscriber at the end of the loop's turn, at the 32nd,
 * or before the next frame sent to that subscriber. A bigger one is written at once.
 *
 * D1. `settle` leaves no doomed socket in a topic.
 * D2. `undrainedBytes` is 0 only when the library holds no publication back.
 * D3. Each socket that lost a frame is reported once, from `setImmediate` or `report`.
 */
import type { Frame } from '@natter/protocol'
import type { UwsSocket } from './uws-socket.js'

/** The library's cork buffer: frames from here on are written to subscribers at once. */
const bigFrameBytes = 16 * 1024

/** `setImmediate` comes before the library's own end of turn, so its write has surely happened one turn later. */
const turnsUntilDrained = 2

export class DropLedger<C> {
  /** Upper bound of the published bytes the library holds back (D2). */
  undrainedBytes = 0
  private turnsLeft = 0
  private isWritingBigFrame = false
  private readonly unsettled: { socket: UwsSocket<C>; isFrameBehindHole: boolean }[] = []
  private readonly unreported = new Set<UwsSocket<C>>()

  constructor(private readonly onSlow: (socket: UwsSocket<C>) => void) {}

  /** In `dropped`: touches no socket. */
  note(socket: UwsSocket<C>, droppedBytes: number): void {
    if (!socket.noteDrop()) return
    // A small frame lost while a big one is being written was held back before it: the big one follows the hole.
    this.unsettled.push({ socket, isFrameBehindHole: this.isWritingBigFrame && droppedBytes < bigFrameBytes })
    this.unreported.add(socket)
    if (this.unreported.size === 1) setImmediate(() => this.report())
  }

  publishBegins(frame: Frame): void {
    const bytes = frameBytes(frame)
    this.isWritingBigFrame = bytes >= bigFrameBytes
    if (this.isWritingBigFrame) return
    this.undrainedBytes += bytes + maxHeaderBytes
    if (this.turnsLeft === 0) setImmediate(this.turnEnds)
    this.turnsLeft = turnsUntilDrained
  }

  publishReturned(): void {
    this.isWritingBigFrame = false
    this.settle()
  }

  /** Isolates what lost a frame (D1). */
  settle(): void {
    if (this.unsettled.length === 0) return
    for (const { socket, isFrameBehindHole } of this.unsettled.splice(0)) socket.isolate(isFrameBehindHole)
  }

  /** Tells the users of sockets that lost a frame (D3). */
  report(): void {
    this.settle()
    const sockets = [...this.unreported]
    this.unreported.clear()
    for (const socket of sockets) this.onSlow(socket)
  }

  private readonly turnEnds = (): void => {
    this.turnsLeft -= 1
    if (this.turnsLeft > 0) setImmediate(this.turnEnds)
    else this.undrainedBytes = 0
  }
}

/** Of a server's frame: no mask. */
const maxHeaderBytes = 10

const frameBytes = (frame: Frame): number =>
  typeof frame === 'string' ? Buffer.byteLength(frame) : frame.byteLength
