import { InternalError, InvalidError, UnavailableError } from '@natter/primitives'
import type { Requests } from './requests.js'
import { scanOf } from './raw-message.js'

/** A refusal of the JetStream API. Stays inside this folder: callers turn it into one of ours. */
export class ApiRefusal extends Error {
  constructor(
    readonly errCode: number,
    description: string,
  ) {
    super(description)
  }
}

export const STREAM_NOT_FOUND = 10059
export const STREAM_NAME_IN_USE = 10058
export const SUBJECTS_OVERLAP = 10065
export const WRONG_LAST_SEQUENCE = 10071
export const NO_MESSAGE_FOUND = 10037
export const MESSAGE_TOO_LARGE = 10054
export const STREAM_FULL = 10077
const CONSUMER_IDLE_NS = 30_000_000_000
/** The account, the cluster or the server may take no more of its disk. */
const NO_ROOM: ReadonlySet<number> = new Set([10_002, 10_023, 10_047])

export interface StreamInfo {
  created: string
  config: {
    name: string
    subjects?: string[]
    discard?: 'old' | 'new'
    max_bytes?: number
    max_age?: number
    duplicate_window?: number
  }
  state: { first_seq: number; last_seq: number; messages: number; bytes: number }
}

export interface LeaderMessage {
  subject: string
  seq: number
  /** RFC 3339, base64 the other two. */
  time: string
  data?: string
  hdrs?: string
}

interface ApiReply {
  error?: { err_code: number; description: string }
}

/** The few calls of the JetStream API that we make, as JSON requests of our own. */
export class JetStreamApi {
  constructor(private readonly requests: Requests) {}

  streamInfo(stream: string): Promise<StreamInfo> {
    return this.call<StreamInfo>(`STREAM.INFO.${stream}`, {})
  }

  createStream(config: { name: string }): Promise<StreamInfo> {
    return this.call<StreamInfo>(`STREAM.CREATE.${config.name}`, config)
  }

  /** Replaces the whole configuration: there is no compare-and-set. */
  updateStream(config: StreamInfo['config']): Promise<StreamInfo> {
    return this.call<StreamInfo>(`STREAM.UPDATE.${config.name}`, config)
  }

  /** Removes what lies below `before`. Answers how many messages that were. */
  async purgeStream(stream: string, before: number): Promise<number> {
    return (await this.call<{ purged: number }>(`STREAM.PURGE.${stream}`, { seq: before })).purged
  }

  /** Removes what one subject has below `before`, or all of it. */
  async purgeSubject(stream: string, subject: string, before: number | undefined): Promise<void> {
    await this.call(`STREAM.PURGE.${stream}`, {
      filter: subject,
      ...(before === undefined ? {} : { seq: before }),
    })
  }

  /** Those that have messages. NATS tells them in pages of 100,000. */
  async subjectsOf(stream: string, filter: string): Promise<string[]> {
    type Info = StreamInfo & { total?: number; state: { subjects?: Record<string, number> } }
    const found: string[] = []
    for (;;) {
      const query = { subjects_filter: filter, offset: found.length }
      const { state, total = 0 } = await this.call<Info>(`STREAM.INFO.${stream}`, query)
      const page = Object.keys(state.subjects ?? {})
      found.push(...page)
      if (page.length === 0 || found.length >= total) return found
    }
  }

  /** From the leader: never stale. Undefined = there is none. */
  async leaderMessage(
    stream: string,
    query: { last_by_subj: string } | { seq: number; next_by_subj?: string },
  ): Promise<LeaderMessage | undefined> {
    try {
      return (await this.call<{ message: LeaderMessage }>(`STREAM.MSG.GET.${stream}`, query)).message
    } catch (error) {
      if (error instanceof ApiRefusal && error.errCode === NO_MESSAGE_FOUND) return undefined
      throw error
    }
  }

  /**
   * One that carries the stream from `from` on, in its order and without acknowledgements. The server forgets it with its own end,
   * and when nobody asked it for half a minute. Answers its name.
   */
  async createConsumer(stream: string, from: number): Promise<string> {
    const config = {
      deliver_policy: 'by_start_sequence',
      opt_start_seq: Math.max(1, from),
      ack_policy: 'none',
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: CONSUMER_IDLE_NS,
    }
    return (await this.call<{ name: string }>(`CONSUMER.CREATE.${stream}`, { stream_name: stream, config }))
      .name
  }

  /** @throws ApiRefusal, UnavailableError. */
  private call<T>(call: string, body: unknown): Promise<T> {
    return this.requests.ask(`$JS.API.${call}`, Buffer.from(JSON.stringify(body), 'utf8'), (msg) => {
      if (msg.data.length === 0 && scanOf(msg)?.status === 503) {
        throw new UnavailableError(
          'stream-unavailable',
          'JetStream does not answer: is it enabled, has it a leader?',
        )
      }
      const reply = msg.json<ApiReply & T>()
      if (reply.error !== undefined) throw new ApiRefusal(reply.error.err_code, reply.error.description)
      return reply
    })
  }
}

/** What a refusal means to a caller outside this folder. */
export function refusalToError(error: unknown): unknown {
  if (!(error instanceof ApiRefusal)) return error
  if (error.errCode === SUBJECTS_OVERLAP || error.errCode === STREAM_NAME_IN_USE) {
    const sentence = `NATS holds streams that contradict the topology: ${error.message}. Use another prefix or remove them`
    return new InvalidError('stream-conflict', sentence, { cause: error })
  }
  if (NO_ROOM.has(error.errCode)) {
    const sentence =
      `NATS has no room for a stream of nats.stream_max_bytes: ${error.message} (${error.errCode}). ` +
      'Free space on its disk, or set nats.stream_max_bytes lower: NATS takes at most three quarters of what is free'
    return new InvalidError('no-room-for-streams', sentence, { cause: error })
  }
  const isTransient = error.errCode === STREAM_NOT_FOUND || error.errCode < 10_000 || error.errCode === 10_008
  const text = `JetStream refused (${error.errCode}): ${error.message}`
  return isTransient
    ? new UnavailableError('stream-unavailable', text, { cause: error })
    : new InternalError('jetstream-refused', text, { cause: error })
}
