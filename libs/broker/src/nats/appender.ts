import type { Msg } from '@nats-io/transport-node'
import {
  InvalidError,
  NatterError,
  UnavailableError,
  UnknownOutcomeError,
  type TypedEvents,
} from '@natter/primitives'
import { readAck, unknownOutcome } from '../append-outcome.js'
import type { Appended, AppendEnd, AppendOptions, BrokerEvents } from '../broker.js'
import { away, type NatsLink } from './connection.js'
import { rawHeaders, scanOf } from './raw-message.js'
import type { Requests, Waiting } from './requests.js'

/** Room for the header's own text in the size check. */
const HEADER_ROOM_BYTES = 256
/** Header blocks that are remembered, per stream: some hundred bytes each. */
const MAX_HEADERS = 4_096

/**
 * Publishes to streams, any number in flight, and tells each caller how it ended.
 *
 * A1. Appends leave in the order of the calls, over one connection: so they are stored in that order per subject.
 * A2. "Unavailable" is only said of what was certainly not stored; all else without an answer is "unknown".
 * A3. Each append names the stream it expects: a subject that moved meanwhile is refused, not stored elsewhere.
 * A4. At most `maxInFlight` wait for an answer: the driver has no backpressure of its own.
 * A5. Whoever waits hears of the end once, and can't hurt the reader of the connection by what it throws.
 */
export class Appender {
  /** By stream and metadata: a client's publications all carry the same, those of servers often none. */
  private readonly headers = new Map<string, Map<string, Uint8Array>>()

  constructor(
    private readonly link: NatsLink,
    private readonly requests: Requests,
    private readonly events: TypedEvents<BrokerEvents>,
    private readonly limits: { maxInFlight: number; maxMessageBytes: number },
  ) {}

  /** As {@link send}, for whoever can afford a promise. */
  append(
    stream: string | undefined,
    subject: string,
    body: Uint8Array,
    options: AppendOptions = {},
  ): Promise<Appended> {
    return new Promise<Appended>((resolve, reject) =>
      this.send(stream, subject, body, options, { stored: resolve, failed: reject }),
    )
  }

  /** `stream` is undefined for a subject that belongs to no shard. Never throws: `end` may be told before this returns. */
  send(
    stream: string | undefined,
    subject: string,
    body: Uint8Array,
    options: AppendOptions,
    end: AppendEnd,
  ): void {
    const pending = new PendingAppend(subject, end, this.events)
    try {
      this.requireRoom(body, options)
      this.requests.send(pending, subject, body, this.headerOf(stream, options))
    } catch (error) {
      pending.fail(asRefusal(error))
    }
  }

  private headerOf(stream: string | undefined, options: AppendOptions): Uint8Array {
    const { meta = '', messageId, after } = options
    if (stream === undefined || messageId !== undefined || after !== undefined)
      return rawHeaders(headerLines(stream, options))
    let ofStream = this.headers.get(stream)
    if (ofStream === undefined) this.headers.set(stream, (ofStream = new Map<string, Uint8Array>()))
    let header = ofStream.get(meta)
    if (header !== undefined) return header
    header = rawHeaders(headerLines(stream, options))
    if (ofStream.size >= MAX_HEADERS) ofStream.clear()
    ofStream.set(meta, header)
    return header
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

function headerLines(stream: string | undefined, { meta, messageId, after }: AppendOptions): string[] {
  const lines: string[] = []
  if (stream !== undefined) lines.push(`Nats-Expected-Stream: ${stream}`) // A3
  if (messageId !== undefined) lines.push(`Nats-Msg-Id: ${messageId}`)
  if (after !== undefined) lines.push(`Nats-Expected-Last-Subject-Sequence: ${after}`)
  if (meta !== undefined) lines.push(`Natter-Meta: ${meta}`)
  return lines
}

function asRefusal(error: unknown): NatterError {
  if (error instanceof NatterError) return error
  if (error instanceof TypeError) return new InvalidError('bad-header', error.message, { cause: error })
  return away(error)
}

class PendingAppend implements Waiting {
  deadlineMs = 0

  constructor(
    private readonly subject: string,
    private readonly end: AppendEnd,
    private readonly events: TypedEvents<BrokerEvents>,
  ) {}

  onReply(msg: Msg): boolean {
    const { data } = msg
    const answer =
      data.length === 0 && scanOf(msg)?.status === 503
        ? new UnavailableError('stream-unavailable', 'No stream takes this subject now')
        : readAnswer(data)
    if (answer instanceof NatterError) this.fail(answer)
    else this.succeed(answer)
    return true
  }

  onLost(reason: 'timeout' | 'away'): void {
    this.fail(unknownOutcome(reason)) // A2
  }

  fail(error: NatterError): void {
    const outcome = error instanceof UnknownOutcomeError ? 'unknown' : 'refused'
    this.events.emit('broker:append:outcome', { outcome, code: error.code })
    try {
      this.end.failed(error)
    } catch (thrown) {
      this.report(thrown)
    }
  }

  private succeed(appended: Appended): void {
    const outcome = appended.isDuplicate ? 'duplicate' : 'stored'
    this.events.emit('broker:append:outcome', { outcome, code: '' })
    try {
      this.end.stored(appended)
    } catch (thrown) {
      this.report(thrown)
    }
  }

  /** A5. */
  private report(error: unknown): void {
    this.events.emit('bus:callback:error', { subject: this.subject, error })
  }
}

function readAnswer(data: Uint8Array): Appended | NatterError {
  try {
    return readAck(data)
  } catch (error) {
    // an answer that can't be read says nothing about what happened
    return error instanceof NatterError ? error : unknownOutcome('timeout')
  }
}
