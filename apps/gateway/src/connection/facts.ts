import type { Clock } from '@natter/primitives'
import { randomUUID } from 'node:crypto'
import { callerOf } from '../hooks/caller.js'
import type { Hooks } from '../hooks/hooks.js'
import type { Connection } from './connection.js'
import type { Subscription } from './subscription.js'

/** Why somebody left. 0 = the client asked, 1 = its connection closed, else a code of the wire or of an app. */
export interface Leaving {
  readonly code: number
  readonly reason: string
}

export const askedToLeave: Leaving = { code: 0, reason: 'client unsubscribe' }
export const connectionClosed: Leaving = { code: 1, reason: 'connection closed' }

/** The one place where it is told that a subscription or a connection is over. */
export class Facts {
  constructor(
    private readonly hooks: Pick<Hooks, 'wants' | 'tell'>,
    private readonly clock: Clock,
    private readonly node: string,
  ) {}

  /** Of one that others saw; called before the connection is closed. */
  unsubscribed(connection: Connection, subscription: Subscription, { code, reason }: Leaving): void {
    const { channel, namespace } = subscription
    if (this.hooks.wants('unsubscribe', namespace.name).length === 0) return
    const caller = callerOf(connection, this.node)
    const what = { namespace: namespace.name, channel, code, reason }
    this.hooks.tell({ id: randomUUID(), atMs: this.clock.now(), kind: 'unsubscribe', caller, ...what })
  }

  /** Of one that was let in; called before it forgets who it is, after its subscriptions. */
  disconnected(connection: Connection, { code, reason }: Leaving): void {
    if (!connection.isConnected || this.hooks.wants('disconnect').length === 0) return
    const caller = callerOf(connection, this.node)
    this.hooks.tell({ id: connection.id, atMs: this.clock.now(), kind: 'disconnect', caller, code, reason })
  }
}
