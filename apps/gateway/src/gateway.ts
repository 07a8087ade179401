import { Subjects, type Broker } from '@natter/broker'
import { Hub } from '@natter/hub'
import { Backoff, TypedEvents, type Clock, type Timer } from '@natter/primitives'
import { Disconnects, Unsubscribes, usualGrammar, type ChannelGrammar } from '@natter/protocol'
import { defaultFeedOptions } from '@natter/recovery'
import type {
  Certificate,
  PlainRequest,
  RequestHead,
  Socket,
  SocketHandlers,
  SocketServer,
  UpgradeRequest,
} from '@natter/transport'
import { randomUUID } from 'node:crypto'
import { ApiServer } from './api/api-server.js'
import type { ChannelsOwner } from './channels/channel.js'
import { Audience } from './channels/audience.js'
import { Channels } from './channels/channels.js'
import { defaultGatherOptions } from './channels/gather.js'
import { CatchUps } from './connection/catch-ups.js'
import { Connection } from './connection/connection.js'
import { createMessageHandler, dispatch } from './connection/dispatch.js'
import { websocketWires, type Wire } from './connection/wire.js'
import { Emulation } from './emulation/emulation.js'
import { endSubscription } from './connection/end-subscription.js'
import { Heartbeat } from './connection/heartbeat.js'
import { Intake } from './connection/intake.js'
import type { Services } from './connection/services.js'
import { Facts, connectionClosed } from './connection/facts.js'
import { PublishOrder } from './connection/publish-order.js'
import type { Subscription } from './connection/subscription.js'
import { Fullness } from './fullness/fullness.js'
import { Drain } from './drain/drain.js'
import { Patience } from './drain/patience.js'
import type { GatewayEvents } from './gateway.events.js'
import { History } from './history/history.js'
import { NodeLimits } from './limits/node-limits.js'
import { pickHeaders, type Headers } from './hooks/handshake-headers.js'
import { noHooks, type Hooks } from './hooks/hooks.js'
import { createHttpApi, type HttpApi } from './http-api/http-api.js'
import type { HttpHooksTable } from './http-hooks/http-hook.js'
import { HttpHooks } from './http-hooks/http-hooks.js'
import { Occupancy } from './occupancy/occupancy.js'
import { JoinLeave } from './presence/join-leave.js'
import { Peers } from './presence/peers.js'
import { Presence } from './presence/presence.js'
import { Publisher } from './publishing/publisher.js'
import { Stalls } from './publishing/stalls.js'
import { enforceOn, enforceOnAll } from './revocation/enforcement.js'
import { Revocations } from './revocation/revocations.js'
import { Revoker } from './revocation/revoker.js'
import { Replayer } from './sessions/replayer.js'
import { Sessions } from './sessions/sessions.js'
import { derived, type Settings } from './settings/settings.js'
import { clientAddresses, type Approach } from './upgrade/client-address.js'
import { connectMessage, HttpDoor } from './upgrade/http-door.js'
import { allTransports } from './upgrade/transports.js'
import { Upgrade } from './upgrade/upgrade.js'
import { wireOf } from './upgrade/wire-of.js'

/** Over how long a broken channel's subscribers are told to come back. */
const breakSpreadMs = 2_000

/** How long a stop waits for what apps asked, and for them to hear who left; what they did not, another gateway tells. */
const stopTellMs = 3_000

/** What a process needs at the very end: the last words to NATS. Of a short deadline not all. */
const exitMs = 600
const exitShare = 0.2

export interface GatewayParts {
  /** May be replaced while the gateway runs. What it listens with, its name and its heartbeat stay as they were at its start. */
  settings: Settings
  prefix: string
  /** How channel names are read; the same in all gateways of the mesh. Absent = as usual. */
  grammar?: ChannelGrammar
  broker: Broker
  clock: Clock
  events?: TypedEvents<GatewayEvents>
  /** The way to the apps; absent = there are none. What the settings have an address for is asked over HTTP instead. */
  hooks?: Hooks
  createServer(handlers: SocketHandlers<Connection>): SocketServer<Connection>
  /** The port for backends; absent = there is none of its own. */
  createApiServer?(handlers: SocketHandlers<undefined>): SocketServer<undefined>
}

