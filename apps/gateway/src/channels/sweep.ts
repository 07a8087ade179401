import type { Broker } from '@natter/broker'
import type { Clock, Timer } from '@natter/primitives'
import type { DurableChannel } from './durable-channel.js'
import { byStream } from './opener.js'

/** Channels per look; the log asks in batches of its own as well. */
const batch = 500

/**
 * After a reconnect nobody tells what was missed, and the newest message of a quiet channel would be missed for good. So
 * every open channel is compared with the log, spread out so that many gateways do not ask at once: 2 ms per channel, at
 * most `maxSpreadMs`.
 */
export class Sweep {
  private readonly timers = new Set<Timer>()
  /** Counts runs and stops: what belongs to an earlier one is over. */
  private generation = 0

  constructor(
    private readonly broker: Broker,
    private readonly clock: Clock,
    private readonly maxSpreadMs: number,
    private readonly random: () => number = Math.random,
  ) {}

  run(channels: readonly DurableChannel[]): void {
    this.stop()
    const spreadMs = Math.min(this.maxSpreadMs, channels.length * 2)
    for (const [stream, group] of byStream(channels)) {
      for (let from = 0; from < group.length; from += batch) {
        this.later(() => void this.look(stream, group.slice(from, from + batch)), this.random() * spreadMs)
      }
    }
  }

  stop(): void {
    this.generation += 1
    for (const timer of this.timers) timer.cancel()
    this.timers.clear()
  }

  private async look(stream: string, channels: DurableChannel[]): Promise<void> {
    const { generation } = this
    const open = channels.filter((channel) => channel.kind !== 'closed')
    try {
      const { newest } = await this.broker.log.tops(
        stream,
        open.map((channel) => channel.route.subject),
      )
      for (const channel of open) {
        const top = newest.get(channel.route.subject)
        if (top !== undefined) channel.compare(top)
      }
    } catch {
      if (this.generation === generation) this.later(() => void this.look(stream, channels), 500)
    }
  }

  private later(run: () => void, ms: number): void {
    const timer = this.clock.setTimer(() => {
      this.timers.delete(timer)
      run()
    }, ms)
    this.timers.add(timer)
  }
}
