/**
 * Waiting times between attempts: `baseMs · factor^n`, capped, with full jitter on the upper half so that many who failed
 * together do not come back together.
 */
export class Backoff {
  private attempt = 0

  constructor(
    private readonly options: { baseMs: number; maxMs: number; factor?: number },
    private readonly random: () => number = Math.random,
  ) {}

  /** The next wait in milliseconds. */
  next(): number {
    const { baseMs, maxMs, factor = 2 } = this.options
    const full = Math.min(maxMs, baseMs * factor ** this.attempt)
    this.attempt += 1
    return Math.round(full / 2 + (this.random() * full) / 2)
  }

  /** Call after a success that lasted; not after a mere connect, or accept-and-drop peers are redialled at the floor. */
  reset(): void {
    this.attempt = 0
  }
}
