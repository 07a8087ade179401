/** A value that changes, and who wants to know. `get` answers the same object until it has changed. */
export interface Readable<T> {
  readonly get: () => T
  /** Calls after each change, in the same turn; the result ends it. */
  readonly subscribe: (listener: () => void) => () => void
}

/** Values are replaced, never changed in place. A listener that throws is its own affair: the others are told. */
export class Store<T> implements Readable<T> {
  private readonly listeners = new Set<() => void>()

  constructor(private value: T) {}

  readonly get = (): T => this.value

  readonly subscribe = (listener: () => void): (() => void) => {
    const own = (): void => listener() // the same function may be given twice
    this.listeners.add(own)
    return () => void this.listeners.delete(own)
  }

  set(value: T): void {
    if (Object.is(value, this.value)) return
    this.value = value
    for (const listener of this.listeners) told(listener)
  }

  get listenerCount(): number {
    return this.listeners.size
  }
}

function told(listener: () => void): void {
  try {
    listener()
  } catch (error) {
    reportError(error)
  }
}

/** To whoever listens for what nobody caught, as the platform does for its own listeners. */
export function reportError(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
