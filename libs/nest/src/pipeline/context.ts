/**
 * What a handler is given, and what guards, pipes, interceptors and filters see: both arguments of every call.
 *
 * X1. It looks like a request (`user`, `params`, `headers`, `ip`, `body`, `method`, `url`), because Nest's `getRequest()` and
 *     `getData()` are one slot. With the payload there, a role guard written for HTTP would read `request.user` from what the client sent.
 * X2. Nothing in it but `data`, `body` and `bytes` comes from the client's message.
 */
import type { Caller, HookEvent, HookRequest } from '@natter/hooks'
import { InternalError } from '@natter/primitives'
import type { Bytes } from '@natter/protocol'
import type { ArgumentsHost } from '@nestjs/common'
import { decodeValue, type Encoding } from './json.js'

/** Who sent it: as the connect hook said. The fields of `meta`, where it is an object, are here too: `user.roles`. */
export interface AppUser {
  /** '' = anonymous; also in the connect hook itself. */
  readonly id: string
  readonly info: unknown
  readonly meta: unknown
  readonly [field: string]: unknown
}

interface Common<K> {
  readonly kind: K
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal
  /** Of the channel, as the handler's path names them. */
  readonly params: Readonly<Record<string, string>>
  /** Of the handshake, lower-case names; only those that the gateway was told to pass on. */
  readonly headers: Readonly<Record<string, string>>
  /** '' where nobody's connection is concerned. */
  readonly ip: string
  /** What the client sent, parsed; before any schema. Under `encoding: 'bytes'` a Uint8Array. Undefined = nothing. */
  readonly data: unknown
  /** The same: guards for HTTP know it by this name. */
  readonly body: unknown
  /** What the client sent, as it came. */
  readonly bytes: Bytes | undefined
  /** The kind in capitals. */
  readonly method: string
  /** The channel, or the rpc's name; '' = neither. */
  readonly url: string
}

interface FromClient {
  readonly user: AppUser
  /** The connection's id. */
  readonly client: string
  /** The gateway that holds it. */
  readonly node: string
}

interface InChannel {
  /** '' = channels without one. */
  readonly namespace: string
  readonly channel: string
}

interface Told {
  /** The same in each repeat. */
  readonly id: string
  /** When it happened, milliseconds since 1970. */
  readonly atMs: number
}

interface Ended {
  readonly code: number
  readonly reason: string
}

export interface ConnectContext extends Common<'connect'>, FromClient {
  readonly token: string | undefined
  /** As the client calls itself. */
  readonly clientName: string | undefined
  readonly clientVersion: string | undefined
}
export interface RefreshContext extends Common<'refresh'>, FromClient {
  readonly token: string | undefined
}
export interface SubscribeContext extends Common<'subscribe'>, FromClient, InChannel {
  readonly token: string | undefined
}
export interface PublishContext extends Common<'publish'>, FromClient, InChannel {}
export interface PresenceContext extends Common<'presence'>, FromClient, InChannel {}
export interface HistoryContext extends Common<'history'>, FromClient, InChannel {}
export interface RpcContext extends Common<'rpc'>, FromClient {
  /** As the client called it. */
  readonly name: string
  /** Names this call in its progress. */
  readonly call: string
}
export interface UnsubscribeContext extends Common<'unsubscribe'>, FromClient, InChannel, Told, Ended {}
export interface DisconnectContext extends Common<'disconnect'>, FromClient, Told, Ended {}
export interface OccupiedContext extends Common<'occupied'>, InChannel, Told {}
export interface VacatedContext extends Common<'vacated'>, InChannel, Told {}
export interface MessageContext extends Common<'message'>, FromClient, Told {}

/** Of handlers that answer. */
export type RequestContext =
  | ConnectContext
  | RefreshContext
  | SubscribeContext
  | PublishContext
  | PresenceContext
  | HistoryContext
  | RpcContext
/** Of handlers about a connection that hear: what `@OnUnsubscribe() @OnDisconnect()` on one method is given. */
export type EventContext = UnsubscribeContext | DisconnectContext
/** Told apart by `kind`. */
export type NatterContext = RequestContext | EventContext | OccupiedContext | VacatedContext | MessageContext
export type ContextOf<K extends NatterContext['kind']> = Extract<NatterContext, { kind: K }>

