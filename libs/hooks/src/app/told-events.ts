import type { Clock } from '@natter/primitives'

const defaults = { maxCount: 10_000, forMs: 120_000 }

/**
 * Events are told at least once; this makes a repeat to the same instance none.
 *
 * T1. While an event is at work a repeat waits for the same outcome.
 * T2. One that was heard is remembered for two minutes, at most the last 10,000; one that failed is forgotten at once.
 */
export class ToldEvents {
  private readonly known = new Map<string, { work: Promise<void>; atMs: number; isDone: boolean }>()

  constructor(
    private readonly clock: Clock,
    private readonly options: { maxCount: number; forMs: number } = defaults,
  ) {}

  /** Runs `hear` unless it ran for this id. */
  once(id: string, hear: () => Promise<void>): Promise<void> {
    this.forgetOld()
    const known = this.known.get(id)
    if (known !== undefined) return known.work // T1, T2
    const entry = { work: hear(), atMs: this.clock.now(), isDone: false }
    this.known.set(id, entry)
    entry.work.then(
      () => {
        entry.isDone = true
      },
      () => this.known.delete(id),
    )
    return entry.work
  }

  /** Oldest first; those at work stay. */
  private forgetOld(): void {
    const oldest = this.clock.now() - this.options.forMs
    for (const [id, { atMs, isDone }] of this.known) {
      if (this.known.size < this.options.maxCount && atMs > oldest) return
      if (isDone) this.known.delete(id)
    }
  }
}
