/**
 * Who is connected, from the connect hook to the end.
 *
 * N1. A subscription that was in is told to apps when it ends, before its connection's end is; each once.
 * N2. A connection that an app let in until some time is kept in by its refresh hook; where that can't be asked, for 25 s more.
 */
import { ClientError, DisconnectError, type ConnectDecision, type SubscriptionOptions } from '@natter/hooks'
import type { Clock } from '@natter/primitives'
import { Disconnects, Errors, Unsubscribes, type Bytes, type Publication } from '@natter/protocol'
import { randomUUID } from 'node:crypto'
import { refusal, type Apps } from './apps.js'
import type { Channels, Fact } from './channels.js'
import { bytesOf, Connection, Subscription, type ClientEnd, type Identity } from './connection.js'
import type { ConnectRequest } from './memory-mesh.js'
import { badName, decide } from './rules.js'

/** Why somebody left: 0 = the client asked, 1 = its connection closed, else a code of the wire or of an app. */
export interface Leaving {
  readonly code: number
  readonly reason: string
}

export interface Welcome {
  readonly connection: Connection
  /** What the app gives to the client. */
  readonly data: Bytes | undefined
}

export const askedToLeave: Leaving = { code: 0, reason: 'client unsubscribe' }
const connectionClosed: Leaving = { code: 1, reason: 'connection closed' }

const graceMs = 25_000
const retryMs = 1_000

export class Connections {
  private readonly open = new Set<Connection>()
  /** Users who may not come in, and until when. */
  private readonly blocked = new Map<string, number>()

  constructor(
    private readonly apps: Apps,
    private readonly channels: Channels,
    private readonly clock: Clock,
    private readonly tell: (fact: Fact) => void,
  ) {}

  get all(): readonly Connection[] {
    return [...this.open]
  }

  of(user: string, client: string | undefined): Connection[] {
    return this.all.filter(
      ({ id, identity }) => identity.user === user && (client === undefined || id === client),
    )
  }

  /**
   * @throws ClientError what the app refused; 110 it lets in somebody whose time is over.
   * @throws DisconnectError the app turns it away; 3501: no app answers for connections.
   */
  async letIn(request: ConnectRequest, end: ClientEnd): Promise<Welcome> {
    if (!this.apps.demandsConnection('connect')) {
      const { code, reason } = Disconnects.badRequest
      throw new DisconnectError(code, `${reason}: no app has @OnConnect, so nobody says who this is`)
    }
    const { headers: _, ...asked } = request
    const connection = this.create(request, end)
    const decision = await this.apps.ask<'connect'>({ kind: 'connect', caller: connection.caller, ...asked })
    const isOver = decision.expiresAtMs !== undefined && decision.expiresAtMs <= this.clock.now()
    if (isOver) throw refusal(Errors.expired)
    this.enter(connection, identityOf(decision), decision.subscriptions ?? {})
    return { connection, data: bytesOf(decision.dataJson) }
  }

  admit(identity: Identity, request: ConnectRequest, end: ClientEnd): Connection {
    const connection = this.create(request, end)
    this.enter(connection, identity, {})
    return connection
  }

  /** The server's word, whoever may: nothing happens to one that is subscribed, or about to be. @throws ClientError 100: no such channel. */
  subscribe(connection: Connection, channel: string, options: SubscriptionOptions): void {
    if (connection.subscriptions.has(channel)) return
    if (badName(channel) !== undefined) throw refusal(Errors.internal)
    const subscription = new Subscription(connection, channel, true)
    connection.subscriptions.set(channel, subscription)
    this.join(subscription, options)
    connection.end.subscribed(channel, bytesOf(options.dataJson))
  }

  /** It is in: told of everything from here on. */
  join(subscription: Subscription, options: SubscriptionOptions): void {
    const { connection, channel, isServerSide } = subscription
    subscription.admit(options, this.clock.now())
    subscription.state = 'joined'
    subscription.settle()
    this.channels.of(channel).join(subscription)
    if (options.expiresAtMs === undefined) return
    const leftMs = options.expiresAtMs - this.clock.now()
    subscription.expiry = this.clock.setTimer(() => {
      if (isServerSide) this.close(connection, Disconnects.subscriptionExpired)
      else this.unsubscribe(connection, channel, Unsubscribes.subscriptionExpired)
    }, leftMs)
  }

  /** Ends a subscription, if there is one, and tells its client; one that isn't in yet hears it as the answer to its command. */
  unsubscribe(connection: Connection, channel: string, why: Leaving): void {
    const subscription = connection.subscriptions.get(channel)
    if (subscription === undefined) return
    const { state } = subscription
    this.leave(subscription, why)
    if (state === 'joined') connection.end.unsubscribed(channel, why.code, why.reason)
  }

