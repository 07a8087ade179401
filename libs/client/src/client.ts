/**
 * One connection to the mesh, with the types of a contract.
 *
 * K1. The SDK connects, recovers and renews tokens; nothing here does it a second time.
 * K2. After `close` nothing of it is left: no socket, no timer, no listener; readers end, and what waits is told.
 * K3. However often a channel is asked for, there is one subscription to it.
 */
import { InvalidError, systemClock, TypedEvents, type Clock } from '@natter/primitives'
import { Centrifuge, type Options, type SubscriptionOptions } from 'centrifuge'
import { call, type Call } from './call.js'
import { asker, type Ask } from './connection/ask.js'
import { OneChannel, type ClientChannel, type PublishOptions } from './channel/channel.js'
import { SharedChannel } from './channel/shared-channel.js'
import {
  watchConnection,
  type ConnectionEvents,
  type ConnectionState,
} from './connection/connection-state.js'
import { endpointsOf, type Transport } from './connection/endpoints.js'
import type {
  AnyContract,
  ChannelNames,
  Contract,
  DataArgument,
  EventData,
  EventNames,
  MemberOf,
  Methods,
  ProgressOf,
  PublicationOf,
  PublishOf,
  ReplyOf,
  RequestOf,
  WelcomeOf,
} from './contract/contract.js'
import { clientError } from './errors/client-errors.js'
import { randomId } from './ids.js'
import { repeatable } from './queue/repeatable-publish.js'
import { PublishQueue, type Published } from './queue/publish-queue.js'
import { reportError, type Readable, type Store } from './store.js'

export interface ClientOptions {
  /** A gateway, `https://example.com`, or its WebSocket, `wss://example.com/connection/websocket`. */
  url: string
  /** Signed by your backend. Neither this nor `getToken`: anonymous, where the mesh lets them in. */
  token?: string
  /** Asked for a token whenever one is needed. Throw the SDK's `UnauthorizedError` to give up. */
  getToken?: () => Promise<string>
  /** In the order in which they are tried. Default: WebSocket alone. */
  transports?: readonly Transport[]
  /** For the apps' connect hook. */
  data?: unknown
  /** Names the program in the gateways' logs and apps. */
  name?: string
  /** Default true: connects at once. */
  isConnecting?: boolean
  /** Publications that may wait for a connection; default 1,000. */
  maxWaiting?: number
  /** Anything else that the SDK takes: `minReconnectDelay`, `websocket` (Node 20 has none), `fetch` … */
  sdk?: Partial<Options>
  /** For tests. */
  clock?: Clock
}

/** How this client subscribes to a channel, from the next time that it does: those who share a subscription have one. */
export type ChannelOptions = Pick<
  SubscriptionOptions,
  'token' | 'getToken' | 'data' | 'since' | 'delta' | 'tagsFilter'
> & {
  /** Be told of joins and leaves, where the namespace tells them. Default true. */
  joinLeave?: boolean
}

/** The channel with a name, in the words of a contract. */
export type ChannelOf<C extends Contract, Name extends string> = ClientChannel<
  PublicationOf<C, Name>,
  PublishOf<C, Name>,
  MemberOf<C, Name>,
  WelcomeOf<C, Name>
>

export interface Client<C extends Contract = AnyContract> {
  readonly state: Readable<ConnectionState>
  /** Adds a listener; the result removes it. */
  on<K extends keyof ConnectionEvents>(event: K, listener: (event: ConnectionEvents[K]) => void): () => void
  /** The same object for the same name. */
  channel<Name extends ChannelNames<C>>(name: Name, options?: ChannelOptions): ChannelOf<C, Name>
  /** Await it for the reply, `for await` it for the progress. @throws (rejects) RefusedError, UnavailableError, UnknownOutcomeError. */
  rpc<Method extends Methods<C>>(
    method: Method,
    ...data: DataArgument<RequestOf<C, Method>>
  ): Call<ReplyOf<C, Method>, ProgressOf<C, Method>>
  /** Told to the apps' `@OnMessage` as `{ event, data }`, at most once. Resolves when it has left. */
  send<Name extends EventNames<C>>(event: Name, ...data: DataArgument<EventData<C, Name>>): Promise<void>
  /** After `isConnecting: false`, or after the server ended the connection. */
  connect(): void
  /** Until `connect`. What waits to be published is told that nobody comes. */
  disconnect(): void
  /** Resolves when the client is connected. @throws (rejects) UnavailableError when it is disconnected or closed before. */
  ready(): Promise<void>
  /** Resolves when every publication that was given has been answered. */
  flushed(): Promise<void>
  /** For good. Readers end; publications that weren't sent reject with `client-closed`. */
  close(): void
  [Symbol.dispose](): void
  /** The SDK's own client, for what isn't here. */
  readonly sdk: Centrifuge
}

export function createClient<C extends Contract = AnyContract>(options: ClientOptions): Client<C> {
  return new MeshClient(options) as unknown as Client<C>
}

type AnyChannel = OneChannel<unknown, unknown, unknown, unknown>

