import type { Connection } from './connection.js'

/** A place in the line of one connection and channel. */
export interface Place {
  /** Resolves when nothing that came before is still to be handed to the log; never rejects. */
  readonly before: Promise<void>
  /** Lets the next go on, as soon as `before` has resolved. Calling it twice does nothing. */
  done(): void
}

/**
 * Keeps publications of one connection into one channel in order while an app is asked about some of them.
 *
 * L1. Nothing goes on before all that entered the line before it are done; one that was refused early lets nobody overtake.
 * L2. Other channels and other connections aren't held up.
 * L3. A line without anybody in it is no line: nothing is kept of it.
 */
export class PublishOrder {
  private readonly lines = new Map<Connection, Map<string, Promise<unknown>>>()

  /** How many lines there are. */
  get size(): number {
    let lines = 0
    for (const channels of this.lines.values()) lines += channels.size
    return lines
  }

  /** Whether somebody is before me. */
  isWaiting(connection: Connection, channel: string): boolean {
    return this.lines.size > 0 && this.lines.get(connection)?.has(channel) === true
  }

  enter(connection: Connection, channel: string): Place {
    const channels = this.lines.get(connection) ?? new Map<string, Promise<unknown>>()
    this.lines.set(connection, channels)
    const before = channels.get(channel) ?? Promise.resolve()
    let done: () => void = () => {}
    const own = new Promise<void>((resolve) => (done = resolve))
    const tail = Promise.all([before, own]) // L1
    channels.set(channel, tail)
    void tail.then(() => this.leave(connection, channel, tail))
    return { before: before.then(() => {}), done }
  }

  /** L3 */
  private leave(connection: Connection, channel: string, tail: Promise<unknown>): void {
    const channels = this.lines.get(connection)
    if (channels?.get(channel) !== tail) return
    channels.delete(channel)
    if (channels.size === 0) this.lines.delete(connection)
  }
}
