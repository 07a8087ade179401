import type { Namespace } from '@natter/auth'
import { encodeMeta, publicationMessageId, type Broker, type Route } from '@natter/broker'
import { NatterError, UnavailableError, UnknownOutcomeError, type TypedEvents } from '@natter/primitives'
import type { Bytes, ClientInfo } from '@natter/protocol'
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

/**
 * Brings a publication into the mesh.
 *
 * U1. In a durable namespace `publish` resolves after the stream stored it, never before (G1).
 * U2. Publications of one connection into one channel are stored in the order of the calls: nothing is awaited before the
 *     message is handed to the log.
 * U3. A rejection says what is known: UnavailableError = certainly not stored, UnknownOutcomeError = perhaps.
 * U4. Into a stream without room nothing is sent, not even a repeat of what is already stored: its sender tries again.
 */
export class Publisher {
  constructor(
    private readonly broker: Broker,
    private readonly events: TypedEvents<GatewayEvents>,
    private readonly room: Room,
    private readonly witness: AppendWitness,
  ) {}

  async publish(channel: string, namespace: Namespace, data: Bytes, info: ClientInfo): Promise<void> {
    const meta = encodeMeta({ kind: 'json', info })
    const route = this.broker.route(namespace.name, channel)
    if (!namespace.isDurable) return this.send(namespace, route.liveSubject, data, meta)
    const messageId = messageIdOf(namespace, channel, data, info.user)
    await this.store(namespace, route, data, messageId === undefined ? { meta } : { meta, messageId })
  }

  private async store(
    namespace: Namespace,
    { stream, subject }: Route,
    data: Bytes,
    options: { meta: string; messageId?: string },
  ): Promise<void> {
    if (this.room.isRefusing(stream)) throw this.refuse(namespace, noRoom(stream)) // U4
    try {
      const { isDuplicate } = await this.broker.log.append(subject, data, options)
      if (!isDuplicate) this.witness.stored(stream)
      this.count(namespace, isDuplicate ? 'duplicate' : 'stored')
    } catch (error) {
      if (error instanceof UnavailableError && error.code === 'stream-full') this.room.refused(stream)
      if (!(error instanceof UnknownOutcomeError)) throw this.refuse(namespace, error)
      this.witness.unknown(stream)
      this.count(namespace, 'unknown')
      throw error
    }
  }

  private send(namespace: Namespace, liveSubject: string, data: Bytes, meta: string): void {
    try {
      this.broker.bus.publish(liveSubject, data, meta)
      this.count(namespace, 'sent')
    } catch (error) {
      throw error instanceof UnavailableError ? this.refuse(namespace, error) : error
    }
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
