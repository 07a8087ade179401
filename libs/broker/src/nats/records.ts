/**
 * Records as the newest messages of the subjects of one stream.
 *
 * RC1. The stream is made by the first node that reads or writes, and looked for again after each reconnect. A guest makes none.
 * RC2. Nothing is dropped for want of room: a full stream refuses. What was put before a node asks for its mark has a lower sequence than
 *      the mark, and the mark went the way of all records, through the quorum: who has heard the stream up to it has heard them all, and
 *      neither a replica that lags nor a leader that was replaced without knowing can hide one.
 * RC3. The mark is one message for all nodes, written over: it needs no room in a full stream, and the newest of it is always there to be heard.
 */
import {
  UnavailableError,
  UnknownOutcomeError,
  type Clock,
  type NatterError,
  type TypedEvents,
} from '@natter/primitives'
import type { BrokerEvents, Records, RecordsListener, StoredRecord } from '../broker.js'
import {
  demandKey,
  markKey,
  maxRecordBytes,
  maxRecords,
  recordsFull,
  recordTooLarge,
  secondsToKeep,
} from '../records.js'
import type { NatsLink } from './connection.js'
import {
  ApiRefusal,
  MESSAGE_TOO_LARGE,
  refusalToError,
  STREAM_FULL,
  WRONG_LAST_SEQUENCE,
  type JetStreamApi,
} from './jetstream-api.js'
import { ensureStream, MAX_CONSUMERS, requireStream } from './provisioning.js'
import { rawHeaders, scanOf } from './raw-message.js'
import { RecordsFollower } from './records-follower.js'
import type { Requests } from './requests.js'

export interface NatsRecordsParts {
  link: NatsLink
  requests: Requests
  api: JetStreamApi
  clock: Clock
  events: TypedEvents<BrokerEvents>
  bucket: string
  replicas: number
  mayCreate: boolean
  /** Default: as many as revocations may be. */
  maxRecords?: number
}

const noBytes = new Uint8Array(0)

export class NatsRecords implements Records {
  private readonly stream: string
  private readonly prefix: string
  private readonly maxRecords: number
  private existing: Promise<unknown> | undefined

  constructor(private readonly parts: NatsRecordsParts) {
    this.stream = `KV_${parts.bucket}`
    this.prefix = `$KV.${parts.bucket}.`
    this.maxRecords = parts.maxRecords ?? maxRecords
    parts.link.onBack(() => (this.existing = undefined)) // RC1
  }

  async get(key: string): Promise<StoredRecord | undefined> {
    demandKey(key)
    try {
      await this.exists()
      const found = await this.parts.api.leaderMessage(this.stream, { last_by_subj: this.prefix + key })
      return found && { key, value: Buffer.from(found.data ?? '', 'base64'), revision: found.seq }
    } catch (error) {
      throw refusalToError(error)
    }
  }

  async put(
    key: string,
    value: Uint8Array,
    { expiresAtMs, after }: { expiresAtMs?: number; after?: number } = {},
  ): Promise<number | undefined> {
    demandKey(key)
    const seconds = secondsToKeep(expiresAtMs, this.parts.clock.now())
    const headers = [
      ...(seconds === undefined ? [] : [`Nats-TTL: ${seconds}s`]),
      ...(after === undefined ? [] : [`Nats-Expected-Last-Subject-Sequence: ${after}`]),
    ]
    try {
      return await this.write(key, value, headers)
    } catch (error) {
      if (error instanceof ApiRefusal && error.errCode === WRONG_LAST_SEQUENCE) return undefined
      throw refusalToError(error)
    }
  }

  follow(listener: RecordsListener): { stop(): void } {
    const { link, api, clock, events } = this.parts
    return new RecordsFollower({
      link,
      api,
      clock,
      stream: this.stream,
      prefix: this.prefix,
      mark: () => this.mark(),
      listener: guarded(listener, (error) =>
        events.emit('bus:callback:error', { subject: this.stream, error }),
      ),
    })
  }

