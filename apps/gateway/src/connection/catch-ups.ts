import type { Namespace } from '@natter/auth'
import type { Clock } from '@natter/primitives'
import { Disconnects } from '@natter/protocol'
import type { CatchUpRequest, PageLimits } from '@natter/recovery'
import type { Connection } from './connection.js'

/** One page of a long catch-up: small, because each client that catches up holds one. */
const page: PageLimits = { count: 100, bytes: 65_536 }

/** More than this can't be recovered in one reply where history is capped: the send queue could not take it. */
const cappedReplyBytes = 524_288

/** A client that has not taken its page by then is closed as slow, and resumes from where it stands. */
const drainTimeoutMs = 10_000

/** What a catch-up may cost: how much is recovered, in which pages, and how long a client may take over one. */
export class CatchUps {
  private readonly waiting = new Map<Connection, (() => void)[]>()

  constructor(
    private readonly clock: Clock,
    private readonly recoveryPage: number,
  ) {}

  request(namespace: Namespace, from: number | undefined): CatchUpRequest {
    const { historySize, historyTtlMs } = namespace
    if (!namespace.isHistoryCapped) return { from, page }
    const count = Math.min(this.recoveryPage, historySize ?? this.recoveryPage)
    const oldestNs =
      historyTtlMs === undefined ? undefined : BigInt(this.clock.now() - historyTtlMs) * 1_000_000n
    return { from, page, cap: { page: { count, bytes: cappedReplyBytes }, oldestNs } }
  }

  /** Resolves when the client took what waits for it, or is gone; one that takes nothing for too long is closed as slow. */
  drained(connection: Connection): Promise<void> {
    const { socket } = connection
    if (!socket.isOpen || socket.bufferedBytes === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const late = this.clock.setTimer(() => connection.disconnect(Disconnects.slow), drainTimeoutMs)
      const done = (): void => {
        late.cancel()
        resolve()
      }
      this.waiting.set(connection, [...(this.waiting.get(connection) ?? []), done])
    })
  }

  /** The socket drained, or closed. */
  wake(connection: Connection): void {
    if (connection.socket.isOpen && connection.socket.bufferedBytes > 0) return
    const waiting = this.waiting.get(connection)
    this.waiting.delete(connection)
    for (const done of waiting ?? []) done()
  }
}
