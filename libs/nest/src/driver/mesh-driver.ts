/**
 * What `libs/nest` needs of a mesh, and what the mesh asks of it. Two drivers: `nats/` (a real mesh) and `memory/` (the test kit).
 * Both pass `test/mesh.contract.ts`.
 *
 * M1. Nothing is asked before `start` was called, and nothing new after `drain` resolved.
 * M2. A hook is answered once. An event is told until `hear` resolves; one that rejects is told again, elsewhere or later.
 * M3. `answer` never rejects: a refusal is a reply like any other.
 */
import type { AppCallbacks, SubscriptionOptions } from '@natter/hooks'
import type { Bytes, ClientInfo, HistoryResult, StreamPosition } from '@natter/protocol'

/** The app, as the mesh sees it: the handler table behind the pipeline. Its `answer` never rejects (M3). */
export type AppSide = AppCallbacks

export interface PublishOptions {
  tags?: Readonly<Record<string, string>>
  /** A repeat with the same key into the same channel is stored once, for at least two minutes. */
  idempotencyKey?: string
  /**
   * Subscribers who asked for it are told what this changes in the publication before it, where that is shorter; in namespaces with
   * `allowed_delta_types`. They see the same data. Default false, or what the namespace's `delta_publish` says.
   */
  delta?: boolean
}

/** Where a publication stands; absent in channels that are not kept. */
export type Published = { position?: StreamPosition }

/** What the injectable `Natter` does, in the driver's terms. Rejects with a `NatterError` of `@natter/primitives`. */
export interface MeshApi {
  publish(channel: string, data: Bytes, options: PublishOptions): Promise<Published>
  /** One outcome for each channel, in order: where one fails, the others are still published. */
  broadcast(
    channels: readonly string[],
    data: Bytes,
    options: PublishOptions,
  ): Promise<readonly (Published | { error: Error })[]>
  presence(channel: string): Promise<ReadonlyMap<string, ClientInfo>>
  history(
    channel: string,
    query: { limit: number; since?: StreamPosition; isReverse: boolean },
  ): Promise<HistoryResult>
  /** Every connection of the user, on all gateways; `client` narrows it to one. Resolves when all gateways have done it. */
  subscribe(user: string, channel: string, options: SubscriptionOptions & { client?: string }): Promise<void>
  unsubscribe(
    user: string,
    channel: string,
    options: { client?: string; code: number; reason: string },
  ): Promise<void>
  disconnect(user: string, options: { client?: string; code: number; reason: string }): Promise<void>
  /** Each resolves when it is written down, from when on it holds on each gateway. An absent end is never; moments in ms since 1970. */
  blockUser(user: string, end: { expiresAtMs?: number }): Promise<void>
  unblockUser(user: string): Promise<void>
  revokeToken(tokenId: string, end: { expiresAtMs?: number }): Promise<void>
  invalidateUserTokens(user: string, which: { issuedBeforeMs?: number; expiresAtMs?: number }): Promise<void>
}

export interface MeshDriver extends MeshApi {
  /**
   * Joins the mesh and lets hooks and events come.
   *
   * @throws InvalidError `handler-taken` when another app answers what only one may, both named.
   */
  start(app: AppSide): Promise<void>
  /** Nothing new from here on: others are asked. Resolves once the mesh knows. What is in work goes on. */
  drain(): Promise<void>
  /** Leaves. Twice does nothing. */
  stop(): Promise<void>
  /** Whether a gateway has loaded this app: only there is anything heard with scope `node`. */
  readonly isHosted: boolean
  /** Whether the way to the mesh is open, and the mesh was heard within the last two seconds. For health. */
  readonly isConnected: boolean
}