/**
 * One edge node: sockets in, NATS behind. It wires the parts and owns their life; the work is done in `connection/`,
 * `channels/`, `publishing/`, `fullness/`, `history/` and `presence/`.
 */
export class Gateway implements SocketHandlers<Connection>, ChannelsOwner {
  readonly events: TypedEvents<GatewayEvents>
  readonly hub = new Hub<Connection, Subscription>()
  readonly audience: Audience
  readonly channels: Channels
  readonly fullness: Fullness
  readonly stalls: Stalls
  readonly drain: Drain
  readonly limits: NodeLimits<Connection>
  private readonly server: SocketServer<Connection>
  /** For whoever acts on connections in the name of an app. */
  readonly services: Services
  private readonly intake: Intake
  private readonly upgrade: Upgrade
  private readonly door: HttpDoor
  private readonly emulation: Emulation
  private readonly addressOf: (request: Approach) => string
  private readonly peers: Peers
  private readonly api: ApiServer
  private readonly httpApi: HttpApi
  private readonly joinLeave: JoinLeave
  readonly revocations: Revocations
  private readonly sessions: Sessions
  private readonly replayer: Replayer
  private readonly occupancy: Occupancy
  readonly httpHooks: HttpHooks
  /** Where backends ask; undefined = not on a port of its own. */
  apiPort: number | undefined
  /** What TLS clients are shown; undefined = there is no TLS here. */
  certificate: Certificate | undefined
  private readonly sockets = new Set<Connection>()
  private readonly stopListening: (() => void)[] = []
  private readonly resumeBackoff = new Backoff({ baseMs: 200, maxMs: 5_000 })
  private resuming: Timer | undefined
  private isStopped = false
  /** Of the request that was just let in: its socket opens next (T5 of the transport). */
  private upgraded: { wire: Wire; headers: Headers | undefined; address: string; query: string } | undefined
  private readonly counts = new Map<Wire, number>()

  constructor(private readonly parts: GatewayParts) {
    const { settings, broker, clock } = parts
    const { options } = settings.current
    this.events = parts.events ?? new TypedEvents<GatewayEvents>()
    this.server = parts.createServer(this)
    this.audience = new Audience(this.server, this.hub)
    this.channels = new Channels(broker, this.audience, this, clock, this.events, {
      feed: defaultFeedOptions,
      gather: defaultGatherOptions,
      readyTimeoutMs: 3_000,
      sweepSpreadMs: 5_000,
      concurrentReads: 200,
    })
    this.fullness = new Fullness(broker, clock, this.events)
    this.stalls = new Stalls(broker, clock, this.events)
    const subjects = new Subjects(parts.prefix)
    const { events } = this
    const { hooks = noHooks } = parts
    const node = options.name
    const table = (): HttpHooksTable | undefined => settings.current.httpHooks
    this.httpHooks = new HttpHooks({ apps: hooks, table, clock, events })
    const onLife = (): void => this.peers.renew()
    this.sessions = new Sessions({ broker, hooks, clock, events, node, onLife })
    this.peers = new Peers(broker, subjects.presenceBeat, node, clock, events, () => this.sessions.life)
    const { peers, sessions } = this
    this.replayer = new Replayer({ broker, peers, sessions, hooks, clock, events, node })
    this.occupancy = new Occupancy({
      broker,
      hooks,
      clock,
      events,
      node,
      life: () => sessions.life,
      isThere: (other, life) => peers.lifeOf(other) === life,
      isOccupiedHere: (channel) => this.isOccupied(channel),
    })
    this.joinLeave = new JoinLeave(broker, this.audience, clock, (namespace, channel) =>
      subjects.presence(namespace, channel),
    )
    const proxied = derived(() => settings.current.options.trustedProxies, clientAddresses)
    this.addressOf = (request) => proxied()(request)
    this.upgrade = new Upgrade(
      () => settings.current.options,
      () => this.limits.take(),
      this.events,
    )
    this.emulation = new Emulation({
      broker,
      node,
      receive: (connection, message, isBinary) => this.intake.receive(connection, message, isBinary),
    })
    this.door = new HttpDoor({
      transports: () => settings.current.options.client.transports ?? allTransports,
      upgrade: this.upgrade,
      askApi: (request) => this.httpApi.decide(request),
      emulation: this.emulation,
      onEmulated: (outcome) => events.emit('emulation:request', { outcome }),
      admit: (head, wire) => this.admit(head, wire),
    })
    this.limits = new NodeLimits({
      options: () => settings.current.options,
      broker,
      clock,
      events,
      server: this.server,
      connectionCount: () => this.sockets.size,
      connections: () => this.hub.connections(),
      connectionsOf: (user) => this.hub.connectionsOf(user),
      close: (connection) => connection.disconnect(Disconnects.connectionLimit),
    })
    this.revocations = new Revocations({
      records: broker.revocations,
      clock,
      events,
      intake: { pause: () => this.intake.pause(), resume: () => this.intake.resume() },
      enforceOn: (users) => enforceOn(this.services, users),
      enforceOnAll: () => enforceOnAll(this.services),
    })
    this.services = this.createServices(subjects)
    this.api = new ApiServer(broker, this.services, this.peers)
    this.httpApi = createHttpApi(parts, this.services, this.peers, this.api.everywhere)
    this.intake = new Intake(
      createMessageHandler(this.services),
      () => settings.current.options.client,
      undefined,
      (limit) => events.emit('limit:exceeded', { limit }),
    )
    this.drain = new Drain({
      options: options.drain,
      clock,
      events,
      connections: this.sockets,
      stopAccepting: () => this.stopAccepting(),
      stopReading: (connection) => {
        this.intake.stop(connection)
        this.services.heartbeat.remove(connection) // its pongs are not read either
      },
    })
  }

