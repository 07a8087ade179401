/**
 * All open streams of a server: their topics, which no library keeps for them, and the writes at the end of a turn.
 *
 * J1. A publication is framed once for each kind of stream that is in its topic, whatever the number of sockets.
 * J2. What a turn wrote leaves by its end.
 */
import { systemClock, type Clock } from '@natter/primitives'
import type { Frame } from '@natter/protocol'
import type { SocketHandlers } from '../transport.js'
import type { Framer } from './framing.js'
import type { StreamSocket } from './stream-socket.js'

export class StreamSockets<C> {
  private readonly open = new Set<StreamSocket<C>>()
  private readonly topics = new Map<string, Set<StreamSocket<C>>>()
  private unflushed: StreamSocket<C>[] = []

  constructor(
    readonly maxQueueBytes: number,
    private readonly handlers: Pick<SocketHandlers<C>, 'onClose' | 'onDrain'>,
    readonly clock: Clock = systemClock,
  ) {}

  get size(): number {
    return this.open.size
  }

  opened(socket: StreamSocket<C>): void {
    this.open.add(socket)
  }

  publish(topic: string, frame: Frame): void {
    const members = this.topics.get(topic)
    if (members === undefined) return
    let framer: Framer | undefined
    let bytes: Uint8Array | undefined
    const framed = new Map<Framer, Uint8Array>() // J1
    for (const socket of members) {
      if (socket.framer !== framer || bytes === undefined) {
        framer = socket.framer
        bytes = framed.get(framer) ?? framer.toBytes(frame)
        framed.set(framer, bytes)
      }
      socket.write(bytes)
    }
  }

  join(socket: StreamSocket<C>, topic: string): void {
    const members = this.topics.get(topic) ?? new Set()
    this.topics.set(topic, members.add(socket))
    socket.topics.add(topic)
  }

  leave(socket: StreamSocket<C>, topic: string): void {
    if (!socket.topics.delete(topic)) return
    const members = this.topics.get(topic)
    if (members?.delete(socket) && members.size === 0) this.topics.delete(topic)
  }

  leaveAll(socket: StreamSocket<C>): void {
    for (const topic of socket.topics) this.leave(socket, topic)
  }

  /** J2. */
  flushInTurn(socket: StreamSocket<C>): void {
    if (socket.isUnflushed) return
    socket.isUnflushed = true
    if (this.unflushed.push(socket) === 1) setImmediate(this.flush)
  }

  onClosed(socket: StreamSocket<C>, code: number, reason: string): void {
    this.open.delete(socket)
    this.handlers.onClose(socket, code, reason)
  }

  onDrained(socket: StreamSocket<C>): void {
    this.handlers.onDrain(socket)
  }

  /** Cuts whoever is left. */
  close(): void {
    for (const socket of this.open) socket.cut(1006, '')
  }

  private readonly flush = (): void => {
    const sockets = this.unflushed
    this.unflushed = []
    for (const socket of sockets) {
      socket.isUnflushed = false
      socket.flush()
    }
  }
}
