import type { Broker } from '@natter/broker'
import type { Clock, Timer, TypedEvents } from '@natter/primitives'
import type { GatewayEvents } from '../gateway.events.js'
import { afterUnknown, FORGET_MS, isForgotten, STALL_ADVICE, type Stall } from './stall.js'

/**
 * Notices a NATS that is connected and stores nothing: after a full disk its file store keeps the error, and answers no append, until
 * it is restarted.
 *
 * S1. Each stall is told once, and its end once.
 * S2. It refuses nobody: the next append may be the one that is stored, and only tries can tell.
 * S3. What ends unknown because NATS went away says nothing about the disk: it counts for nothing, and takes the doubts along. A stall
 *     stays: whether the next NATS stores is told by the next append.
 */
export class Stalls {
  /** Of streams in doubt; those that are trusted aren't here, and cost a look into an empty map per append. */
  private readonly stalls = new Map<string, Stall>()
  /** Of those that stalled. */
  private readonly timers = new Map<string, Timer>()
  private stopListening: () => void = () => {}

  constructor(
    private readonly broker: Pick<Broker, 'bus' | 'events' | 'streams'>,
    private readonly clock: Clock,
    private readonly events: TypedEvents<GatewayEvents>,
  ) {}

  start(): void {
    this.stopListening = this.broker.events.on('broker:disconnect', () => {
      for (const [stream, { is }] of this.stalls) if (is === 'doubted') this.stalls.delete(stream) // S3
    })
  }

  stop(): void {
    this.stopListening()
    for (const timer of this.timers.values()) timer.cancel()
    this.timers.clear()
    this.stalls.clear()
  }

  /** An append was stored: not a duplicate, which proves nothing. */
  stored(stream: string): void {
    const stall = this.stalls.get(stream)
    if (stall !== undefined) this.end(stream, stall, 'stored')
  }

  /** An append got no answer that says how it ended. */
  unknown(stream: string): void {
    if (!this.broker.bus.isConnected) return // S3
    const before = this.stalls.get(stream)
    const stall = afterUnknown(before, this.clock.now())
    this.stalls.set(stream, stall)
    if (stall.is === 'doubted' || before?.is === 'stalled') return
    const { tries, sinceMs } = stall
    this.forgetIn(stream, FORGET_MS)
    this.events.emit('stream:stall', { stream, tries, sinceMs, advice: STALL_ADVICE }) // S1
  }

  /** The streams that store nothing now. */
  get stalled(): string[] {
    return [...this.timers.keys()]
  }

  /** All streams of this node, for the gauge. */
  get all(): { stream: string; isStalled: boolean }[] {
    return this.broker.streams.map((stream) => ({ stream, isStalled: this.timers.has(stream) }))
  }

  /** What a person has to know and do; undefined while nothing stalls. */
  get trouble(): string | undefined {
    return this.timers.size === 0
      ? undefined
      : `Durable publishes get no answer (${this.stalled.join(', ')}). ${STALL_ADVICE}.`
  }

  private end(stream: string, { is, sinceMs }: Stall, why: 'stored' | 'untried'): void {
    this.stalls.delete(stream)
    this.timers.get(stream)?.cancel()
    this.timers.delete(stream)
    if (is === 'stalled')
      this.events.emit('stream:stall:end', { stream, why, lastedMs: this.clock.now() - sinceMs })
  }

  private forgetIn(stream: string, ms: number): void {
    this.timers.set(
      stream,
      this.clock.setTimer(() => this.forget(stream), ms),
    )
  }

  private forget(stream: string): void {
    const stall = this.stalls.get(stream)
    if (stall === undefined) return
    const now = this.clock.now()
    if (isForgotten(stall, now)) this.end(stream, stall, 'untried')
    else this.forgetIn(stream, stall.lastMs + FORGET_MS - now)
  }
}