  get peerCount(): number {
    return this.peers.nodes.size
  }

  get openSessions(): number {
    return this.sessions.openCount
  }

  get connectionCount(): number {
    return this.sockets.size
  }

  /** How many connections are spoken to in which way. */
  get connectionsByWire(): ReadonlyMap<Wire, number> {
    return this.counts
  }

  /** Lets clients in and joins the mesh. Answers the port. */
  async start(): Promise<number> {
    const { broker, settings } = this.parts
    this.stopListening.push(
      broker.events.on('broker:reconnect', () => void this.resume()),
      broker.events.on('broker:epoch:change', ({ stream }) => this.channels.renumber(stream)),
    )
    await this.revocations.start() // nobody is let in before that
    const port = await this.server.listen() // first: a node that can't serve must not announce itself
    this.limits.start()
    void this.services.verifier.prepare()
    this.peers.start()
    this.replayer.start()
    this.occupancy.start()
    this.services.presence.start()
    this.services.heartbeat.start()
    this.fullness.start()
    this.stalls.start()
    this.api.start()
    this.apiPort = await this.httpApi.start()
    this.emulation.start()
    this.events.emit('gateway:listen', { host: settings.current.options.host, port })
    return port
  }

  /**
   * Closes whoever is left, and leaves the mesh: after `drain`, or without it. The broker is the caller's to close.
   *
   * @param patience Default: as long as the options say.
   */
  async stop(patience: Patience = this.patience()): Promise<void> {
    this.isStopped = true
    this.resuming?.cancel()
    this.stopAccepting()
    for (const connection of this.sockets) connection.disconnect(Disconnects.shutdown)
    this.httpHooks.stop() // nobody waits for an answer any more
    this.replayer.stop()
    // before the goodbye: others tell at once what is left
    const told = [
      this.sessions.stop(stopTellMs),
      this.occupancy.stop(stopTellMs),
      this.api.drain(),
      this.httpApi.drain(),
    ]
    await patience.within(stopTellMs, Promise.all(told))
    this.joinLeave.stop()
    this.peers.stop()
    this.emulation.stop()
    this.limits.stop()
    this.httpApi.stop()
    this.api.stop() // after the goodbye: until they hear it, the others wait for what this node has to say
    this.services.presence.stop()
    this.services.heartbeat.stop()
    this.fullness.stop()
    this.stalls.stop()
    this.revocations.stop()
    this.channels.close()
    for (const stop of this.stopListening) stop()
    this.parts.settings.close()
    this.server.close()
  }

