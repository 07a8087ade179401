import type { Namespace, TokenVerifier } from '@natter/auth'
import type { Hub } from '@natter/hub'
import type { Clock, TypedEvents } from '@natter/primitives'
import type { ChannelGrammar, Command } from '@natter/protocol'
import type { Audience } from '../channels/audience.js'
import type { Channels } from '../channels/channels.js'
import type { Emulation } from '../emulation/emulation.js'
import type { GatewayEvents } from '../gateway.events.js'
import type { GatewayOptions } from '../gateway.options.js'
import type { AllHooks } from '../hooks/hooks.js'
import type { History } from '../history/history.js'
import type { NodeLimits } from '../limits/node-limits.js'
import type { Presence } from '../presence/presence.js'
import type { Publisher } from '../publishing/publisher.js'
import type { Revocations } from '../revocation/revocations.js'
import type { Revoker } from '../revocation/revoker.js'
import type { CatchUps } from './catch-ups.js'
import type { Connection } from './connection.js'
import type { Facts } from './facts.js'
import type { Heartbeat } from './heartbeat.js'
import type { PublishOrder } from './publish-order.js'
import type { Subscription } from './subscription.js'

/** What the commands of a connection may use: one set per node. */
export interface Services {
  /** This, the verifier and the namespaces may be others a moment later (SE2): read them when they are used. */
  readonly options: GatewayOptions
  readonly clock: Clock
  readonly events: TypedEvents<GatewayEvents>
  readonly hub: Hub<Connection, Subscription>
  readonly verifier: TokenVerifier
  /** How channel names are read; the same for good. */
  readonly grammar: ChannelGrammar
  /** Options by namespace name, '' for channels without one; undefined = unknown. */
  namespace(this: void, name: string): Namespace | undefined
  readonly channels: Channels
  readonly audience: Audience
  readonly catchUps: CatchUps
  readonly publisher: Publisher
  readonly history: History
  readonly presence: Presence
  readonly heartbeat: Heartbeat
  readonly hooks: AllHooks
  readonly facts: Facts
  readonly publishOrder: PublishOrder
  readonly revocations: Revocations
  readonly revoker: Revoker
  readonly limits: Pick<NodeLimits<Connection>, 'takeCommand' | 'users'>
  readonly emulation: Pick<Emulation, 'open'>
  /** Handles a command of a connected client. */
  dispatch(connection: Connection, command: Command): void
}
