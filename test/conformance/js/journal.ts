/** What came, in order. Who asks for an entry that has come already gets it, so nothing is missed between two awaits. */
export class Journal<T> {
  readonly entries: T[] = []
  private readonly looking = new Set<() => void>()

  constructor(private readonly name: string) {}

  add(entry: T): void {
    this.entries.push(entry)
    for (const look of this.looking) look()
  }

  /** The first entry that fits, past or coming. */
  first(fits: (entry: T) => boolean = () => true, timeoutMs?: number): Promise<T> {
    return this.until((entries) => entries.find((entry) => fits(entry)), timeoutMs)
  }

  /** All entries, once there are so many. */
  atLeast(count: number, timeoutMs?: number): Promise<readonly T[]> {
    return this.until((entries) => (entries.length >= count ? entries : undefined), timeoutMs)
  }

  /** The entry with this index. */
  async at(index: number, timeoutMs?: number): Promise<T> {
    return (await this.atLeast(index + 1, timeoutMs))[index] as T
  }

  /** The entry with this index, or what is thrown because the other journal gets its entry first. */
  async atOrElse<O>(
    index: number,
    other: Journal<O>,
    otherIndex: number,
    refusal: (told: O) => Error,
  ): Promise<T> {
    const ended = new AbortController()
    const { signal } = ended
    try {
      return await Promise.race([
        this.until((entries) => entries[index], undefined, signal),
        other
          .until((entries) => entries[otherIndex], undefined, signal)
          .then((told) => Promise.reject(refusal(told))),
      ])
    } finally {
      ended.abort()
    }
  }

  /** After an abort it stays pending, and nothing waits. */
  private until<R>(
    check: (entries: readonly T[]) => R | undefined,
    timeoutMs = 6_000,
    signal?: AbortSignal,
  ): Promise<R> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(timer)
        this.looking.delete(look)
        act()
      }
      signal?.addEventListener('abort', () => settle(() => {}))
      const timer = setTimeout(
        () =>
          settle(() =>
            reject(
              new Error(`${this.name} did not come; there is ${JSON.stringify(this.entries).slice(0, 600)}`),
            ),
          ),
        timeoutMs,
      )
      const look = (): void => {
        const found = check(this.entries)
        if (found !== undefined) settle(() => resolve(found))
      }
      this.looking.add(look)
      look()
    })
  }
}
