import type { Namespace } from '@natter/auth'
import type { Clock, Timer } from '@natter/primitives'
import { Disconnects } from '@natter/protocol'
import type { CatchUpRequest, PageLimits } from '@natter/recovery'
import type { Socket } from '@natter/transport'
import type { Connection } from './connection.js'

/** One page of a long catch-up: small, because each client that catches up holds one. */
const page: PageLimits = { count: 100, bytes: 65_536 }

/** More than this can't be recovered in one reply where history is capped: the send queue could not take it. */
const cappedReplyBytes = 524_288

/** What may come between the look at the newest publication and the join. */
const newestPage: PageLimits = { count: 1_000, bytes: 1_048_576 }

/** A client that took nothing for so long is closed as slow, and resumes from where it stands. */
const drainTimeoutMs = 10_000

/** What catches up: a connection, as far as it matters here. */
interface Reader extends Pick<Connection, 'disconnect'> {
  readonly socket: Pick<Socket<unknown>, 'isOpen' | 'bufferedBytes'>
}

/** A connection's catch-ups that wait for it: it has one socket, so they share the deadline. */
interface Wait {
  readonly resolvers: (() => void)[]
  late: Timer
}

/**
 * What a catch-up may cost: how much is recovered, in which pages, and how long a client may take nothing.
 *
 * K1. Who waits goes on when nothing waits in the socket any more, or when the socket has closed: a client that catches up costs
 *     one page, however little it reads.
 * K2. A client that takes something, however little, has time again; one that takes nothing for `drainTimeoutMs` is closed.
 * K3. Nothing is kept for a connection that drained or closed: no timer, no waiter.
 */
export class CatchUps {
  private readonly waiting = new Map<Reader, Wait>()

  constructor(
    private readonly clock: Clock,
    private readonly recoveryPage: () => number,
  ) {}

  request(namespace: Namespace, from: number | undefined): CatchUpRequest {
    const { historySize, historyTtlMs } = namespace
    if (!namespace.isHistoryCapped) return { from, page }
    const most = this.recoveryPage()
    const count = Math.min(most, historySize ?? most)
    const oldestNs =
      historyTtlMs === undefined ? undefined : BigInt(this.clock.now() - historyTtlMs) * 1_000_000n
    return { from, page, cap: { page: { count, bytes: cappedReplyBytes }, oldestNs } }
  }

  /** Where the newest publication alone counts, `from` lies just below it, and only its age can be against it. */
  newestRequest(namespace: Namespace, from: number): CatchUpRequest {
    const { cap, ...request } = this.request(namespace, from)
    if (cap?.oldestNs === undefined) return request
    return { ...request, cap: { page: newestPage, oldestNs: cap.oldestNs } }
  }

  /** Resolves when the client took what waits for it, or is gone. */
  drained(connection: Reader): Promise<void> {
    if (isDone(connection)) return Promise.resolve()
    return new Promise((resolve) => {
      const wait = this.waiting.get(connection)
      if (wait !== undefined) wait.resolvers.push(resolve)
      else this.waiting.set(connection, { resolvers: [resolve], late: this.deadline(connection) })
    })
  }

  /** The socket drained, all or some, or closed. */
  wake(connection: Reader): void {
    const wait = this.waiting.get(connection)
    if (wait === undefined) return
    wait.late.cancel()
    if (!isDone(connection)) {
      wait.late = this.deadline(connection) // K2
      return
    }
    this.waiting.delete(connection) // K3
    for (const resolve of wait.resolvers) resolve()
  }

  private deadline(connection: Reader): Timer {
    return this.clock.setTimer(() => connection.disconnect(Disconnects.slow), drainTimeoutMs)
  }
}

/** K1. */
const isDone = ({ socket }: Reader): boolean => !socket.isOpen || socket.bufferedBytes === 0