class MeshClient {
  readonly sdk: Centrifuge
  private readonly store: Store<ConnectionState>
  private readonly events = new TypedEvents<ConnectionEvents>(reportError)
  /** Each name that was ever asked for, a few hundred bytes each. K3. */
  private readonly channels = new Map<string, { channel: AnyChannel; shared: SharedChannel }>()
  private readonly readers = new Set<{ close(): void }>()
  private readonly queue: PublishQueue
  private readonly ask: Ask
  private readonly clock: Clock

  constructor(options: ClientOptions) {
    this.clock = options.clock ?? systemClock
    this.sdk = sdkOf(options)
    this.ask = asker(this.sdk, options.sdk?.timeout ?? 5_000)
    this.queue = new PublishQueue({
      clock: this.clock,
      send: repeatable(this.sdk),
      isHeld: (channel) => this.channels.get(channel)?.shared.state.get().kind === 'subscribing',
      ...(options.maxWaiting === undefined ? {} : { maxWaiting: options.maxWaiting }),
    })
    this.store = watchConnection(this.sdk, (error) => this.events.emit('error', error))
    this.store.subscribe(() => this.changed(this.store.get()))
    if (options.isConnecting ?? true) this.sdk.connect()
  }

  get state(): Readable<ConnectionState> {
    return this.store
  }

  on<K extends keyof ConnectionEvents>(event: K, listener: (event: ConnectionEvents[K]) => void): () => void {
    return this.events.on(event, listener)
  }

  channel(name: string, options?: ChannelOptions): AnyChannel {
    const { channel, shared } = this.channels.get(name) ?? this.openChannel(name)
    if (options !== undefined) shared.options = subscriptionOptions(options)
    return channel
  }

  rpc(method: string, data?: unknown): Call<unknown, unknown> {
    const { sdk } = this
    const caller = {
      on: sdk.on.bind(sdk),
      off: sdk.off.bind(sdk),
      rpc: (...given: Parameters<Centrifuge['rpc']>) => this.ask(() => sdk.rpc(...given)),
    }
    return call(caller as Centrifuge, method, data)
  }

  send(event: string, data?: unknown): Promise<void> {
    return this.ask(() => this.sdk.send(data === undefined ? { event } : { event, data }))
  }

  connect(): void {
    if (this.store.get().kind === 'closed')
      throw new InvalidError('client-closed', 'This client was closed: make another one.')
    this.sdk.connect()
  }

  disconnect(): void {
    this.sdk.disconnect()
  }

  ready(): Promise<void> {
    return this.sdk.ready().catch(rethrow)
  }

  flushed(): Promise<void> {
    return this.queue.whenEmpty()
  }

  /** K2. */
  close(): void {
    if (this.store.get().kind === 'closed') return
    this.queue.end()
    for (const reader of this.readers) reader.close()
    for (const { shared } of this.channels.values()) shared.close()
    this.sdk.disconnect()
    this.sdk.removeAllListeners()
    this.store.set({ kind: 'closed' })
  }

  [Symbol.dispose](): void {
    this.close()
  }

  private changed(state: ConnectionState): void {
    if (state.kind === 'connected') this.queue.open()
    else if (state.kind === 'connecting') this.queue.pause()
    else if (state.kind === 'disconnected') this.queue.abandon()
    this.events.emit(state.kind, state)
  }

  /** The data as they are now: what is sent again later must be the same. */
  private async publish(
    channel: string,
    data: unknown,
    { idempotencyKey }: PublishOptions,
  ): Promise<Published> {
    return this.queue.push({ channel, data: copyOf(data), key: idempotencyKey ?? randomId() })
  }

  private openChannel(name: string): { channel: AnyChannel; shared: SharedChannel } {
    const { sdk, ask, clock, readers } = this
    const shared = new SharedChannel(sdk, name, subscriptionOptions({}))
    shared.state.subscribe(() => this.queue.nudge(name))
    const publish = (data: unknown, options: PublishOptions): Promise<Published> =>
      this.publish(name, data, options)
    const channel = new OneChannel<unknown, unknown, unknown, unknown>(name, {
      sdk,
      ask,
      clock,
      shared,
      readers,
      publish,
    })
    const opened = { channel, shared }
    this.channels.set(name, opened)
    return opened
  }
}

/** What may not be had is silently off, so all of it is asked for. */
const subscriptionOptions = ({
  joinLeave = true,
  ...options
}: ChannelOptions): Partial<SubscriptionOptions> => ({
  recoverable: true,
  positioned: true,
  joinLeave,
  ...options,
})

function sdkOf({ url, token, getToken, transports, data, name, sdk }: ClientOptions): Centrifuge {
  const { endpoint, emulationEndpoint } = endpointsOf(url, transports)
  return new Centrifuge(endpoint, {
    name: 'natter',
    emulationEndpoint,
    ...(token === undefined ? {} : { token }),
    ...(getToken === undefined ? {} : { getToken: () => getToken() }),
    ...(data === undefined ? {} : { data }),
    ...(name === undefined ? {} : { name }),
    ...sdk,
  })
}

/** @throws InvalidError `not-json` */
function copyOf(data: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(data)) as unknown
  } catch (cause) {
    throw new InvalidError('not-json', 'What is published has to be a JSON value.', { cause })
  }
}

function rethrow(error: unknown): never {
  throw clientError(error)
}
