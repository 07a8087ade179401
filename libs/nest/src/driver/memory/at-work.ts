/**
 * What the mesh waits for: commands of clients, hooks and events with the app.
 *
 * W1. The mesh is idle when nothing is at work and the event loop has turned a few times without bringing anything.
 * W2. Virtual time must not stand still for a handler that never ends, and must for one that reads a file: each has its patience, in
 *     real time.
 */
import { setImmediate as turn } from 'node:timers/promises'

interface Item {
  readonly what: string
  readonly sinceMs: number
}

/** What a handler does without being waited for (`void this.natter.publish(…)`) is done within so many turns. */
const quietTurns = 4

export class AtWork {
  private readonly items = new Set<Item>()

  async run<T>(what: string, work: () => Promise<T>): Promise<T> {
    const item = { what, sinceMs: performance.now() }
    this.items.add(item)
    try {
      return await work()
    } finally {
      this.items.delete(item)
    }
  }

  /** Resolves when the mesh is idle (W1), but for what has been at work for longer than `patienceMs` (W2): with that. */
  async settled(patienceMs: number): Promise<string[]> {
    for (let quiet = 0; quiet < quietTurns; quiet += 1) {
      await turn()
      if (this.hasYounger(patienceMs)) quiet = -1
    }
    return [...this.items].map(({ what }) => what)
  }

  private hasYounger(patienceMs: number): boolean {
    const oldestMs = performance.now() - patienceMs
    return [...this.items].some(({ sinceMs }) => sinceMs > oldestMs)
  }
}