  /** Ends a subscription without a word to its client. N1. */
  leave(subscription: Subscription, { code, reason }: Leaving): void {
    const { connection, channel, state } = subscription
    if (state === 'ended') return
    subscription.state = 'ended'
    subscription.expiry?.cancel()
    connection.subscriptions.delete(channel)
    if (state === 'pending') return
    const left = this.channels.of(channel)
    left.leave(subscription)
    const { namespace } = left
    this.tell({
      kind: 'unsubscribe',
      caller: connection.caller,
      namespace: namespace.name,
      channel,
      code,
      reason,
    })
  }

  /** Nobody comes in as this user, and who is in goes. */
  block(user: string, expiresAtMs = Number.POSITIVE_INFINITY): void {
    this.blocked.set(user, expiresAtMs)
    for (const connection of this.of(user, undefined)) this.close(connection, Disconnects.permissionDenied)
  }

  unblock(user: string): void {
    this.blocked.delete(user)
  }

  /** Twice does nothing. N1. */
  close(connection: Connection, { code, reason }: Leaving): void {
    if (!this.open.delete(connection)) return
    connection.isOpen = false
    connection.expiry?.cancel()
    for (const subscription of connection.subscriptions.values()) this.leave(subscription, connectionClosed)
    this.tell({ kind: 'disconnect', caller: connection.caller, code, reason })
    connection.end.closed(code, reason)
  }

  /** In the user's own channel, and kept nowhere. */
  show(user: string, publication: Publication): void {
    const channel = personalChannelOf(user)
    if (channel === undefined) return
    for (const { subscriptions } of this.of(user, undefined)) {
      const subscription = subscriptions.get(channel)
      if (subscription?.state === 'joined') subscription.publication(publication)
    }
  }

  private create({ headers = {} }: ConnectRequest, end: ClientEnd): Connection {
    const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])
    return new Connection(randomUUID(), Object.fromEntries(lower) as Record<string, string>, end)
  }

  private enter(
    connection: Connection,
    identity: Identity,
    given: Readonly<Record<string, SubscriptionOptions>>,
  ): void {
    if ((this.blocked.get(identity.user) ?? 0) > this.clock.now()) {
      const { code, reason } = Disconnects.permissionDenied
      throw new DisconnectError(code, reason)
    }
    connection.identity = identity
    if (Object.keys(given).some((channel) => badName(channel) !== undefined)) throw refusal(Errors.internal)
    this.open.add(connection)
    for (const [channel, options] of Object.entries(given)) this.subscribe(connection, channel, options)
    const own = personalChannelOf(identity.user)
    if (own !== undefined) this.subscribe(connection, own, {})
    this.keep(connection)
  }

  /** N2. */
  private keep(connection: Connection): void {
    const { expiresAtMs } = connection.identity
    if (expiresAtMs === undefined) return
    connection.expiry = this.clock.setTimer(
      () => void this.refresh(connection),
      expiresAtMs - this.clock.now(),
    )
  }

  private async refresh(connection: Connection): Promise<void> {
    const { caller } = connection
    try {
      if (!this.apps.demandsConnection('refresh')) return this.wait(connection)
      const decision = await this.apps.ask<'refresh'>({ kind: 'refresh', caller })
      if (!connection.isOpen) return
      const isOver = decision.expiresAtMs !== undefined && decision.expiresAtMs <= this.clock.now()
      if (isOver) return this.close(connection, Disconnects.connectionExpired)
      const { expiresAtMs: _, ...lasting } = connection.identity
      connection.identity = { ...lasting, ...decision }
      if (decision.capabilities !== undefined) this.endUncovered(connection)
      this.keep(connection)
    } catch (error) {
      if (!connection.isOpen) return
      if (error instanceof ClientError && error.temporary) return this.wait(connection)
      this.close(connection, error instanceof DisconnectError ? error : Disconnects.connectionExpired)
    }
  }

  /** What a capability let in that it has no more. */
  private endUncovered(connection: Connection): void {
    const { capabilities } = connection.identity
    for (const { channel, isByRule } of connection.subscriptions.values()) {
      const { namespace } = this.channels.of(channel)
      const question = { verb: 'subscribe', channel, namespace, capabilities, isDemanded: false } as const
      if (isByRule && decide(question) !== 'ok') this.unsubscribe(connection, channel, Unsubscribes.server)
    }
  }

  /** N2. */
  private wait(connection: Connection): void {
    const leftMs = (connection.identity.expiresAtMs ?? 0) + graceMs - this.clock.now()
    if (leftMs <= 0) return this.close(connection, Disconnects.connectionExpired)
    connection.expiry = this.clock.setTimer(() => void this.refresh(connection), Math.min(retryMs, leftMs))
  }
}

function identityOf(decision: ConnectDecision): Identity {
  const { subscriptions: _s, dataJson: _d, ...identity } = decision
  return identity
}

/** Of one user alone; undefined for the anonymous, and for ids that would make it somebody else's. */
function personalChannelOf(user: string): string | undefined {
  const isOwn = user !== '' && !/[,#:$]/.test(user) && badName(`#${user}`) === undefined
  return isOwn ? `#${user}` : undefined
}
