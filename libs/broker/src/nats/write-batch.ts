/**
 * Lets everything that is published in one turn of the event loop leave in one write.
 *
 * The driver writes in a microtask, and microtasks run after every callback of uWebSockets.js: without this each message of each
 * client would be a write of its own, which was a fifth of the cost of a durable publish.
 *
 * W1. What was written leaves by the end of the turn, in its order.
 * W2. Each batch ends on the socket on which it began: a reconnect in between brings another one.
 */
import type { NatsConnection } from '@nats-io/transport-node'

interface Corkable {
  cork(): void
  uncork(): void
}

/** Behind the driver's doors; `test/raw-message.int-spec.ts` fails when it moves. */
export function socketOf(nc: NatsConnection): Corkable | undefined {
  const { protocol } = nc as unknown as { protocol?: { transport?: { socket?: Corkable } } }
  return protocol?.transport?.socket
}

export class WriteBatch {
  private corked: Corkable | undefined

  constructor(private readonly nc: NatsConnection) {}

  /** Call it before publishing; again in the same turn does nothing. */
  begin(): void {
    if (this.corked !== undefined) return
    this.corked = socketOf(this.nc)
    if (this.corked === undefined) return
    this.corked.cork()
    setImmediate(this.end)
  }

  private readonly end = (): void => {
    this.corked?.uncork() // W2
    this.corked = undefined
  }
}
