import type { Namespace } from '@natter/auth'
import { publicationMessageId, type AppendEnd, type Appended, type Broker } from '@natter/broker'
import { NatterError, UnavailableError, UnknownOutcomeError, type TypedEvents } from '@natter/primitives'
import type { Bytes } from '@natter/protocol'
import type { GatewayEvents } from '../gateway.events.js'
import { readPointer } from './json-pointer.js'

/** Whether the streams have room: `Fullness`. */
export interface Room {
  isRefusing(stream: string): boolean
  /** The stream itself refused for want of room. */
  refused(stream: string): void
}

/** Who hears how appends end: `Stalls`. */
export interface AppendWitness {
  stored(stream: string): void
  unknown(stream: string): void
}

/** Who publishes. */
export interface Sender {
  readonly user: string
  /** What its publications carry of it, as `encodeMeta` writes it. */
  readonly meta: string
  /** Its publications are stored once under this id (`Log.append`), whatever the namespace finds in their data. */
  readonly messageId?: string
  /** Only if this is the newest of the channel (`Log.append`). */
  readonly after?: number
  /** It isn't kept, also where the namespace keeps: its meta says so too. */
  readonly isPassing?: boolean
}

/** Hears how a publication ended: one of the two, once. Neither may throw. */
export interface PublicationEnd {
  /** Before `published`, where it is kept; `seq` is of the epoch that the route has then. */
  storedAt?(seq: number): void
  published(): void
  failed(error: unknown): void
}

/**
 * Brings a publication into the mesh.
 *
 * U1. In a durable namespace `published` is called after the stream stored it, never before (G1); what is only passing is stored nowhere.
 * U2. Publications of one connection into one channel are stored in the order of the calls: nothing is awaited before the
 *     message is handed to the log.
 * U3. A failure says what is known: UnavailableError = certainly not stored, UnknownOutcomeError = perhaps.
 * U4. Into a stream without room nothing is sent, not even a repeat of what is already stored: its sender tries again.
 *
 * Callbacks, and one object per publication: a chain of promises from the socket to the log and back cost as much as NATS itself.
 */
export class Publisher {
  constructor(
    private readonly broker: Broker,
    private readonly events: TypedEvents<GatewayEvents>,
    private readonly room: Room,
    private readonly witness: AppendWitness,
  ) {}

  /** What is refused at once is told to `end` before this returns. */
  publish(channel: string, namespace: Namespace, data: Bytes, sender: Sender, end: PublicationEnd): void {
    const { broker } = this
    const { meta } = sender
    const route = broker.route(namespace.name, channel)
    if (!namespace.isDurable || sender.isPassing === true)
      return this.send(namespace, route.liveSubject, data, meta, end)
    const { stream } = route
    if (this.room.isRefusing(stream)) return end.failed(this.refuse(namespace, noRoom(stream))) // U4
    const messageId = sender.messageId ?? messageIdOf(namespace, channel, data, sender.user)
    const options = messageId === undefined ? { meta } : { meta, messageId }
    if (sender.after !== undefined) Object.assign(options, { after: sender.after })
    broker.log.appendTo(route, data, options, new PendingPublication(this, namespace, stream, end))
  }

  /** Of the stream that keeps the channel, now. */
  epochOf(namespace: Namespace, channel: string): string {
    return this.broker.route(namespace.name, channel).epoch
  }

  /** Of an append. */
  stored(namespace: Namespace, stream: string, isDuplicate: boolean): void {
    if (!isDuplicate) this.witness.stored(stream)
    this.count(namespace, isDuplicate ? 'duplicate' : 'stored')
  }

  /** Of an append; answers the error. */
  failed(namespace: Namespace, stream: string, error: NatterError): unknown {
    if (error instanceof UnavailableError && error.code === 'stream-full') this.room.refused(stream)
    if (error.code === 'other-newest') return error // who wanted it so tries again: nothing was refused
    if (!(error instanceof UnknownOutcomeError)) return this.refuse(namespace, error)
    this.witness.unknown(stream)
    this.count(namespace, 'unknown')
    return error
  }

  private send(
    namespace: Namespace,
    liveSubject: string,
    data: Bytes,
    meta: string,
    end: PublicationEnd,
  ): void {
    try {
      this.broker.bus.publish(liveSubject, data, meta)
    } catch (error) {
      return end.failed(error instanceof UnavailableError ? this.refuse(namespace, error) : error)
    }
    this.count(namespace, 'sent')
    end.published()
  }

  /** Counts and answers the error. */
  private refuse(namespace: Namespace, error: unknown): unknown {
    this.count(namespace, 'refused')
    this.events.emit('publication:refused', {
      reason: error instanceof NatterError ? error.code : 'internal',
    })
    return error
  }

  private count(namespace: Namespace, outcome: GatewayEvents['publication:outcome']['outcome']): void {
    this.events.emit('publication:outcome', { namespace: namespace.name, outcome })
  }
}

/** On its way to the stream. */
class PendingPublication implements AppendEnd {
  constructor(
    private readonly publisher: Publisher,
    private readonly namespace: Namespace,
    private readonly stream: string,
    private readonly end: PublicationEnd,
  ) {}

  stored(appended: Appended): void {
    this.publisher.stored(this.namespace, this.stream, appended.isDuplicate)
    this.end.storedAt?.(appended.seq)
    this.end.published() // U1
  }

  failed(error: NatterError): void {
    this.end.failed(this.publisher.failed(this.namespace, this.stream, error))
  }
}

function noRoom(stream: string): UnavailableError {
  return new UnavailableError(
    'stream-full',
    `${stream} is nearly full: try again when persistence has made room`,
  )
}

/** `message_id`: whoever repeats the same id, as the same user in the same channel, is stored once. Absent in the data = none. */
function messageIdOf(namespace: Namespace, channel: string, data: Bytes, user: string): string | undefined {
  if (namespace.messageIdPath === undefined) return undefined
  const value = readPointer(data, namespace.messageIdPath)
  if (value === undefined) return undefined
  return publicationMessageId({ user, channel, value })
}
