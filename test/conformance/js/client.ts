/**
 * The official SDK, with what it told kept in journals.
 *
 * C1. The SDK is used as its users use it: only its documented options, methods and events.
 * C2. Payloads are JSON values in the laws: with Protobuf, where the SDK takes and gives bytes, their text goes as UTF-8.
 */
import type {
  Centrifuge,
  ClientInfo,
  ConnectedContext,
  ConnectingContext,
  DisconnectedContext,
  ErrorContext,
  HistoryOptions,
  Options,
  PublicationContext,
  ServerSubscribedContext,
  StreamPosition,
  SubscribedContext,
  SubscribingContext,
  Subscription,
  SubscriptionErrorContext,
  SubscriptionOptions,
  UnsubscribedContext,
} from 'centrifuge'
import type { Encoding } from './combinations.js'
import { Journal } from './journal.js'

export type ClientOptions = Partial<Omit<Options, 'data'>> & { data?: unknown }
export type WatchOptions = Omit<SubscriptionOptions, 'data'> & { data?: unknown }

/** A publication whose data was unpacked (C2). */
export interface Came {
  channel: string
  data: unknown
  offset?: number
  tags?: Record<string, string>
  info?: ClientInfo
}

export interface HistoryPage extends StreamPosition {
  publications: readonly Came[]
}

/** C2 */
export class Packing {
  constructor(private readonly encoding: Encoding) {}

  pack(value: unknown): unknown {
    return this.encoding === 'json' ? value : new TextEncoder().encode(JSON.stringify(value))
  }

  unpack(data: unknown): unknown {
    if (this.encoding === 'json') return data
    if (isEmpty(data)) return undefined
    return JSON.parse(new TextDecoder().decode(data as Uint8Array)) as unknown
  }

  info(info: ClientInfo): ClientInfo {
    const { user, client, connInfo, chanInfo } = info
    return {
      user,
      client,
      ...(isEmpty(connInfo) ? {} : { connInfo: this.unpack(connInfo) }),
      ...(isEmpty(chanInfo) ? {} : { chanInfo: this.unpack(chanInfo) }),
    }
  }

  came({ channel, data, offset, tags, info }: PublicationContext): Came {
    return {
      channel,
      data: this.unpack(data),
      ...(offset === undefined ? {} : { offset }),
      ...(tags === undefined ? {} : { tags }),
      ...(info === undefined ? {} : { info: this.info(info) }),
    }
  }
}

/** What the SDK gives for no bytes: nothing in JSON, an empty array in Protobuf. */
const isEmpty = (data: unknown): boolean =>
  data === undefined || data === null || (data instanceof Uint8Array && data.length === 0)

export class Client {
  readonly connecting = new Journal<ConnectingContext>('connecting')
  readonly connected = new Journal<ConnectedContext>('connected')
  readonly disconnected = new Journal<DisconnectedContext>('disconnected')
  readonly errors = new Journal<ErrorContext>('an error')
  readonly messages = new Journal<unknown>('a message')
  /** Of server-side subscriptions. */
  readonly subscribed = new Journal<ServerSubscribedContext>('a server-side subscription')
  readonly unsubscribed = new Journal<string>('the end of a server-side subscription')
  readonly publications = new Journal<Came>('a server-side publication')
  private readonly packing: Packing

  constructor(
    readonly sdk: Centrifuge,
    encoding: Encoding,
  ) {
    this.packing = new Packing(encoding)
    sdk.on('connecting', (told) => this.connecting.add(told))
    sdk.on('connected', (told) => this.connected.add(told))
    sdk.on('disconnected', (told) => this.disconnected.add(told))
    sdk.on('error', (told) => this.errors.add(told))
    sdk.on('message', ({ data }) => this.messages.add(this.packing.unpack(data)))
    sdk.on('subscribed', (told) => this.subscribed.add(told))
    sdk.on('unsubscribed', ({ channel }) => this.unsubscribed.add(channel))
    sdk.on('publication', (told) => this.publications.add(this.packing.came(told)))
  }