  /** RC2, RC3. What was acknowledged before this was called has a lower sequence. */
  private async mark(): Promise<number> {
    try {
      return await this.write(markKey, noBytes, [])
    } catch (error) {
      throw refusalToError(error)
    }
  }

  private async write(key: string, value: Uint8Array, headers: readonly string[]): Promise<number> {
    await this.exists()
    this.parts.link.requireConnected()
    try {
      return await this.send(this.prefix + key, value, headers)
    } catch (error) {
      throw this.explain(error)
    }
  }

  private send(subject: string, value: Uint8Array, headers: readonly string[]): Promise<number> {
    const answer = (msg: Parameters<typeof scanOf>[0]): number => {
      if (msg.data.length === 0 && scanOf(msg)?.status === 503) throw gone(this.stream)
      const ack = msg.json<{ seq: number; error?: { err_code: number; description: string } }>()
      if (ack.error !== undefined) throw new ApiRefusal(ack.error.err_code, ack.error.description)
      return ack.seq
    }
    const block = headers.length === 0 ? undefined : rawHeaders(headers)
    return this.parts.requests.ask(subject, value, answer, block)
  }

  private explain(error: unknown): unknown {
    if (error instanceof ApiRefusal && error.errCode === STREAM_FULL)
      return recordsFull(error, this.maxRecords)
    if (error instanceof ApiRefusal && error.errCode === MESSAGE_TOO_LARGE) return recordTooLarge(error)
    if (!(error instanceof UnavailableError)) return error
    if (error.code === 'stream-unavailable') this.existing = undefined // RC1
    return error.code === 'nats-away' || error.code === 'nats-silent' ? perhaps(error) : error
  }

  private exists(): Promise<unknown> {
    const { api, mayCreate } = this.parts
    this.existing ??= (mayCreate ? ensureStream(api, this.config()) : requireStream(api, this.stream)).catch(
      (error: unknown) => {
        this.existing = undefined
        throw refusalToError(error)
      },
    )
    return this.existing
  }

  /**
   * As the key-value convention wants it, so that its tools can read it. Bounded by the number of messages and what one may weigh: NATS would
   * set `max_bytes` aside on its disk, a hundred times what a mesh needs.
   */
  private config(): { name: string } {
    return {
      name: this.stream,
      subjects: [`${this.prefix}>`],
      retention: 'limits',
      storage: 'file',
      discard: 'new',
      max_msgs_per_subject: 1,
      max_msgs: this.maxRecords + 1, // RC3
      max_msg_size: maxRecordBytes,
      max_consumers: MAX_CONSUMERS,
      num_replicas: this.parts.replicas,
      allow_msg_ttl: true,
      allow_direct: true,
      allow_rollup_hdrs: false,
      deny_delete: true,
    } as { name: string }
  }
}

/** The request went out, and nothing came. */
const perhaps = (cause: NatterError): UnknownOutcomeError =>
  new UnknownOutcomeError(
    'unknown-outcome',
    'No answer of NATS: perhaps stored. The same again is harmless',
    {
      cause,
    },
  )

const gone = (stream: string): UnavailableError =>
  new UnavailableError('stream-unavailable', `The stream ${stream} does not answer: not stored`)

/** What a listener throws must not end the reader of the connection. */
function guarded(listener: RecordsListener, onThrown: (error: unknown) => void): RecordsListener {
  const guard = (call: () => void): void => {
    try {
      call()
    } catch (error) {
      onThrown(error)
    }
  }
  return {
    begin: () => guard(() => listener.begin()),
    record: (record) => guard(() => listener.record(record)),
    caughtUp: () => guard(() => listener.caughtUp()),
    away: () => guard(() => listener.away()),
    trouble: (error) => guard(() => listener.trouble(error)),
  }
}
