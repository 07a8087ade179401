import type { HookEvent } from '@natter/hooks'
import type { Clock } from '@natter/primitives'
import { Disconnects } from '@natter/protocol'
import { randomUUID } from 'node:crypto'
import { callerOf } from '../hooks/caller.js'
import type { Hooks } from '../hooks/hooks.js'
import type { Occupancy } from '../occupancy/occupancy.js'
import type { Sessions } from '../sessions/sessions.js'
import type { Connection, Identity } from './connection.js'
import type { Subscription } from './subscription.js'

/** Why somebody left. 0 = the client asked, 1 = its connection closed, else a code of the wire or of an app. */
export interface Leaving {
  readonly code: number
  readonly reason: string
}

export const askedToLeave: Leaving = { code: 0, reason: 'client unsubscribe' }
export const connectionClosed: Leaving = { code: 1, reason: 'connection closed' }

/** The one place where it is told that a subscription or a connection is over; and where it is written down that it will be. */
export class Facts {
  constructor(
    private readonly hooks: Pick<Hooks, 'wants' | 'tell'>,
    private readonly sessions: Sessions,
    private readonly occupancy: Pick<Occupancy, 'joined' | 'left'>,
    private readonly clock: Clock,
    private readonly node: string,
  ) {}

  /** Undefined: no app wants to hear of its end. Else it is to be waited for, before the client is told that it is in. */
  connecting(connection: Connection, identity: Identity): Promise<void> | undefined {
    if (!this.isForApps('disconnect')) return undefined
    const caller = callerOf(connection, this.node, identity)
    return this.sessions.openConnection(connection, sessionOf(connection), caller)
  }

  /** The same of a subscription. @param identity Of a connection that isn't in yet. */
  subscribing(
    connection: Connection,
    subscription: Subscription,
    identity?: Identity,
  ): Promise<void> | undefined {
    const { channel, namespace } = subscription
    if (!this.isForApps('unsubscribe', namespace.name)) return undefined
    const caller = callerOf(connection, this.node, identity)
    const what = { namespace: namespace.name, channel }
    return this.sessions.openSubscription(subscription, sessionOf(connection), caller, what)
  }

  /** It is in. */
  entered({ channel, namespace }: Subscription): void {
    this.occupancy.joined(channel, namespace.name)
  }

  /** Of one that others saw; called when the hub has forgotten it, before the connection is closed. */
  unsubscribed(connection: Connection, subscription: Subscription, { code, reason }: Leaving): void {
    const { channel, namespace } = subscription
    this.occupancy.left(channel, namespace.name)
    const isWanted = this.hooks.wants('unsubscribe', namespace.name).length > 0
    if (!isWanted) return this.sessions.abandon(subscription)
    const caller = callerOf(connection, this.node)
    const what = { namespace: namespace.name, channel, code, reason }
    this.tell(subscription, randomUUID(), { atMs: this.clock.now(), kind: 'unsubscribe', caller, ...what })
  }

  /** A subscription that nobody saw is over. */
  abandoned(subscription: Subscription): void {
    this.occupancy.left(subscription.channel, subscription.namespace.name)
    this.sessions.abandon(subscription)
  }

  /** Of one that was let in; called before it forgets who it is, after its subscriptions. */
  disconnected(connection: Connection, { code, reason }: Leaving): void {
    const isWanted = connection.isConnected && this.hooks.wants('disconnect').length > 0
    if (!isWanted) return this.sessions.abandon(connection)
    const caller = callerOf(connection, this.node)
    this.tell(connection, connection.id, { atMs: this.clock.now(), kind: 'disconnect', caller, code, reason })
  }

  /** One that wasn't written down, because nobody wanted it then, is told under an id of its own. */
  private tell(key: unknown, ownId: string, event: Untold): void {
    if (this.sessions.has(key)) this.sessions.end(key, (id) => ({ id, ...event }))
    else this.hooks.tell({ id: ownId, ...event })
  }

  /** What is told where the socket is goes with this process. */
  private isForApps(kind: 'disconnect' | 'unsubscribe', namespace?: string): boolean {
    return this.hooks.wants(kind, namespace).some((scope) => scope !== 'node')
  }
}

type Untold =
  Extract<HookEvent, { kind: 'disconnect' | 'unsubscribe' }> extends infer Event
    ? Event extends HookEvent
      ? Omit<Event, 'id'>
      : never
    : never

const sessionOf = (connection: Connection) => ({
  key: connection,
  id: connection.id,
  forceReconnect: () => connection.disconnect(Disconnects.forceReconnect),
})
