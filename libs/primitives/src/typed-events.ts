/** Event name → payload, e.g. `{ 'connection:open': { connectionId: string } }`. Names are `noun:verb[:phase]`. */
export type EventMap = object

type Listener<P> = (payload: P) => void

/**
 * A synchronous event stream with typed names. Lower layers report facts here and never log or count; observability listens.
 *
 * E1. A listener cannot hurt the emitter: what it throws goes to `onListenerError`.
 * E2. Listeners run in the order they were added, in the emitter's turn.
 */
export class TypedEvents<M extends EventMap> {
  private readonly listeners = new Map<keyof M, Set<Listener<never>>>()

  constructor(private readonly onListenerError: (error: unknown) => void = () => {}) {}

  /** Adds a listener; the result removes it. */
  on<K extends keyof M>(name: K, listener: Listener<M[K]>): () => void {
    const set = this.listeners.get(name) ?? new Set<Listener<never>>()
    this.listeners.set(name, set)
    set.add(listener)
    return () => void set.delete(listener)
  }

  emit<K extends keyof M>(name: K, payload: M[K]): void {
    const set = this.listeners.get(name)
    if (set === undefined) return
    for (const listener of set) {
      try {
        ;(listener as Listener<M[K]>)(payload)
      } catch (error) {
        this.onListenerError(error) // E1
      }
    }
  }

  /** How many listeners are left, for leak checks. */
  get listenerCount(): number {
    let count = 0
    for (const set of this.listeners.values()) count += set.size
    return count
  }
}
