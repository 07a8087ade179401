import type { Namespace } from '@natter/auth'
import { Gate, type Clock } from '@natter/primitives'
import type { CatchUpEnd, CatchUpRequest, PageLimits } from '@natter/recovery'
import type { Connection } from '../connection/connection.js'

/** One page of a long catch-up: small, because each client that catches up holds one. */
const page: PageLimits = { count: 100, bytes: 65_536 }

/** More than this can't be recovered in one reply where history is capped: the send queue could not take it. */
const cappedReplyBytes = 524_288

/**
 * The node's catch-ups: what one may cost, and how many run at once. The others wait in line, and none of them holds more
 * than a page.
 */
export class CatchUps {
  private readonly gate: Gate
  private readonly waiting = new Map<Connection, (() => void)[]>()

  constructor(
    private readonly clock: Clock,
    private readonly options: { concurrent: number; recoveryPage: number },
  ) {
    this.gate = new Gate(options.concurrent)
  }

  request(namespace: Namespace, from: number | undefined): CatchUpRequest {
    const { historySize, historyTtlMs } = namespace
    if (!namespace.isHistoryCapped) return { from, page }
    const count = Math.min(this.options.recoveryPage, historySize ?? this.options.recoveryPage)
    const oldestNs =
      historyTtlMs === undefined ? undefined : BigInt(this.clock.now() - historyTtlMs) * 1_000_000n
    return { from, page, cap: { page: { count, bytes: cappedReplyBytes }, oldestNs } }
  }

  /** A client that resumes nothing needs no place in the line. */
  run(task: () => Promise<CatchUpEnd>, request: CatchUpRequest): Promise<CatchUpEnd> {
    return request.from === undefined ? task() : this.gate.run(task)
  }

  /** Resolves when the client took what waits for it, or is gone. */
  drained(connection: Connection): Promise<void> {
    const { socket } = connection
    if (!socket.isOpen || socket.bufferedBytes === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const waiting = this.waiting.get(connection) ?? []
      this.waiting.set(connection, [...waiting, resolve])
    })
  }

  /** The socket drained, or closed. */
  wake(connection: Connection): void {
    if (connection.socket.isOpen && connection.socket.bufferedBytes > 0) return
    const waiting = this.waiting.get(connection)
    this.waiting.delete(connection)
    for (const resolve of waiting ?? []) resolve()
  }
}
