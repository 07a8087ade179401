/**
 * What a node has room for, and who may come in: descriptors, connections, arrivals, users.
 *
 * NL1. All limits are read when they are used: a configuration that was read again holds from the next connection and command on. Who is
 *      in already stays, but for a user with more connections than now may be, whose next one ends the oldest.
 */
import type { Broker } from '@natter/broker'
import type { Clock, TypedEvents } from '@natter/primitives'
import type { GatewayEvents } from '../gateway.events.js'
import type { GatewayOptions } from '../gateway.options.js'
import { derived } from '../settings/settings.js'
import { Arrivals } from './arrivals.js'
import { connectionRoom } from './connection-room.js'
import { DescriptorGuard } from './descriptor-guard.js'
import { descriptorLimit, descriptorsInUse, freeDescriptors } from './descriptors.js'
import { UserCommands } from './user-commands.js'
import { UserConnections, type CountedConnection } from './user-connections.js'

export interface NodeLimitsParts<C extends CountedConnection> {
  options(): GatewayOptions
  broker: Broker
  clock: Clock
  events: TypedEvents<GatewayEvents>
  connectionsOf(user: string): readonly C[]
  connections(): Iterable<C>
  connectionCount(): number
  /** 3504. */
  close(connection: C): void
  /** The port. */
  server: { pauseListening(): void; resumeListening(): boolean }
}

/** Why nobody may come in now. */
export type NoRoom = 'limit' | 'rate' | 'descriptors'

export class NodeLimits<C extends CountedConnection> {
  readonly users: UserConnections<C>
  private readonly arrivals: Arrivals
  private readonly commands: UserCommands
  private readonly descriptors = descriptorLimit()
  private readonly guard: DescriptorGuard
  private readonly room: () => number

  constructor(private readonly parts: NodeLimitsParts<C>) {
    const { options, broker, clock, events, server } = parts
    this.arrivals = new Arrivals(() => options().client.connectionRateLimit)
    this.commands = new UserCommands(() => options().client)
    this.guard = new DescriptorGuard({
      clock,
      free: (atMost) => freeDescriptors(this.descriptors, atMost),
      letGo: () => server.pauseListening(),
      takeAgain: () => server.resumeListening(),
      onChange: (isListening, free) => events.emit('descriptors:short', { isOver: isListening, free }),
    })
    this.users = new UserConnections({
      broker,
      clock,
      subject: broker.subjects.userConnections,
      node: options().name,
      limit: () => options().client.userConnectionLimit,
      connectionsOf: parts.connectionsOf,
      users: () => usersOf(parts.connections()),
      close: (connection) => {
        events.emit('limit:exceeded', { limit: 'user-connections' })
        parts.close(connection)
      },
    })
    this.room = derived(
      () => options().maxConnections,
      (asked) => this.measure(asked),
    )
  }

  /** Connections that this node takes. */
  get maxConnections(): number {
    return this.room()
  }

  /** Undefined: the system doesn't tell. */
  get maxDescriptors(): number | undefined {
    return this.descriptors
  }

  get descriptorsInUse(): number | undefined {
    return descriptorsInUse()
  }

  start(): void {
    this.guard.start()
    this.users.start()
  }

  /** Nobody comes any more, and the port is not taken again. */
  stopAccepting(): void {
    this.guard.stop()
  }

  stop(): void {
    this.guard.stop()
    this.users.stop()
  }

  /** Whether somebody who would come in now would be refused. Costs nothing to speak of. */
  noRoom(): NoRoom | undefined {
    if (this.parts.connectionCount() >= this.room()) return 'limit'
    if (this.guard.isTight) return 'descriptors'
    return this.arrivals.hasRoom ? undefined : 'rate'
  }

  /** Somebody comes in, unless there is no room. */
  take(): NoRoom | undefined {
    const why = this.noRoom()
    if (why === undefined) this.arrivals.take()
    return why
  }

  /** False: the user sends more than one may. Counted. */
  takeCommand(user: string): boolean {
    if (this.commands.take(user)) return true
    this.parts.events.emit('limit:exceeded', { limit: 'user-command-rate' })
    return false
  }

  /** @throws UnavailableError `too-few-descriptors`. */
  private measure(asked: number | undefined): number {
    const { maxConnections, descriptors, cutFrom } = connectionRoom(asked, this.descriptors)
    this.parts.events.emit('gateway:room', { maxConnections, descriptors, cutFrom })
    return maxConnections
  }
}

function* usersOf(connections: Iterable<CountedConnection>): Generator<string> {
  for (const { user } of connections) yield user
}
