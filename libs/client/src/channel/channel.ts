import type { Clock } from '@natter/primitives'
import type { Centrifuge } from 'centrifuge'
import type { Ask } from '../connection/ask.js'
import type { Published } from '../queue/publish-queue.js'
import type { Readable } from '../store.js'
import { readHistory, type HistoryQuery, type StreamPosition } from './history.js'
import { MembersWatch, type Members } from './members.js'
import { memberOf, type Gap, type Member, type Publication } from './publication.js'
import { ChannelReader, type ReadOptions, type Reader } from './reader.js'
import type { ChannelState, Holder } from './shared-channel.js'
import type { RefusedError } from '../errors/client-errors.js'

/** What a page or program wants to hear of a channel. What one of these throws is its own affair. */
export interface ChannelListener<Data, Info> {
  onPublication?(publication: Publication<Data, Info>): void
  /** Something is missing from here on. */
  onGap?(gap: Gap): void
  onJoin?(member: Member<Info>): void
  onLeave?(member: Member<Info>): void
  /** The server ended or refused the subscription. */
  onEnd?(error: RefusedError): void
}

export interface PublishOptions {
  /**
   * Names this publication among the user's in this channel: the server stores it once, however often it is sent, within two minutes. Default:
   * a random one, so that the client may repeat it by itself. At most 128 characters.
   */
  idempotencyKey?: string
}

/** A channel, as one client sees it. Nothing is asked of the server until one of its methods is called. */
export interface ClientChannel<Data = unknown, Sent = Data, Info = unknown, Welcome = unknown> {
  readonly name: string
  /** Of the subscription that all in this client share. */
  readonly state: Readable<ChannelState<Welcome>>
  /** Subscribes; read the publications from now on with `for await`. */
  subscribe(options?: ReadOptions): Reader<Data, Info>
  /** Subscribes, and tells what happens. The result ends it. */
  listen(listener: ChannelListener<Data, Info>): () => void
  /**
   * Resolves when it is stored (where the channel is kept); waits through reconnects, in the order of the calls.
   * @throws (rejects) RefusedError; UnavailableError `queue-full`, `client-closed`, `connection-ended`; UnknownOutcomeError.
   */
  publish(data: Sent, options?: PublishOptions): Promise<Published>
  /** Once, now or not at all: for what is worth nothing later. @throws (rejects) as rpc does. */
  publishNow(data: Sent): Promise<void>
  /** What is kept, page by page as it is read. @throws RefusedError; 112 = the stream was replaced meanwhile. */
  history(query?: HistoryQuery): AsyncIterable<Publication<Data, Info>>
  /** Where the channel's newest publication is. */
  position(): Promise<StreamPosition>
  presence(): Promise<readonly Member<Info>[]>
  presenceStats(): Promise<{ clients: number; users: number }>
  /** Who is here, as a value that changes. Subscribes as long as somebody listens. */
  readonly members: Readable<Members<Info>>
}

/** What a channel needs of its client. */
export interface ChannelParts {
  sdk: Centrifuge
  ask: Ask
  clock: Clock
  shared: { readonly state: Readable<ChannelState>; hold(holder: Holder): () => void }
  publish(data: unknown, options: PublishOptions): Promise<Published>
  readers: Set<{ close(): void }>
}

export class OneChannel<Data, Sent, Info, Welcome> implements ClientChannel<Data, Sent, Info, Welcome> {
  readonly members: Readable<Members<Info>>

  constructor(
    readonly name: string,
    private readonly parts: ChannelParts,
  ) {
    const { shared: source, clock } = parts
    this.members = new MembersWatch<Info>({ source, clock, ask: () => this.presence() })
  }

  get state(): Readable<ChannelState<Welcome>> {
    return this.parts.shared.state as Readable<ChannelState<Welcome>>
  }

  subscribe(options: ReadOptions = {}): Reader<Data, Info> {
    const { readers, shared } = this.parts
    const reader = new ChannelReader<Data, Info>(shared, options, (closed) => readers.delete(closed))
    readers.add(reader)
    return reader
  }

  listen(listener: ChannelListener<Data, Info>): () => void {
    return this.parts.shared.hold(bound(listener))
  }

  publish(data: Sent, options: PublishOptions = {}): Promise<Published> {
    return this.parts.publish(data, options)
  }

  async publishNow(data: Sent): Promise<void> {
    await this.parts.ask(() => this.parts.sdk.publish(this.name, data))
  }

  history(query?: HistoryQuery): AsyncIterable<Publication<Data, Info>> {
    const { ask, sdk } = this.parts
    return readHistory((options) => ask(() => sdk.history(this.name, options)), this.name, query)
  }

  async position(): Promise<StreamPosition> {
    const { offset, epoch } = await this.parts.ask(() => this.parts.sdk.history(this.name, { limit: 0 }))
    return { offset, epoch }
  }

  async presence(): Promise<readonly Member<Info>[]> {
    const { clients } = await this.parts.ask(() => this.parts.sdk.presence(this.name))
    return Object.values(clients).map((info) => memberOf<Info>(info))
  }

  async presenceStats(): Promise<{ clients: number; users: number }> {
    const { numClients: clients, numUsers: users } = await this.parts.ask(() =>
      this.parts.sdk.presenceStats(this.name),
    )
    return { clients, users }
  }
}

/** A copy of its own for each `listen`, so that one listener may be given twice. */
function bound<Data, Info>(listener: ChannelListener<Data, Info>): ChannelListener<Data, Info> {
  return {
    onPublication: (publication) => listener.onPublication?.(publication),
    onGap: (gap) => listener.onGap?.(gap),
    onJoin: (member) => listener.onJoin?.(member),
    onLeave: (member) => listener.onLeave?.(member),
    onEnd: (error) => listener.onEnd?.(error),
  }
}
