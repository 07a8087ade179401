/**
 * What gateways ask of apps, and what apps answer: the shapes that travel. Encoded by `envelope.ts`.
 *
 * Every text that ends in `Json` is the text of one JSON value, as it came: nobody between client and handler parses it.
 * Times are milliseconds since 1970.
 */
import type { Bytes, Capability, CapableVerb } from '@natter/protocol'

export type { Capability, CapableVerb }

/** The connection that a hook is about. */
export interface Caller {
  /** The connection's id; unique in the mesh. */
  client: string
  /** '' = anonymous; also before the connect hook has said who it is. */
  user: string
  /** The gateway that holds it. */
  node: string
  /** What others are shown as `conn_info`. */
  infoJson?: string
  /** What the connect hook said for later hooks alone; nobody else sees it. */
  metaJson?: string
  /** Of the handshake, lower-case names; only those that the gateway was told to pass on. */
  headers: Readonly<Record<string, string>>
  /** The peer's address as the gateway sees it. */
  ip: string
}

/**
 * What follows the channel's namespace, where the mesh's signs in channel names aren't the usual ones; absent = an app can tell by itself.
 */
interface Rest {
  rest?: string
}

/** Questions: answered once, before the client is. `data` is what the client sent. */
export type HookRequest =
  /** `channels`: which subscriptions by the server the client says it had. */
  | {
      kind: 'connect'
      caller: Caller
      token?: string
      name?: string
      version?: string
      channels?: readonly string[]
      data?: Bytes
    }
  | { kind: 'refresh'; caller: Caller; token?: string; data?: Bytes }
  | ({
      kind: 'subscribe'
      caller: Caller
      namespace: string
      channel: string
      token?: string
      data?: Bytes
    } & Rest)
  | ({ kind: 'publish'; caller: Caller; namespace: string; channel: string; data: Bytes } & Rest)
  | ({ kind: 'presence'; caller: Caller; namespace: string; channel: string } & Rest)
  | ({ kind: 'history'; caller: Caller; namespace: string; channel: string } & Rest)
  /** `call` names this call in its progress: tag `call` of publications in the caller's personal channel. */
  | { kind: 'rpc'; caller: Caller; method: string; call: string; data?: Bytes }

export type HookKind = HookRequest['kind']
/** Those that belong to a namespace. */
export type NamespaceHook = Extract<HookRequest, { namespace: string }>['kind']

/** What may be published by a subscriber without another question: the app's `publish` decision. */
export interface PublishGrant {
  /** `ask`: the publish hook is asked each time. `allow`, `deny`: it isn't. */
  publish: 'allow' | 'deny' | 'ask'
  /** How long `allow` or `deny` holds; then `ask`. Absent = as long as the subscription. */
  forMs?: number
  /** How many publications `allow` covers; then `ask`. Absent = any number. */
  quota?: number
}

export interface SubscriptionOptions {
  /** Shown to others of this subscription as `chan_info`. */
  infoJson?: string
  /** Given to the client with its subscription. */
  dataJson?: string
  /** When the subscription ends; absent = with the connection. */
  expiresAtMs?: number
  grant?: PublishGrant
  /** What its subscriber may do in the channel beside what the namespace allows, for as long as it is subscribed. */
  allow?: readonly CapableVerb[]
}

export interface ConnectDecision {
  /** '' = anonymous. */
  user: string
  infoJson?: string
  metaJson?: string
  /** Given to the client in the connect reply. */
  dataJson?: string
  /** When the connection ends unless it is refreshed; absent = never. */
  expiresAtMs?: number
  /** Server-side subscriptions, by channel. */
  subscriptions?: Readonly<Record<string, SubscriptionOptions>>
  /** What the connection may do beside what its namespaces allow. */
  capabilities?: readonly Capability[]
}

/** By kind: what a yes may carry. A no is a {@link Refusal}. */
export interface HookDecisions {
  connect: ConnectDecision
  /** `expiresAtMs` absent = never; in the past = it ends now. `capabilities` absent = as before; empty = none from now on. */
  refresh: {
    expiresAtMs?: number
    infoJson?: string
    metaJson?: string
    capabilities?: readonly Capability[]
  }
  subscribe: SubscriptionOptions
  /** `data` present = stored instead of what the client sent. */
  publish: { data?: Bytes }
  presence: Record<string, never>
  history: Record<string, never>
  rpc: { data?: Bytes }
}

/** An error reply to the client's command. `details` say what is wrong with the data, where the app knows. */
export interface RefusalError {
  code: number
  message: string
  /** The client may repeat the same. */
  temporary?: boolean
  details?: readonly { path: string; message: string }[]
}

export type Refusal = { error: RefusalError } | { disconnect: { code: number; reason: string } }

export type HookReply<K extends HookKind = HookKind> = { decision: HookDecisions[K] } | Refusal

/** Facts: told after they happened, at least once. `id` is the same in each repeat. */
export type HookEvent = { id: string; atMs: number } & (
  | ({
      kind: 'unsubscribe'
      caller: Caller
      namespace: string
      channel: string
      code: number
      reason: string
    } & Rest)
  | { kind: 'disconnect'; caller: Caller; code: number; reason: string }
  /** The channel has a subscriber, anywhere in the mesh, and had none. */
  | ({ kind: 'occupied'; namespace: string; channel: string } & Rest)
  | ({ kind: 'vacated'; namespace: string; channel: string } & Rest)
  /** `send` of a client. At most once, in the order of the connection. */
  | { kind: 'message'; caller: Caller; data?: Bytes }
)

export type EventKind = HookEvent['kind']

/**
 * `group`: once, by any instance of the app. `all`: by every instance. `node`: by the instances that the gateway which holds the socket
 * has loaded; nobody hears so what is of no socket (`occupied`, `vacated`).
 */
export type EventScope = 'group' | 'all' | 'node'

/** What an app answers: the same for all its instances of one build. */
export interface AnswerTable {
  /** Hooks of connections (`connect`, `refresh`): by one app only. */
  connection: readonly ('connect' | 'refresh')[]
  /** By namespace ('' = channels without one). By one app only for each namespace and kind. */
  namespaces: Readonly<Record<string, readonly NamespaceHook[]>>
  /** `idempotent`: a second instance may be asked while the first hasn't answered. */
  rpc: Readonly<Record<string, { idempotent: boolean }>>
  /** `namespace` absent = not of a namespace. */
  events: readonly { kind: EventKind; scope: EventScope; namespace?: string }[]
}
