/** What has come for a client and nobody has asked for yet. */
import type { StoredPublication } from '../natter.js'

type Fits = (publication: StoredPublication) => boolean

/** One who waits for a publication. */
export interface Waiter {
  /** Resolves when it is there. */
  readonly arrived: Promise<void>
  readonly found: StoredPublication | undefined
  /** How many came for this one and didn't fit. */
  readonly passedOver: number
  cancel(): void
}

class Waiting implements Waiter {
  found: StoredPublication | undefined
  passedOver = 0
  readonly arrived: Promise<void>
  private arrive: () => void = () => undefined

  constructor(
    private readonly fits: Fits,
    readonly cancel: () => void,
  ) {
    this.arrived = new Promise((resolve) => (this.arrive = resolve))
  }

  /** Whether it wanted this one. */
  offer(publication: StoredPublication): boolean {
    if (!this.fits(publication)) {
      this.passedOver += 1
      return false
    }
    this.found = publication
    this.cancel()
    this.arrive()
    return true
  }
}

export class Inbox {
  private readonly unread = new Map<string, StoredPublication[]>()
  private readonly waiting = new Map<string, Set<Waiting>>()
  private readonly calls = new Map<string, Pieces>()

  put(channel: string, publication: StoredPublication): void {
    this.calls.get(publication.tags?.['call'] ?? '')?.put(publication.data)
    const waiters = [...(this.waiting.get(channel) ?? [])]
    if (waiters.some((waiter) => waiter.offer(publication)) || waiters.length > 0) return
    this.unread.set(channel, [...(this.unread.get(channel) ?? []), publication])
  }

  /** The first that fits, of what is unread or comes; those before it are passed over. */
  wait(channel: string, fits: Fits): Waiter {
    const waiters = this.waiting.get(channel) ?? new Set()
    this.waiting.set(channel, waiters)
    const waiter = new Waiting(fits, () => void waiters.delete(waiter))
    const unread = this.unread.get(channel) ?? []
    while (unread.length > 0) if (waiter.offer(unread.shift()!)) return waiter
    waiters.add(waiter)
    return waiter
  }

  /** What comes with the tag `call` = this id. */
  follow(call: string): Pieces {
    const pieces = new Pieces(() => this.calls.delete(call))
    this.calls.set(call, pieces)
    return pieces
  }
}

/** Progress of one rpc, until its reply. */
export class Pieces {
  private readonly unread: unknown[] = []
  private isOver = false
  private wake: () => void = () => undefined

  constructor(private readonly onEnd: () => void) {}

  put(piece: unknown): void {
    this.unread.push(piece)
    this.wake()
  }

  end(): void {
    this.isOver = true
    this.onEnd()
    this.wake()
  }

  /** Each piece once; at the end what `reply` throws. */
  async *read<T>(reply: Promise<unknown>): AsyncGenerator<T, void> {
    for (;;) {
      while (this.unread.length > 0) yield this.unread.shift() as T
      if (this.isOver) break
      await new Promise<void>((resolve) => (this.wake = resolve))
    }
    await reply
  }
}
