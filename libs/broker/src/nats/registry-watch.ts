import { Backoff, type Clock, type Timer } from '@natter/primitives'
import type { RegistryEntry } from '../broker.js'
import type { NatsLink } from './connection.js'

const PAUSES = { baseMs: 200, maxMs: 5_000 }

export interface WatchParts {
  link: NatsLink
  clock: Clock
  read(): Promise<RegistryEntry | undefined>
  onEntry(entry: RegistryEntry): void
  onCallbackError(error: unknown): void
  onStop(): void
}

/**
 * Follows one key: whatever says that it may have changed makes it read what is true now.
 *
 * W1. Reads go one after another and each asks the leader, so that a value is never told after a newer one. (Revisions would not
 *     do: after a wiped disk the newer record has the lower one.)
 * W2. A read that failed is repeated until one succeeds: after a pause while connected, and at once after a reconnect.
 * W3. A value counts as told when the callback has returned: one that it threw at is told again at the next look.
 */
export class RegistryWatch {
  private seen: RegistryEntry | undefined
  private isStopped = false
  private reading: Promise<void> = Promise.resolve()
  private readonly pauses = new Backoff(PAUSES)
  private retry: Timer | undefined

  constructor(private readonly parts: WatchParts) {}

  /** Resolves when a read that began after this call was told. Rejects when it failed; it is then repeated (W2). */
  look(): Promise<void> {
    this.retry?.cancel()
    this.retry = undefined
    const read = this.reading.then(() => this.readOnce()) // W1
    this.reading = read.catch(() => this.planRetry())
    return read
  }

  hint(): void {
    this.look().catch(() => {}) // W2
  }

  readonly stop = (): void => {
    if (this.isStopped) return
    this.isStopped = true
    this.retry?.cancel()
    this.parts.onStop()
  }

  private async readOnce(): Promise<void> {
    const entry = this.isStopped ? undefined : await this.parts.read()
    this.pauses.reset()
    if (entry === undefined || this.isStopped || isSame(entry, this.seen)) return
    try {
      this.parts.onEntry(entry)
      this.seen = entry // W3
    } catch (error) {
      this.parts.onCallbackError(error)
    }
  }

  private planRetry(): void {
    const { link, clock } = this.parts
    if (this.isStopped || this.retry !== undefined || !link.isConnected) return
    this.retry = clock.setTimer(() => this.hint(), this.pauses.next())
  }
}

/** The value counts too: after a wiped disk another record may carry the revision that was seen. */
function isSame(entry: RegistryEntry, seen: RegistryEntry | undefined): boolean {
  return entry.revision === seen?.revision && Buffer.compare(entry.value, seen.value) === 0
}
