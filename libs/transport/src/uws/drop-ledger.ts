/**
 * Remembers which sockets lost a frame, and how much the library may still hold back, between a native call and the moment when
 * sockets may be touched again.
 *
 * uWebSockets.js gathers publications under 16 KiB and writes them to each subscriber at the end of the loop's turn, at the 32nd,
 * or before the next frame sent to that subscriber. A bigger one is written at once.
 *
 * D1. `settle` leaves no doomed socket in a topic.
 * D2. `undrainedBytes` is 0 only when the library holds no publication back, and never less than it holds for any one subscriber.
 *     It forgets what was published before the last turn: under steady traffic it must not grow.
 * D3. Each socket that lost a frame is reported once, from `setImmediate` or `report`.
 */
import type { UwsSocket } from './uws-socket.js'

/** 32 publications under 16 KiB, and their headers: no subscriber has more held back. */
const maxHeldBytes = 32 * (16 * 1024 + 10)

export class DropLedger<C> {
  private heldThisTurn = 0
  private heldLastTurn = 0
  private isTurnWatched = false
  private readonly unsettled: UwsSocket<C>[] = []
  private readonly unreported = new Set<UwsSocket<C>>()

  constructor(private readonly onSlow: (socket: UwsSocket<C>) => void) {}

  /** Upper bound of the published bytes that the library holds back for a subscriber (D2). */
  get undrainedBytes(): number {
    return Math.min(this.heldThisTurn + this.heldLastTurn, maxHeldBytes)
  }

  /** In `dropped`: touches no socket. */
  note(socket: UwsSocket<C>): void {
    if (!socket.noteDrop()) return
    this.unsettled.push(socket)
    this.unreported.add(socket)
    if (this.unreported.size === 1) setImmediate(() => this.report())
  }

  /** The library may hold a publication of so many bytes back. */
  held(bytes: number): void {
    this.heldThisTurn += bytes
    if (this.isTurnWatched) return
    this.isTurnWatched = true
    setImmediate(this.turnEnds)
  }

  /** Isolates what lost a frame (D1). */
  settle(): void {
    if (this.unsettled.length === 0) return
    for (const socket of this.unsettled.splice(0)) socket.isolate()
  }

  /** Tells the users of sockets that lost a frame (D3). */
  report(): void {
    this.settle()
    const sockets = [...this.unreported]
    this.unreported.clear()
    for (const socket of sockets) this.onSlow(socket)
  }

  /** `setImmediate` comes before the library's own end of turn, so its write has surely happened one turn later. */
  private readonly turnEnds = (): void => {
    this.heldLastTurn = this.heldThisTurn
    this.heldThisTurn = 0
    this.isTurnWatched = this.heldLastTurn > 0
    if (this.isTurnWatched) setImmediate(this.turnEnds)
  }
}
