/**
 * What clients ask, and how it is answered. Each throws `ClientError`, the error reply, or `DisconnectError`: then the connection is to be
 * closed.
 *
 * M1. Names, limits and forms hold before an app is asked; what an app puts in the place of data has to be JSON.
 * M2. The app is asked about several publications of a connection at once; they are stored in the order they were sent, channel by channel.
 */
import { DisconnectError, type NamespaceHook } from '@natter/hooks'
import type { Clock } from '@natter/primitives'
import {
  Disconnects,
  Errors,
  isJson,
  parseChannelName,
  type Bytes,
  type ClientInfo,
  type HistoryResult,
} from '@natter/protocol'
import { randomUUID } from 'node:crypto'
import { refusal, type Apps } from './apps.js'
import type { Channels, Fact, HistoryQuery } from './channels.js'
import { bytesOf, Subscription, type Connection } from './connection.js'
import { askedToLeave, type Connections } from './connections.js'
import type { Events } from './events.js'
import { decide } from './rules.js'

export interface CommandParts {
  apps: Apps
  channels: Channels
  connections: Connections
  events: Events
  clock: Clock
  tell(fact: Fact): void
}

export class Commands {
  constructor(private readonly parts: CommandParts) {}

  /** With the data that the app gives to the subscriber. */
  async subscribe(
    connection: Connection,
    channel: string,
    { token, data }: { token?: string; data?: Bytes } = {},
  ): Promise<Bytes | undefined> {
    const { apps, connections, clock } = this.parts
    if (connection.subscriptions.has(channel)) throw refusal(Errors.alreadySubscribed)
    const isAsked = this.mustAsk(connection, 'subscribe', channel, token !== undefined)
    const subscription = new Subscription(connection, channel, false)
    subscription.isByRule = !isAsked
    connection.subscriptions.set(channel, subscription)
    try {
      const decision = isAsked
        ? await apps.ask<'subscribe'>({
            kind: 'subscribe',
            ...about(connection, channel),
            ...(token === undefined ? {} : { token }),
            ...(data === undefined ? {} : { data }),
          })
        : {}
      if (subscription.state === 'ended') throw refusal(Errors.permissionDenied) // ended while the app thought about it
      if (decision.expiresAtMs !== undefined && decision.expiresAtMs <= clock.now())
        throw refusal(Errors.expired)
      connections.join(subscription, decision)
      return bytesOf(decision.dataJson)
    } catch (error) {
      connections.leave(subscription, askedToLeave)
      throw error
    } finally {
      subscription.settle()
    }
  }

  /** One that the app still thinks about is waited for. */
  async unsubscribe(connection: Connection, channel: string): Promise<void> {
    const subscription = connection.subscriptions.get(channel)
    if (subscription === undefined) return
    await subscription.settled
    this.parts.connections.leave(subscription, askedToLeave)
  }

  async publish(connection: Connection, channel: string, data: Bytes): Promise<void> {
    const before = connection.publishing.get(channel)
    const decided = this.decidePublish(connection, channel, data)
    const stored = Promise.allSettled([before, decided]).then(async () => {
      const accepted = await decided
      if (connection.isOpen)
        this.parts.channels.of(channel).publish(accepted, {}, infoIn(connection, channel))
    })
    const isOver = stored.catch(() => undefined) // M2: a refusal holds back nobody
    connection.publishing.set(channel, isOver)
    await stored
  }

  async presence(connection: Connection, channel: string): Promise<ReadonlyMap<string, ClientInfo>> {
    await this.allow(connection, 'presence', channel)
    return this.parts.channels.of(channel).presence
  }

  async history(connection: Connection, channel: string, query: HistoryQuery): Promise<HistoryResult> {
    await this.allow(connection, 'history', channel)
    const result = this.parts.channels.of(channel).read(query)
    if (result === 'other-epoch') throw refusal(Errors.unrecoverablePosition)
    return result
  }

  /** `method#id` names the call in its progress, which comes in the caller's personal channel. */
  async rpc(connection: Connection, name: string, data: Bytes | undefined): Promise<Bytes | undefined> {
    const { apps, connections } = this.parts
    const [method = '', id = ''] = name.split('#', 2)
    const problem = apps.rpcProblem(method)
    if (problem !== undefined) throw refusal(problem)
    const call = id === '' ? randomUUID() : id
    const { caller } = connection
    const progress = (piece: Bytes) => connections.show(caller.user, { data: piece, tags: { call } })
    const request = { kind: 'rpc' as const, caller, method, call, ...(data === undefined ? {} : { data }) }
    const reply = await apps.ask<'rpc'>(request, progress)
    return reply.data === undefined ? undefined : checkedJson(reply.data)
  }

  send(connection: Connection, data: Bytes | undefined): void {
    const { events, tell } = this.parts
    const { notAvailable } = Disconnects
    if (!events.wants('message')) throw new DisconnectError(notAvailable.code, notAvailable.reason)
    tell({ kind: 'message', caller: connection.caller, ...(data === undefined ? {} : { data }) })
  }

  private async decidePublish(connection: Connection, channel: string, data: Bytes): Promise<Bytes> {
    const { apps, clock } = this.parts
    const subscription = connection.subscriptions.get(channel)
    const said = subscription?.state === 'joined' ? subscription.takeGrant(clock.now()) : undefined
    if (said === 'deny') throw refusal(Errors.permissionDenied)
    if (said === 'allow' || !this.mustAsk(connection, 'publish', channel)) return data
    const decision = await apps.ask<'publish'>({ kind: 'publish', ...about(connection, channel), data })
    return decision.data === undefined ? data : checkedJson(decision.data)
  }

  private async allow(connection: Connection, verb: 'presence' | 'history', channel: string): Promise<void> {
    if (!this.mustAsk(connection, verb, channel)) return
    await this.parts.apps.ask<'presence' | 'history'>({ kind: verb, ...about(connection, channel) })
  }

  /** Whether the app decides. @throws ClientError when it is refused before that. */
  private mustAsk(connection: Connection, verb: NamespaceHook, channel: string, hasToken = false): boolean {
    const { apps, channels } = this.parts
    const { namespace } = channels.of(channel)
    const isDemanded = apps.isDemanded(verb, namespace.name)
    const { capabilities } = connection.identity
    const { allowed } = connection.subscriptions.get(channel) ?? {}
    const verdict = decide({ verb, channel, namespace, capabilities, allowed, isDemanded, hasToken })
    if (typeof verdict === 'object') throw refusal(verdict)
    return verdict === 'ask'
  }
}

const about = (connection: Connection, channel: string) => ({
  caller: connection.caller,
  namespace: parseChannelName(channel).namespace,
  channel,
})

/** As a subscriber of the channel, where it is one: what the app said of that is shown too. */
const infoIn = (connection: Connection, channel: string): ClientInfo => {
  const subscription = connection.subscriptions.get(channel)
  return subscription?.state === 'joined' ? subscription.info : connection.info
}

/** M1. Handlers with `encoding: 'bytes'` may answer what no JSON client can be told. */
function checkedJson(data: Bytes): Bytes {
  if (isJson(data)) return data
  throw refusal(Errors.internal)
}
