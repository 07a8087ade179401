/**
 * One question that many ask at once.
 *
 * Q1. Whoever calls gets an answer that began to be sought after the call: callers wait for the next round, never join the
 *     running one.
 * Q2. At most one round runs; all who called meanwhile share the next.
 */
export class Coalesced<T> {
  private waiting: { resolve(value: T): void; reject(error: unknown): void }[] = []
  private isRunning = false

  constructor(private readonly ask: () => Promise<T>) {}

  call(): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.waiting.push({ resolve, reject })
      if (!this.isRunning) void this.run()
    })
  }

  private async run(): Promise<void> {
    this.isRunning = true
    await Promise.resolve() // the rest of the caller's turn joins this round
    while (this.waiting.length > 0) {
      const round = this.waiting
      this.waiting = [] // Q1
      try {
        const value = await this.ask()
        for (const { resolve } of round) resolve(value)
      } catch (error) {
        for (const { reject } of round) reject(error)
      }
    }
    this.isRunning = false
  }
}