  /** For an end that begins now. `hurry`: somebody is out of patience. */
  patience(hurry: AbortSignal = new AbortController().signal): Patience {
    const { deadlineMs } = this.parts.settings.current.options.drain
    return new Patience(this.parts.clock, deadlineMs - Math.min(exitMs, deadlineMs * exitShare), hurry)
  }

  private stopAccepting(): void {
    this.upgrade.close()
    this.limits.stopAccepting()
    this.server.stopListening()
  }

  /** Apps want to hear what nobody wanted before: also of those who are in already. */
  appsChanged(): void {
    const { facts } = this.services
    for (const connection of this.hub.connections()) {
      if (connection.identity === undefined) continue // it asks for itself
      const written = [facts.connecting(connection, connection.identity)]
      for (const channel of this.hub.channelsOf(connection)) {
        const subscription = this.hub.subscription(connection, channel)
        if (subscription?.isPresent !== true) continue
        written.push(facts.subscribing(connection, subscription))
        facts.entered(subscription)
      }
      for (const one of written)
        one?.catch((error: unknown) => this.events.emit('sessions:trouble', { error }))
    }
  }

  // sockets

  onUpgrade(request: UpgradeRequest) {
    const decision = this.upgrade.decide(request)
    if (decision.accept) this.admit(request, wireOf(request)) // in a storm most are refused: nothing is read of them
    return decision
  }

  onRequest(request: PlainRequest) {
    return this.door.decide(request)
  }

  private admit(head: RequestHead, wire: Wire): void {
    const headers = pickHeaders(this.services.options.client.hookHeaders, head.headers)
    this.upgraded = { wire, headers, address: this.addressOf(head), query: head.query }
  }

  onOpen(socket: Socket<Connection>): void {
    const { clock, options } = this.services
    const {
      wire = websocketWires.json,
      headers,
      address = socket.remoteAddress,
      query = '',
    } = this.upgraded ?? {}
    const connection: Connection = new Connection(
      randomUUID(),
      socket,
      wire,
      clock,
      options.client.staleCloseMs,
      () => connection.disconnect(Disconnects.stale),
    )
    connection.headers = headers
    connection.address = address
    socket.context = connection
    this.sockets.add(connection)
    this.counts.set(wire, (this.counts.get(wire) ?? 0) + 1)
    this.events.emit('connection:open', { connectionId: connection.id, remoteAddress: connection.address })
    if (wire !== websocketWires.uni) return
    const message = connectMessage(query)
    if (message.byteLength > 0) this.intake.receive(connection, message, false)
  }

  onMessage(socket: Socket<Connection>, message: Uint8Array, isBinary: boolean): void {
    const { context: connection } = socket
    if (connection.wire.isUnidirectional && connection.lane !== undefined) return // it has said what it had to say
    this.intake.receive(connection, message, isBinary)
  }

  onPong(socket: Socket<Connection>): void {
    this.services.heartbeat.onPong(socket.context)
  }

  onCertificate(certificate: Certificate): void {
    this.certificate = certificate
    this.events.emit('tls:certificate', certificate)
  }

  onBrokenCertificate(error: unknown): void {
    this.events.emit('tls:broken', { error })
  }

  onDrain(socket: Socket<Connection>): void {
    this.services.catchUps.wake(socket.context)
  }

  onClose(socket: Socket<Connection>, code: number, reason: string): void {
    const connection = socket.context
    const { user } = connection
    this.sockets.delete(connection)
    this.counts.set(connection.wire, (this.counts.get(connection.wire) ?? 1) - 1)
    this.emulation.close(connection)
    this.intake.remove(connection)
    for (const channel of this.hub.channelsOf(connection)) {
      const subscription = this.hub.subscription(connection, channel)
      if (subscription !== undefined)
        endSubscription(this.services, connection, subscription, connectionClosed)
    }
    this.services.facts.disconnected(connection, { code, reason })
    this.hub.remove(connection)
    this.limits.users.left(connection)
    this.services.heartbeat.remove(connection)
    this.services.catchUps.wake(connection)
    connection.closed()
    const ageMs = this.parts.clock.now() - connection.openedAtMs
    this.events.emit('connection:close', { connectionId: connection.id, user, code, reason, ageMs })
  }

