import type { Broker, Tops } from '@natter/broker'
import { Backoff, type Clock, type Timer } from '@natter/primitives'
import type { DurableChannel } from './durable-channel.js'

/**
 * Opens channels in batches: all that were asked for in one turn share one flush and one look at each stream.
 *
 * O1. The look comes after the flush: whatever is published later arrives live, whatever came before is in what was read.
 * O2. A failed attempt is repeated with backoff until the channel is forgotten; who waits for it has a deadline of their own.
 * O3. What was read of a numbering that is over opens nothing: it is looked again.
 */
export class Opener {
  private asked = new Set<DurableChannel>()
  private readonly failed = new Set<DurableChannel>()
  private isScheduled = false
  private isStopped = false
  private retry: Timer | undefined
  private readonly backoff = new Backoff({ baseMs: 50, maxMs: 1_000 })

  constructor(
    private readonly broker: Broker,
    private readonly clock: Clock,
  ) {}

  open(channel: DurableChannel): void {
    this.asked.add(channel)
    if (this.isScheduled) return
    this.isScheduled = true
    queueMicrotask(() => void this.openAsked())
  }

  forget(channel: DurableChannel): void {
    this.asked.delete(channel)
    this.failed.delete(channel)
  }

  /** The way to NATS is back: do not wait for the timer. */
  retryNow(): void {
    this.retry?.cancel()
    this.retry = undefined
    for (const channel of this.failed) this.open(channel)
    this.failed.clear()
  }

  stop(): void {
    this.isStopped = true
    this.retry?.cancel()
    this.asked.clear()
    this.failed.clear()
  }

  private async openAsked(): Promise<void> {
    const channels = [...this.asked]
    this.asked = new Set()
    this.isScheduled = false
    try {
      await this.broker.bus.flush() // O1
      await Promise.all([...byStream(channels)].map(([stream, group]) => this.openGroup(stream, group)))
      this.backoff.reset()
    } catch {
      this.onFailure(channels)
    }
  }

  private async openGroup(stream: string, channels: DurableChannel[]): Promise<void> {
    const epoch = this.broker.epochOf(stream)
    const tops = await this.broker.log.tops(
      stream,
      channels.map((channel) => channel.route.subject),
    )
    const isOver = this.broker.epochOf(stream) !== epoch
    for (const channel of channels) {
      if (!isOver) channel.opened(positionIn(tops, channel))
      else if (channel.kind === 'opening') this.open(channel) // O3
    }
  }

  /** O2. A channel that was closed meanwhile ignores `opened`, so asking again for it does no harm. */
  private onFailure(channels: DurableChannel[]): void {
    if (this.isStopped) return
    for (const channel of channels) if (channel.kind === 'opening') this.failed.add(channel)
    this.retry ??= this.clock.setTimer(() => this.retryNow(), this.backoff.next())
  }
}

function positionIn(tops: Tops, channel: DurableChannel): number {
  return tops.newest.get(channel.route.subject)?.seq ?? tops.upTo
}

export function byStream(channels: Iterable<DurableChannel>): Map<string, DurableChannel[]> {
  const groups = new Map<string, DurableChannel[]>()
  for (const channel of channels) {
    const group = groups.get(channel.route.stream) ?? []
    groups.set(channel.route.stream, group)
    group.push(channel)
  }
  return groups
}
