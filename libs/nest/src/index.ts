export { ClientError, DisconnectError, type Capability, type CapableVerb } from '@natter/hooks'
export { Ctx, Payload, RpcException } from '@nestjs/microservices'
export { Headers, Param } from '@nestjs/common'
export { ChannelController, ConnectionController } from './decorators/controller.decorators.js'
export { contractOf, type AppContract, type Gap } from './contract/contract-of.js'
export type { AppModule } from './contract/find-handlers.js'
export {
  OnDisconnect,
  OnMessage,
  OnOccupied,
  OnUnsubscribe,
  OnVacated,
  type EventOptions,
  type SocketEventOptions,
} from './decorators/event.decorators.js'
export {
  OnConnect,
  OnHistory,
  OnPresence,
  OnPublish,
  OnRefresh,
  OnSubscribe,
  Rpc,
  type PayloadOptions,
  type PublishHookOptions,
  type RpcOptions,
  type Verdict,
} from './decorators/hook.decorators.js'
export { Channel, Client, CurrentUser, Signal } from './decorators/param.decorators.js'
export type * from './driver/mesh-driver.js'
export { NatterHealth, type NatterHealthResult } from './health/natter.health.js'
export { NatterModule } from './natter.module.js'
export {
  MESH_DRIVER,
  type EnhancerKind,
  type NatterNatsOptions,
  type NatterOptions,
} from './natter.options.js'
export {
  Natter,
  type ConnectionChoice,
  type Ending,
  type HistoryQuery,
  type InvalidTokens,
  type Member,
  type PublishSettings,
  type RevocationEnd,
  type StoredPublication,
} from './natter.js'
export { isNatter, natterContext } from './pipeline/context.js'
export type {
  AppUser,
  ConnectContext,
  ContextOf,
  DisconnectContext,
  EventContext,
  HistoryContext,
  MessageContext,
  NatterContext,
  OccupiedContext,
  PresenceContext,
  PublishContext,
  RefreshContext,
  RequestContext,
  RpcContext,
  SubscribeContext,
  UnsubscribeContext,
  VacatedContext,
} from './pipeline/context.js'
export {
  deny,
  type ConnectDecision,
  type Deny,
  type Moment,
  type RefreshDecision,
  type SubscribeDecision,
} from './pipeline/decisions.js'
export type { Encoding } from './pipeline/json.js'
export type { MeshEvents } from './pipeline/calls.js'
export { NatterServer, type MeshStatus } from './pipeline/server.js'
export type { StandardSchema } from './pipeline/standard-schema.js'
