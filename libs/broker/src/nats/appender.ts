import type { Msg, MsgHdrs } from '@nats-io/transport-node'
import {
  InvalidError,
  NatterError,
  UnavailableError,
  UnknownOutcomeError,
  type TypedEvents,
} from '@natter/primitives'
import { readAck, unknownOutcome } from '../append-outcome.js'
import type { Appended, BrokerEvents } from '../broker.js'
import { away, type NatsLink } from './connection.js'
import { rawHeaders, scanOf } from './raw-message.js'
import type { Requests, Waiting } from './requests.js'

export interface AppendOptions {
  meta?: string
  messageId?: string
}

/** Room for the header's own text in the size check. */
const HEADER_ROOM_BYTES = 256

/**
 * Publishes to streams, any number in flight, and tells each caller how it ended.
 *
 * A1. Appends leave in the order of the calls, over one connection: so they are stored in that order per subject.
 * A2. "Unavailable" is only said of what was certainly not stored; all else without an answer is "unknown".
 * A3. Each append names the stream it expects: a subject that moved meanwhile is refused, not stored elsewhere.
 * A4. At most `maxInFlight` wait for an answer: the driver has no backpressure of its own.
 */
export class Appender {
  /** By stream: most appends of servers carry nothing but the stream's name. */
  private readonly bareHeaders = new Map<string, MsgHdrs>()

  constructor(
    private readonly link: NatsLink,
    private readonly requests: Requests,
    private readonly events: TypedEvents<BrokerEvents>,
    private readonly limits: { maxInFlight: number; maxMessageBytes: number },
  ) {}

  /** `stream` is undefined for a subject that belongs to no shard. */
  append(
    stream: string | undefined,
    subject: string,
    body: Uint8Array,
    options: AppendOptions = {},
  ): Promise<Appended> {
    return new Promise<Appended>((resolve, reject) => {
      try {
        this.requireRoom(body, options)
        const headers = this.headersOf(stream, options)
        this.requests.send(new PendingAppend(resolve, reject, this.events), subject, body, headers)
      } catch (error) {
        const refusal = asRefusal(error)
        this.events.emit('broker:append:outcome', { outcome: 'refused', code: refusal.code })
        reject(refusal)
      }
    })
  }

  private headersOf(stream: string | undefined, options: AppendOptions): MsgHdrs {
    const isBare = options.meta === undefined && options.messageId === undefined
    if (!isBare || stream === undefined) return rawHeaders(headerLines(stream, options))
    let headers = this.bareHeaders.get(stream)
    if (headers === undefined)
      this.bareHeaders.set(stream, (headers = rawHeaders(headerLines(stream, options))))
    return headers
  }

  private requireRoom(body: Uint8Array, { meta, messageId }: AppendOptions): void {
    if (this.requests.size >= this.limits.maxInFlight) {
      throw new UnavailableError(
        'too-many-in-flight',
        `${this.limits.maxInFlight} appends wait for their answer`,
      ) // A4
    }
    const sizeBytes = body.length + (meta?.length ?? 0) + (messageId?.length ?? 0) + HEADER_ROOM_BYTES
    if (sizeBytes > Math.min(this.limits.maxMessageBytes, this.link.maxPayloadBytes)) {
      throw new InvalidError('message-too-large', `${sizeBytes} bytes are more than the stream takes`)
    }
  }
}

function headerLines(stream: string | undefined, { meta, messageId }: AppendOptions): string[] {
  const lines: string[] = []
  if (stream !== undefined) lines.push(`Nats-Expected-Stream: ${stream}`) // A3
  if (messageId !== undefined) lines.push(`Nats-Msg-Id: ${messageId}`)
  if (meta !== undefined) lines.push(`Natter-Meta: ${meta}`)
  return lines
}

function asRefusal(error: unknown): NatterError {
  if (error instanceof NatterError) return error
  if (error instanceof TypeError) return new InvalidError('bad-header', error.message, { cause: error })
  return away(error)
}

class PendingAppend implements Waiting {
  constructor(
    private readonly resolve: (appended: Appended) => void,
    private readonly reject: (error: unknown) => void,
    private readonly events: TypedEvents<BrokerEvents>,
  ) {}

  onReply(msg: Msg): boolean {
    if (msg.data.length === 0 && scanOf(msg)?.status === 503) {
      this.fail(new UnavailableError('stream-unavailable', 'No stream takes this subject now'))
      return true
    }
    try {
      const appended = readAck(msg.data)
      this.events.emit('broker:append:outcome', {
        outcome: appended.isDuplicate ? 'duplicate' : 'stored',
        code: '',
      })
      this.resolve(appended)
    } catch (error) {
      this.fail(error)
    }
    return true
  }

  onLost(reason: 'timeout' | 'away'): void {
    this.fail(unknownOutcome(reason)) // A2
  }

  private fail(error: unknown): void {
    // an answer that can't be read says nothing about what happened
    const told = error instanceof NatterError ? error : unknownOutcome('timeout')
    const outcome = told instanceof UnknownOutcomeError ? 'unknown' : 'refused'
    this.events.emit('broker:append:outcome', { outcome, code: told.code })
    this.reject(told)
  }
}
