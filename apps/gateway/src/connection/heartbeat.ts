import type { Clock, Timer } from '@natter/primitives'
import { codecOf, Disconnects, flavours } from '@natter/protocol'
import type { SocketServer } from '@natter/transport'
import { pingTopic } from '../channels/topics.js'
import type { Connection } from './connection.js'

/** What pings say depends on the encoding alone. */
const pinging = flavours.map(codecOf).filter(({ flavour, encoding }) => flavour === encoding)

/** One wheel for all connections: 25 slots, one of them pinged per beat, so the load is even and no socket has a timer. */
const slots = 25

/**
 * Pings by topic, one publish for all connections of a slot, and looks for their pongs some beats later.
 *
 * P1. A connection's pings are `pingIntervalMs` apart; the first comes between half an interval and a whole one after the
 *     connect, at random, so that clients who came together are not pinged together.
 * P2. A connection that owes a pong `pongTimeoutMs` after its ping (rounded up to a beat) is closed with 3012.
 */
export class Heartbeat {
  private readonly members: Set<Connection>[] = Array.from({ length: slots }, () => new Set())
  /** When the slots were pinged whose pongs are not yet looked for. */
  private readonly pingedAtMs = new Map<number, number>()
  private readonly beatMs: number
  private beat = 0
  private timer: Timer | undefined

  constructor(
    private readonly server: Pick<SocketServer<Connection>, 'publish'>,
    private readonly clock: Clock,
    private readonly options: { pingIntervalMs: number; pongTimeoutMs: number },
    private readonly random: () => number = Math.random,
  ) {
    this.beatMs = options.pingIntervalMs / slots
  }

  start(): void {
    this.schedule(this.clock.now() + this.beatMs)
  }

  stop(): void {
    this.timer?.cancel()
  }

  add(connection: Connection): void {
    // P1: the present beat has begun some time ago, so half an interval is one beat more
    const firstBeat = Math.ceil(slots / 2) + 1 + Math.floor(this.random() * (slots / 2 - 1))
    connection.pingSlot = (this.beat + firstBeat) % slots
    this.members[connection.pingSlot]?.add(connection)
    if (connection.wire.hasFramePings) return
    connection.join(pingTopic(connection.wire.codec.encoding, connection.pingSlot))
  }

  remove(connection: Connection): void {
    this.members[connection.pingSlot]?.delete(connection)
  }

  /** False when no pong is owed: the protocol wants that connection closed. */
  onPong(connection: Connection): boolean {
    if (connection.owedPongs === 0) return false
    connection.owedPongs -= 1
    return true
  }

  /**
   * Beats are due at multiples of the beat since the start, not after the last one: a slow turn delays one ping, not all later
   * ones. After a pause of more than an interval (a machine that slept) what was missed is left out.
   */
  private schedule(dueMs: number): void {
    const again = (): void => {
      this.turn()
      const lateMs = this.clock.now() - dueMs
      const skipped = lateMs > slots * this.beatMs ? Math.floor(lateMs / this.beatMs) : 0
      this.schedule(dueMs + (skipped + 1) * this.beatMs)
    }
    // a late beat lets the sockets be read first: the pongs that it would miss may have come long ago
    const fire = (): void => {
      if (this.clock.now() - dueMs <= this.beatMs) again()
      else this.timer = this.clock.setTimer(again, 0)
    }
    this.timer = this.clock.setTimer(fire, Math.max(0, dueMs - this.clock.now()))
  }

  private turn(): void {
    this.beat = (this.beat + 1) % slots
    this.closeSilent()
    const due = this.members[this.beat]
    if (due === undefined || due.size === 0) return
    for (const connection of due) {
      if (!connection.wire.isUnidirectional) connection.owedPongs += 1
      if (connection.wire.hasFramePings) connection.socket.ping()
    }
    this.pingedAtMs.set(this.beat, this.clock.now())
    for (const { encoding, ping } of pinging) this.server.publish(pingTopic(encoding, this.beat), ping)
  }

  /** P2: counted from when the ping really went out. */
  private closeSilent(): void {
    const oldestMs = this.clock.now() - this.options.pongTimeoutMs
    for (const [slot, atMs] of this.pingedAtMs) {
      if (atMs > oldestMs) continue
      this.pingedAtMs.delete(slot)
      for (const connection of this.members[slot] ?? []) {
        if (connection.owedPongs > 0) connection.disconnect(Disconnects.noPong)
      }
    }
  }
}