  /** @throws Error the code and reason of a disconnect in its place. */
  async connect(): Promise<ConnectedContext> {
    const before = this.connected.entries.length
    const ends = this.disconnected.entries.length
    this.sdk.connect()
    return await this.connected.atOrElse(
      before,
      this.disconnected,
      ends,
      ({ code, reason }) => new Error(`disconnected: ${code} ${reason}`),
    )
  }

  /** Not subscribed yet. */
  watch(channel: string, options: WatchOptions = {}): Watched {
    const { data, ...rest } = options
    const packed = data === undefined ? {} : { data: this.packing.pack(data) as object }
    return new Watched(this.sdk.newSubscription(channel, { ...rest, ...packed }), this.packing)
  }

  /** Resolves when subscribed. */
  async subscribe(channel: string, options: WatchOptions = {}): Promise<Watched> {
    const watched = this.watch(channel, options)
    await watched.subscribe()
    return watched
  }

  async publish(channel: string, data: unknown): Promise<void> {
    await this.sdk.publish(channel, this.packing.pack(data))
  }

  async rpc(method: string, data: unknown): Promise<unknown> {
    return this.packing.unpack((await this.sdk.rpc(method, this.packing.pack(data))).data)
  }

  send(data: unknown): Promise<void> {
    return this.sdk.send(this.packing.pack(data))
  }

  async history(channel: string, options: HistoryOptions): Promise<HistoryPage> {
    const { publications, offset, epoch } = await this.sdk.history(channel, options)
    return { publications: publications.map((one) => this.packing.came(one)), offset, epoch }
  }

  async presence(channel: string): Promise<Record<string, ClientInfo>> {
    const { clients } = await this.sdk.presence(channel)
    return Object.fromEntries(Object.entries(clients).map(([id, info]) => [id, this.packing.info(info)]))
  }

  end(): void {
    this.sdk.disconnect()
    this.sdk.removeAllListeners()
  }
}

/** A client-side subscription and what came of it. */
export class Watched {
  readonly subscribing = new Journal<SubscribingContext>('subscribing')
  readonly subscribed = new Journal<SubscribedContext>('subscribed')
  readonly unsubscribed = new Journal<UnsubscribedContext>('unsubscribed')
  readonly errors = new Journal<SubscriptionErrorContext>('an error of the subscription')
  /** The data of the replies to subscribe. */
  readonly answers = new Journal<unknown>('an answer')
  readonly publications = new Journal<Came>('a publication')
  readonly joins = new Journal<ClientInfo>('a join')
  readonly leaves = new Journal<ClientInfo>('a leave')

  constructor(
    readonly sdk: Subscription,
    private readonly packing: Packing,
  ) {
    sdk.on('subscribing', (told) => this.subscribing.add(told))
    sdk.on('subscribed', (told) => {
      this.answers.add(packing.unpack(told.data))
      this.subscribed.add(told)
    })
    sdk.on('unsubscribed', (told) => this.unsubscribed.add(told))
    sdk.on('error', (told) => this.errors.add(told))
    sdk.on('publication', (told) => this.publications.add(packing.came(told)))
    sdk.on('join', ({ info }) => this.joins.add(packing.info(info)))
    sdk.on('leave', ({ info }) => this.leaves.add(packing.info(info)))
  }

  /** @throws Error the code and reason of an end in its place. */
  async subscribe(): Promise<SubscribedContext> {
    const before = this.subscribed.entries.length
    const ends = this.unsubscribed.entries.length
    this.sdk.subscribe()
    return await this.subscribed.atOrElse(
      before,
      this.unsubscribed,
      ends,
      ({ code, reason }) => new Error(`unsubscribed: ${code} ${reason}`),
    )
  }

  async publish(data: unknown): Promise<void> {
    await this.sdk.publish(this.packing.pack(data))
  }

  /** The data of the first publications, once there are so many. */
  async data(count: number): Promise<unknown[]> {
    return (await this.publications.atLeast(count)).map(({ data }) => data)
  }
}