  // channels

  /**
   * Whoever was told that it is subscribed gets nothing more at once, and is told to resume by position, spread out. Whoever
   * still waits is let in when the channel opens anew.
   */
  broken(channel: string): void {
    const subscribers = [...this.hub.subscribers(channel)].filter(([, { state }]) => state !== 'pending')
    const spreadMs = Math.min(breakSpreadMs, subscribers.length) // a millisecond each
    for (const [connection, subscription] of subscribers) {
      subscription.broken()
      this.audience.leave(connection, subscription)
      const tell = (): void => this.tellBroken(connection, subscription)
      this.parts.clock.setTimer(tell, Math.random() * spreadMs)
    }
  }

  /** Somebody is in, not only on the way. */
  private isOccupied(channel: string): boolean {
    for (const { isPresent } of this.hub.subscribers(channel).values()) if (isPresent) return true
    return false
  }

  isWanted(channel: string): boolean {
    return this.hub.subscriberCount(channel) > 0
  }

  subscriberCount(channel: string): number {
    return this.hub.subscriberCount(channel)
  }

  /** Not if the client left the channel meanwhile: the push would end whatever it has there now. */
  private tellBroken(connection: Connection, subscription: Subscription): void {
    if (!subscription.isBroken) return
    const { channel } = subscription
    if (subscription.isServerSide) return connection.disconnect(Disconnects.insufficientState)
    endSubscription(this.services, connection, subscription, Unsubscribes.insufficientState)
    connection.push({ channel, unsubscribe: Unsubscribes.insufficientState })
    this.events.emit('subscription:end', { channel, code: Unsubscribes.insufficientState.code })
  }

  /** Until the streams are verified no position is trusted; while that fails, it is tried again as long as NATS is there. */
  private async resume(): Promise<void> {
    const { broker, clock } = this.parts
    this.resuming?.cancel()
    this.peers.resume()
    try {
      await this.revocations.untilRead() // who waits for a channel goes on with it
      await broker.verifyStreams()
      await this.services.hooks.resume()
      this.limits.users.resume()
      this.resumeBackoff.reset()
      this.channels.resume()
    } catch (error) {
      if (this.isStopped || !broker.bus.isConnected) return // the next reconnect comes here
      this.events.emit('gateway:resume:failed', { error })
      this.resuming = clock.setTimer(() => void this.resume(), this.resumeBackoff.next())
    }
  }

  private createServices(subjects: Subjects): Services {
    const { settings, broker, clock, grammar = usualGrammar, hooks: apps = noHooks } = this.parts
    const { options } = settings.current // what is read here stays
    const { events, hub, channels, audience } = this
    const presence = new Presence(broker, hub, this.peers, this.joinLeave, {
      node: options.name,
      askSubject: subjects.presenceAsk,
      timeoutMs: options.presenceTimeoutMs,
    })
    const services: Services = {
      get options() {
        return settings.current.options
      },
      get verifier() {
        return settings.current.verifier
      },
      namespace: (name) => settings.current.namespaces.get(name),
      grammar,
      clock,
      events,
      hub,
      channels,
      audience,
      presence,
      catchUps: new CatchUps(clock, () => settings.current.options.client.recoveryPage),
      publisher: new Publisher(broker, events, this.fullness, this.stalls),
      history: new History(broker, channels, clock),
      hooks: this.httpHooks,
      facts: new Facts(apps, this.sessions, this.occupancy, clock, options.name),
      publishOrder: new PublishOrder(),
      revocations: this.revocations,
      revoker: new Revoker({ records: broker.revocations, held: this.revocations.held, clock, events }),
      limits: this.limits,
      emulation: this.emulation,
      heartbeat: new Heartbeat(this.server, clock, options.client),
      dispatch: (connection, command) => dispatch(services, connection, command),
    }
    return services
  }
}