/** All fields that a hook or an event may have. */
interface Source {
  readonly kind: NatterContext['kind']
  readonly caller?: Caller
  readonly data?: Bytes
  readonly namespace?: string
  readonly channel?: string
  readonly token?: string
  readonly name?: string
  readonly version?: string
  readonly method?: string
  readonly call?: string
  readonly id?: string
  readonly atMs?: number
  readonly code?: number
  readonly reason?: string
}

const noHeaders: Readonly<Record<string, string>> = Object.freeze({})

/** One class for all kinds: the types above say which fields a kind has. Parsed when read, not before. */
export class MeshContext {
  private readonly source: Source
  private parsed: { value: unknown } | undefined
  private who: unknown

  constructor(
    source: HookRequest | HookEvent,
    readonly params: Readonly<Record<string, string>>,
    readonly signal: AbortSignal,
    private readonly encoding: Encoding,
  ) {
    this.source = source
  }

  get kind() {
    return this.source.kind
  }
  get method() {
    return this.source.kind.toUpperCase()
  }
  get url() {
    return this.source.channel ?? this.source.method ?? ''
  }
  get headers() {
    return this.source.caller?.headers ?? noHeaders
  }
  get ip() {
    return this.source.caller?.ip ?? ''
  }

  /** Guards for HTTP may set it: then it is what they set. X2. */
  get user(): unknown {
    this.who ??= this.source.caller && userOf(this.source.caller)
    return this.who
  }
  set user(user: unknown) {
    this.who = user
  }
  get client() {
    return this.source.caller?.client
  }
  get node() {
    return this.source.caller?.node
  }

  /** @throws ClientError 107. */
  get data(): unknown {
    this.parsed ??= { value: decodeValue(this.source.data, this.encoding) }
    return this.parsed.value
  }
  get body() {
    return this.data
  }
  get bytes() {
    return this.source.data
  }

  get namespace() {
    return this.source.namespace
  }
  get channel() {
    return this.source.channel
  }
  get token() {
    return this.source.token
  }
  get clientName() {
    return this.source.name
  }
  get clientVersion() {
    return this.source.version
  }
  get name() {
    return this.source.method
  }
  get call() {
    return this.source.call
  }
  get id() {
    return this.source.id
  }
  get atMs() {
    return this.source.atMs
  }
  get code() {
    return this.source.code
  }
  get reason() {
    return this.source.reason
  }
}

function userOf({ user, infoJson, metaJson }: Caller): AppUser {
  const meta = metaJson === undefined ? undefined : (JSON.parse(metaJson) as unknown)
  const info = infoJson === undefined ? undefined : (JSON.parse(infoJson) as unknown)
  const fields = typeof meta === 'object' && !Array.isArray(meta) ? meta : {}
  return { ...fields, id: user, info, meta }
}

/**
 * The name of a property of {@link MeshContext} that reads one property of the payload. Nest takes a payload parameter by the name of
 * a property of the first argument, so `@Payload('text')` becomes one.
 */
export function payloadProperty(name: string): string {
  const key = `data.${name}`
  if (!Object.hasOwn(MeshContext.prototype, key)) {
    Object.defineProperty(MeshContext.prototype, key, {
      get(this: MeshContext) {
        const data = this.data
        return typeof data === 'object' && data !== null ? (data as Record<string, unknown>)[name] : undefined
      },
    })
  }
  return key
}

/** Whether the mesh asks or tells, so that {@link natterContext} has something to give. */
export function isNatter(host: ArgumentsHost): boolean {
  return host.getArgByIndex<unknown>(1) instanceof MeshContext
}

/**
 * The context, typed by its `kind`: the switch of an enhancer that serves HTTP too.
 *
 * @throws InternalError `not-natter`: ask {@link isNatter} first.
 */
export function natterContext(host: ArgumentsHost): NatterContext {
  const context = host.getArgByIndex<unknown>(1)
  if (context instanceof MeshContext) return context as unknown as NatterContext
  throw new InternalError(
    'not-natter',
    'This is no call of the mesh: ask isNatter(host) before natterContext(host).',
  )
}
