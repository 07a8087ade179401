export { call, type Call, type Caller } from './call.js'
export {
  createClient,
  type ChannelOf,
  type ChannelOptions,
  type Client,
  type ClientOptions,
} from './client.js'
export type { ChannelListener, ClientChannel, PublishOptions } from './channel/channel.js'
export type { HistoryQuery, StreamPosition } from './channel/history.js'
export type { Members } from './channel/members.js'
export type { Gap, Member, Publication } from './channel/publication.js'
export type { Reader, ReadOptions } from './channel/reader.js'
export type { ChannelState } from './channel/shared-channel.js'
export type { ConnectionEvents, ConnectionState } from './connection/connection-state.js'
export type { Transport } from './connection/endpoints.js'
export {
  channelName,
  channelParams,
  type NameOf,
  type ParamsOf,
  type PatternFor,
} from './contract/channel-pattern.js'
export type {
  AnyContract,
  Channel,
  ChannelNames,
  ChannelShape,
  Contract,
  EventData,
  EventMessage,
  EventNames,
  MemberOf,
  Methods,
  Patterns,
  ProgressOf,
  PublicationOf,
  PublishOf,
  ReplyOf,
  RequestOf,
  RpcShape,
  WelcomeOf,
} from './contract/contract.js'
export { RefusedError } from './errors/client-errors.js'
export type { Published } from './queue/publish-queue.js'
export { Store, type Readable } from './store.js'
export { InvalidError, NatterError, UnavailableError, UnknownOutcomeError } from '@natter/primitives'
export { UnauthorizedError } from 'centrifuge'
