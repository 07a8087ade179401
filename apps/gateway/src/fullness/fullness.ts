import type { Broker } from '@natter/broker'
import type { Clock, Timer, TypedEvents } from '@natter/primitives'
import type { GatewayEvents } from '../gateway.events.js'
import {
  adviceOf,
  isRefusingAt,
  levelAfter,
  NEAR_MS,
  pauseAfter,
  shareOf,
  type Level,
  type Reading,
} from './levels.js'

interface Watched {
  level: Level
  /** The last known one: it stands while NATS is away. */
  reading: Reading | undefined
  hasRefused: boolean
  /** Either a look is under way or the next one is due. */
  next: { timer: Timer; atMs: number } | 'looking' | undefined
}

/** How full one stream was at the last look. */
export interface StreamFill {
  stream: string
  bytes: number
  maxBytes: number
  share: number
}

/**
 * Watches how full the streams are, so that publications are refused while there is still room for what the mesh itself writes.
 *
 * F1. At most one look at a stream is in flight, however many refusals ask for one.
 * F2. What isn't known refuses nobody: the stream itself refuses at its limit, so nothing is lost by a late look.
 * F3. Each change of level is told once.
 */
export class Fullness {
  private readonly streams = new Map<string, Watched>()
  private isStopped = false

  constructor(
    private readonly broker: Pick<Broker, 'log' | 'streams'>,
    private readonly clock: Clock,
    private readonly events: TypedEvents<GatewayEvents>,
    private readonly random: () => number = Math.random,
  ) {}

  start(): void {
    for (const stream of this.broker.streams) {
      const watched: Watched = { level: 0, reading: undefined, hasRefused: false, next: undefined }
      this.streams.set(stream, watched)
      void this.look(stream, watched)
    }
  }

  stop(): void {
    this.isStopped = true
    for (const { next } of this.streams.values()) if (typeof next === 'object') next.timer.cancel()
  }

  /** Whether publications into this stream must wait for room. */
  isRefusing(stream: string): boolean {
    const watched = this.streams.get(stream)
    if (watched?.reading === undefined) return false // F2
    return isRefusingAt(watched.level, watched.reading)
  }

  /** The stream itself refused for want of room: look soon. */
  refused(stream: string): void {
    const watched = this.streams.get(stream)
    if (watched === undefined) return
    watched.hasRefused = true
    const { next } = watched
    if (typeof next !== 'object' || next.atMs - this.clock.now() <= NEAR_MS) return // F1
    next.timer.cancel()
    this.lookIn(stream, watched, NEAR_MS)
  }

  /** Of the streams that were looked at. */
  get fills(): StreamFill[] {
    return [...this.streams].flatMap(([stream, { reading }]) =>
      reading === undefined
        ? []
        : [{ stream, bytes: reading.bytes, maxBytes: reading.maxBytes, share: shareOf(reading) }],
    )
  }

  private async look(stream: string, watched: Watched): Promise<void> {
    watched.next = 'looking'
    const { hasRefused } = watched
    watched.hasRefused = false
    let isSoon = false
    try {
      this.see(stream, watched, await this.broker.log.state(stream), hasRefused)
      isSoon = watched.hasRefused // meanwhile
    } catch {
      watched.hasRefused ||= hasRefused // the last known stands
    }
    const pauseMs = pauseAfter(watched.reading) * (0.8 + 0.4 * this.random())
    this.lookIn(stream, watched, isSoon ? Math.min(pauseMs, NEAR_MS) : pauseMs)
  }

  private see(stream: string, watched: Watched, reading: Reading, hasRefused: boolean): void {
    const before = watched.level
    const level = levelAfter(before, reading, hasRefused)
    watched.reading = reading
    watched.level = level
    if (level === before || this.isStopped) return
    const { bytes, maxBytes, onFull } = reading
    const advice = adviceOf(before, level, reading)
    this.events.emit('stream:level', { stream, level, before, bytes, maxBytes, onFull, advice }) // F3
  }

  private lookIn(stream: string, watched: Watched, pauseMs: number): void {
    if (this.isStopped) return
    const timer = this.clock.setTimer(() => void this.look(stream, watched), pauseMs)
    watched.next = { timer, atMs: this.clock.now() + pauseMs }
  }
}
