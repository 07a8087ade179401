import type { SubscriptionOverride } from '@natter/auth'
import type {
  Caller,
  ConnectDecision,
  EventKind,
  EventScope,
  HookDecisions,
  HookEvent,
  HookKind,
  HookRequest,
  NamespaceHook,
  SubscriptionOptions,
} from '@natter/hooks'
import type { Bytes } from '@natter/protocol'
import type { Wire } from '../connection/wire.js'

/** What is asked of whoever decides: what apps are asked, and what is asked over HTTP alone. */
export type AskedRequest =
  | HookRequest
  /** The end of a subscription has come: does it go on? */
  | { kind: 'sub_refresh'; caller: Caller; namespace: string; channel: string }

export type AskedKind = AskedRequest['kind']
/** Those that belong to a namespace. */
export type ChannelHook = NamespaceHook | 'sub_refresh'

/** What may be said of a subscription. */
export interface SubscriptionGift extends SubscriptionOptions {
  /** In place of `dataJson`: any bytes that the client can be told. */
  data?: Bytes
  /** In place of what its namespace says. */
  override?: SubscriptionOverride
}

/** By kind, what a yes may carry: what an app says, and more. */
export interface Decisions extends Pick<HookDecisions, 'refresh' | 'presence' | 'history' | 'rpc'> {
  connect: Omit<ConnectDecision, 'subscriptions'> & {
    /** In place of `dataJson`: any bytes that the client can be told. */
    data?: Bytes
    subscriptions?: Readonly<Record<string, SubscriptionGift>>
  }
  subscribe: SubscriptionGift
  publish: PublishDecision
  /** `expiresAtMs` absent = never; in the past = it ends now. */
  sub_refresh: { expiresAtMs?: number; infoJson?: string }
}

export interface PublishDecision {
  /** Stored instead of what the client sent. */
  data?: Bytes
  /** It is told to those who are there, and not kept. */
  skipsHistory?: boolean
  tags?: Readonly<Record<string, string>>
  /** May be told as what it changes in the one before it. */
  delta?: boolean
  /** Of this user in this channel it is stored once under that name. */
  idempotencyKey?: string
}

/** On whose behalf it is asked: how the connection is spoken to. */
export interface Asker {
  readonly wire: Pick<Wire, 'transport' | 'codec'>
}

/** Whoever decides, an app or an address over HTTP. For each thing it is one of them. */
export interface AllHooks extends Pick<
  Hooks,
  'rpcState' | 'demandsConnection' | 'wants' | 'tell' | 'resume'
> {
  isDemanded(kind: ChannelHook, namespace: string): boolean
  /** Whether it isn't an app that decides. */
  isOverHttp(kind: 'refresh' | ChannelHook, namespace?: string): boolean
  /** @throws as {@link Hooks.ask}. */
  ask<K extends AskedKind>(request: Extract<AskedRequest, { kind: K }>, asker: Asker): Promise<Decisions[K]>
}

/** What commands need of the apps; `HookCaller` of `@natter/hooks` is one, {@link noHooks} a mesh without apps. */
export interface Hooks {
  /** Whether an app decides this for channels of the namespace ('' = of none). */
  isDemanded(kind: NamespaceHook, namespace: string): boolean
  demandsConnection(kind: 'connect' | 'refresh'): boolean
  /** `none`: no app answers any rpc. */
  rpcState(method: string): 'none' | 'unknown' | 'known'
  /**
   * @throws ClientError what the app refused, or 100 and 111 (temporary) where nobody answered in time.
   * @throws DisconnectError the app ends the connection.
   */
  ask<K extends HookKind>(request: Extract<HookRequest, { kind: K }>): Promise<HookDecisions[K]>
  /** In which ways apps want to hear of it; empty: nobody does. */
  wants(kind: EventKind, namespace?: string): readonly EventScope[]
  tell(event: HookEvent): unknown
  /**
   * The way to NATS is back: what must be asked may have changed.
   *
   * @throws UnavailableError it can't be read now: call it again.
   */
  resume(): Promise<void>
}

export const noHooks: Hooks = {
  isDemanded: () => false,
  demandsConnection: () => false,
  rpcState: () => 'none',
  ask: () => Promise.reject(new Error('an app was asked where none was demanded')),
  wants: () => [],
  tell() {},
  resume: () => Promise.resolve(),
}
