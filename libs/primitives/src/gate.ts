/**
 * Lets at most `width` tasks run at once; the others wait in line, first come first served.
 *
 * A task that throws frees its place. The line is not bounded here: whoever enters must be bounded by its own kind.
 */
export class Gate {
  private running = 0
  private readonly line: (() => void)[] = []

  constructor(private readonly width: number) {}

  get waiting(): number {
    return this.line.length
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.running >= this.width) await new Promise<void>((resolve) => this.line.push(resolve))
    else this.running += 1
    try {
      return await task()
    } finally {
      const next = this.line.shift()
      if (next === undefined) this.running -= 1
      else next() // the place is handed over, so `running` stays
    }
  }
}
