/**
 * The server's end of a socket in memory.
 *
 * M1. One queue per socket for `send` and `publish` alike; a frame enters it in the turn of the call (T1).
 * M2. The first frame over the limit closes the queue for good; what is in it still arrives, then 3008 (T2).
 */
import type { Frame } from '@natter/protocol'
import { cutReason } from '../close-reason.js'
import type { SendVerdict, Socket } from '../transport.js'

export interface MemorySocketWiring<C> {
  remoteAddress: string
  maxQueueBytes: number
  topics: Map<string, Set<MemorySocket<C>>>
  onDrain(): void
  onClose(code: number, reason: string): void
}

/** The client's end. */
export interface MemoryWire {
  receive(frame: Frame): void
  closed(code: number, reason: string): void
}

export class MemorySocket<C> implements Socket<C> {
  context = undefined as C
  private state: 'open' | 'closed' = 'open'
  private readonly queue: Frame[] = []
  private queuedBytes = 0
  private farewell: { code: number; reason: string } | undefined
  private wire: MemoryWire | undefined
  private isPaused = false
  /** Whether anything in the queue was ever seen in `bufferedBytes`: its taking is told. */
  private hasWaited = false
  private isFlushPlanned = false

  constructor(private readonly wiring: MemorySocketWiring<C>) {}

  get isOpen(): boolean {
    return this.state === 'open'
  }

  /** What an unpaused client has not taken yet is on its way. */
  get bufferedBytes(): number {
    return this.isOpen && this.isPaused ? this.queuedBytes : 0
  }

  get remoteAddress(): string {
    return this.wiring.remoteAddress
  }

  send(frame: Frame): SendVerdict {
    return this.write(frame)
  }

  write(frame: Frame): SendVerdict {
    if (!this.isOpen) return 'dropped'
    if (this.bufferedBytes > this.wiring.maxQueueBytes) return this.drop()
    this.queue.push(frame)
    this.queuedBytes += byteLength(frame)
    this.hasWaited ||= this.isPaused
    this.planFlush()
    return this.isPaused ? 'queued' : 'sent'
  }

  ping(): void {}

  join(topic: string): void {
    if (!this.isOpen) return
    const members = this.wiring.topics.get(topic) ?? new Set()
    this.wiring.topics.set(topic, members.add(this))
  }

  leave(topic: string): void {
    const members = this.wiring.topics.get(topic)
    if (members?.delete(this) && members.size === 0) this.wiring.topics.delete(topic)
  }

  end(code: number, reason: string): void {
    if (!this.isOpen) return
    const short = cutReason(reason)
    this.leaveAll()
    this.farewell = { code, reason: short }
    this.planFlush()
    this.wiring.onClose(code, short)
  }

  /** Ends without a close frame; what waits is lost. */
  cut(): void {
    this.peerClosed(1006, '')
    this.queue.length = 0
    this.wire?.closed(1006, '')
  }

  peerClosed(code: number, reason: string): void {
    if (!this.isOpen) return
    this.leaveAll()
    this.wiring.onClose(code, reason)
  }

  attach(wire: MemoryWire): void {
    this.wire = wire
  }

  setPaused(isPaused: boolean): void {
    this.isPaused = isPaused
    this.hasWaited ||= isPaused && this.queuedBytes > 0
    if (!isPaused) this.planFlush()
  }

  private drop(): SendVerdict {
    this.leaveAll() // M2
    this.farewell = { code: 3008, reason: 'slow' }
    setImmediate(() => this.wiring.onClose(3008, 'slow'))
    return 'dropped'
  }

  private leaveAll(): void {
    this.state = 'closed'
    for (const topic of this.wiring.topics.keys()) this.leave(topic)
  }

  private planFlush(): void {
    if (this.isFlushPlanned) return
    this.isFlushPlanned = true
    setImmediate(() => {
      this.isFlushPlanned = false
      this.flush()
    })
  }

  private flush(): void {
    if (this.isPaused) return
    const { hasWaited } = this
    this.hasWaited = false
    this.queuedBytes = 0
    for (const frame of this.queue.splice(0)) this.wire?.receive(frame)
    if (this.farewell !== undefined) this.wire?.closed(this.farewell.code, this.farewell.reason)
    else if (hasWaited && this.isOpen) this.wiring.onDrain()
  }
}

const byteLength = (frame: Frame): number =>
  typeof frame === 'string' ? Buffer.byteLength(frame) : frame.byteLength
