/**
 * Publications at a rate, and what became of them.
 *
 * BL1. A latency counts from when a publication was due, not from when this process got to it: being late is part of what is measured.
 * BL2. It ends by itself: after its duration, some seconds for what is on its way, and no longer.
 */
import type { Centrifuge } from 'centrifuge'
import { setTimeout as sleep } from 'node:timers/promises'
import { Latencies } from './latencies.js'

export interface LoadPlan {
  readonly channel: string
  readonly clients: number
  /** A second. */
  readonly rate: number
  readonly durationMs: number
  readonly bytes: number
}

export interface LoadResult {
  readonly published: number
  /** Answered with an error, or not at all. */
  readonly refused: number
  readonly expected: number
  readonly delivered: number
  readonly missing: number
  readonly deliveriesPerSecond: number
  readonly latencyMs: ReturnType<Latencies['percentiles']>
}

const lastArrivalsMs = 5_000
/** What a publication holds besides its filling. */
const frameBytes = 24

export class Load {
  private readonly latencies = new Latencies()
  private readonly dueAtMs: number[] = []
  private published = 0
  private refused = 0
  private delivered = 0
  private tookMs = 0
  private onArrival: () => void = () => {}

  constructor(private readonly plan: LoadPlan) {}

  arrived(data: unknown): void {
    const dueAtMs = this.dueAtMs[(data as { i?: number } | null)?.i ?? -1]
    if (dueAtMs === undefined) return // somebody else's
    this.latencies.add(performance.now() - dueAtMs)
    this.delivered += 1
    this.onArrival()
  }

  /** Resolves when all was published and has arrived, or the time for that is over. */
  async run(publisher: Pick<Centrifuge, 'publish'>, signal: AbortSignal): Promise<LoadResult> {
    await this.publishAll(publisher, signal)
    await this.lastArrivals(signal)
    return this.result()
  }

  private async publishAll(publisher: Pick<Centrifuge, 'publish'>, signal: AbortSignal): Promise<void> {
    const { rate, durationMs, bytes } = this.plan
    const total = Math.max(1, Math.round((durationMs / 1000) * rate))
    const pad = 'x'.repeat(Math.max(0, bytes - frameBytes))
    const beganAtMs = performance.now()
    const answers: Promise<void>[] = []
    for (let i = 0; i < total && !signal.aborted; i += 1) {
      const due = beganAtMs + (i * 1000) / rate
      const early = due - performance.now()
      if (early > 1) await sleep(early, undefined, { signal }).catch(() => {})
      this.dueAtMs.push(due) // BL1
      answers.push(this.publish(publisher, { i, pad }))
    }
    await Promise.all(answers)
    this.tookMs = performance.now() - beganAtMs
  }

  private async publish(publisher: Pick<Centrifuge, 'publish'>, data: object): Promise<void> {
    try {
      await publisher.publish(this.plan.channel, data)
      this.published += 1
    } catch {
      this.refused += 1
    }
  }

  private get expected(): number {
    return this.published * this.plan.clients
  }

  /** BL2 */
  private async lastArrivals(signal: AbortSignal): Promise<void> {
    const over = new AbortController()
    this.onArrival = () => {
      if (this.delivered >= this.expected) over.abort()
    }
    this.onArrival()
    const either = AbortSignal.any([signal, over.signal])
    await sleep(lastArrivalsMs, undefined, { signal: either }).catch(() => {})
  }

  private result(): LoadResult {
    const { published, refused, delivered, expected } = this
    return {
      published,
      refused,
      expected,
      delivered,
      missing: Math.max(0, expected - delivered),
      deliveriesPerSecond: Math.round(delivered / (this.tookMs / 1000)),
      latencyMs: this.latencies.percentiles(),
    }
  }
}
