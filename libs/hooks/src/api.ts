/**
 * What apps ask of gateways, on `Subjects.apiOfNode(node)`: the shapes that travel. Any gateway serves any request; those that
 * concern connections (`subscribe`, `unsubscribe`, `disconnect`) are passed on to all gateways, and answered when each that is there
 * has done its part. Those that revoke (`block`, `unblock`, `revoke`, `invalidate`) are answered when it is written down, which binds all.
 */
import type { Bytes, ClientInfo, StreamPosition } from '@natter/protocol'
import type { RefusalError, SubscriptionOptions } from './hooks.js'

/**
 * A `key` makes a repeat harmless: the same key into the same channel is stored once, for at least two minutes. `delta` lets subscribers
 * who asked for it be told what changed since the publication before.
 */
interface Publishing {
  data: Bytes
  tags?: Readonly<Record<string, string>>
  key?: string
  delta?: boolean
}

export type ApiRequest =
  | ({ kind: 'publish'; channel: string } & Publishing)
  | ({ kind: 'broadcast'; channels: readonly string[] } & Publishing)
  | { kind: 'presence'; channel: string }
  | { kind: 'history'; channel: string; limit: number; since?: StreamPosition; isReverse: boolean }
  /** `client` narrows it to one connection of the user. */
  | { kind: 'subscribe'; user: string; channel: string; client?: string; options: SubscriptionOptions }
  | { kind: 'unsubscribe'; user: string; channel: string; client?: string; code: number; reason: string }
  | { kind: 'disconnect'; user: string; client?: string; code: number; reason: string }
  /** Until `expiresAtMs`, milliseconds since 1970; absent = for good. So with the next two. */
  | { kind: 'block'; user: string; expiresAtMs?: number }
  | { kind: 'unblock'; user: string }
  | { kind: 'revoke'; tokenId: string; expiresAtMs?: number }
  /** `issuedBeforeMs` absent = now, as the gateway's clock says. */
  | { kind: 'invalidate'; user: string; issuedBeforeMs?: number; expiresAtMs?: number }
  /** Progress of an rpc: into the caller's personal channel, with `call` as tag. Answered at once. */
  | { kind: 'progress'; user: string; call: string; data: Bytes }

export type ApiKind = ApiRequest['kind']

/** `position` is absent where the channel isn't kept. */
export interface PublishedAt {
  position?: StreamPosition
}

/** A publication as it travels to an app: `dataBase64`, because bytes are bytes. */
export interface ApiPublication {
  dataBase64: string
  info?: ApiClientInfo
  offset?: number
  tags?: Readonly<Record<string, string>>
  time?: number
}

export interface ApiClientInfo extends Pick<ClientInfo, 'user' | 'client'> {
  connInfoJson?: string
  chanInfoJson?: string
}

export interface ApiResults {
  publish: PublishedAt
  /** In the order of the channels. */
  broadcast: { outcomes: readonly (PublishedAt | { error: ApiError })[] }
  presence: { members: readonly ApiClientInfo[] }
  history: { publications: readonly ApiPublication[]; position: StreamPosition }
  subscribe: { connections: number }
  unsubscribe: { connections: number }
  disconnect: { connections: number }
  block: Record<string, never>
  unblock: Record<string, never>
  revoke: Record<string, never>
  invalidate: Record<string, never>
  progress: Record<string, never>
}

/**
 * `outcome` says whether a repeat is harmless: `refused` = certainly not done and never will be; `unavailable` = certainly not done, try
 * again; `unknown` = perhaps done.
 */
export interface ApiError extends RefusalError {
  outcome: 'refused' | 'unavailable' | 'unknown'
}

export type ApiReply<K extends ApiKind = ApiKind> = { result: ApiResults[K] } | { error: ApiError }
