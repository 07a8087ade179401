import { UnavailableError } from '@natter/primitives'
import type {
  Appended,
  AppendEnd,
  AppendOptions,
  Log,
  ReadRange,
  Route,
  StoredMessage,
  StreamMessage,
  StreamState,
  Tops,
} from '../broker.js'
import { Coalesced } from '../coalesced.js'
import { parseTimeNs, scanHeader } from '../header-scan.js'
import { readBackwards } from '../read-backwards.js'
import type { Appender } from './appender.js'
import { directGet, type DirectMessage, type DirectQuery, type DirectReply } from './direct-get.js'
import { refusalToError, type JetStreamApi, type LeaderMessage, type StreamInfo } from './jetstream-api.js'
import type { Requests } from './requests.js'
import type { PageRange, StreamPages } from './stream-pages.js'
import type { StreamPage } from './stream-reader.js'

const TOPS_BATCH = 500
const TOPS_MAX_BYTES = 8 * 1_048_576
const SENTINEL_TRIES = 3

export interface LogParts {
  appender: Appender
  requests: Requests
  api: JetStreamApi
  pages: StreamPages
  /** The stream of a stored subject, if it belongs to a shard. */
  streamOf(subject: string): string | undefined
  sentinelOf(stream: string): string
}

/** JetStream streams as our {@link Log}. */
export class NatsLog implements Log {
  private readonly states = new Map<string, Coalesced<StreamState>>()

  constructor(private readonly parts: LogParts) {}

  append(subject: string, body: Uint8Array, options?: AppendOptions): Promise<Appended> {
    return this.parts.appender.append(this.parts.streamOf(subject), subject, body, options)
  }

  appendTo(
    { stream, subject }: Pick<Route, 'stream' | 'subject'>,
    body: Uint8Array,
    options: AppendOptions,
    end: AppendEnd,
  ): void {
    this.parts.appender.send(stream, subject, body, options, end)
  }

  async tops(stream: string, subjects: readonly string[]): Promise<Tops> {
    const tops: Tops = { upTo: 0, newest: new Map() }
    for (let at = 0; at === 0 || at < subjects.length; at += TOPS_BATCH) {
      await this.topsOfBatch(stream, subjects.slice(at, at + TOPS_BATCH), tops)
    }
    return tops
  }

  async read(
    stream: string,
    subject: string,
    range: ReadRange,
  ): Promise<{ messages: StoredMessage[]; isComplete: boolean }> {
    if (range.from > range.to) return { messages: [], isComplete: true }
    if (range.leader === true) return this.readFromLeader(stream, subject, range)
    // one more than wanted tells whether there are more
    const query = {
      seq: Math.max(1, range.from),
      next_by_subj: subject,
      batch: range.limit + 1,
      max_bytes: range.maxBytes,
    }
    const reply = await directGet(this.parts.requests, stream, query)
    if (reply === undefined) return { messages: [], isComplete: true }
    const messages = reply.messages.map(toStored)
    const wanted = messages.filter((message) => message.seq <= range.to).slice(0, range.limit)
    const isPast = wanted.length < messages.length && wanted.length < range.limit
    const isAtEnd = messages.length <= range.limit && (isPast || reply.pending === 0)
    const beyond = messages[wanted.length]
    const isComplete =
      isAtEnd || (beyond !== undefined && beyond.seq > range.to) || wanted.at(-1)?.seq === range.to
    return { messages: wanted, isComplete }
  }

  async readBackwards(
    stream: string,
    subject: string,
    to: number,
    limit: number,
    maxBytes: number,
  ): Promise<StoredMessage[]> {
    const source = { stream, subject, firstSeq: await this.firstSeq(stream) }
    const limits = { count: limit, bytes: maxBytes }
    return readBackwards((...args) => this.read(...args), source, to, limits)
  }

  /** From the leader: a replica that lags would prove too much. */
  async firstSeq(stream: string): Promise<number> {
    return (await this.state(stream)).firstSeq
  }

  readStream(stream: string, range: PageRange): Promise<StreamPage> {
    return this.parts.pages.read(stream, range)
  }

  async messageAt(stream: string, seq: number): Promise<StreamMessage | undefined> {
    const found = await this.parts.api.leaderMessage(stream, { seq }).catch((error: unknown) => {
      throw refusalToError(error)
    })
    return found === undefined ? undefined : { ...fromLeader(found), subject: found.subject }
  }

  state(stream: string): Promise<StreamState> {
    let shared = this.states.get(stream)
    if (shared === undefined) {
      shared = new Coalesced(async () => {
        const info = await this.parts.api.streamInfo(stream).catch((error: unknown) => {
          throw refusalToError(error)
        })
        return stateOf(info)
      })
      this.states.set(stream, shared)
    }
    return shared.call()
  }

  async purge(stream: string, before: number): Promise<number> {
    return this.parts.api.purgeStream(stream, before).catch((error: unknown) => {
      throw refusalToError(error)
    })
  }

  /** One batch, page by page, all of them as of the same sequence of the stream. */
  private async topsOfBatch(stream: string, subjects: readonly string[], tops: Tops): Promise<void> {
    const asked = new Set(subjects)
    const wanted = [...subjects, this.parts.sentinelOf(stream)]
    let from = 1
    for (;;) {
      const reply = await this.lastOf(stream, wanted, from, tops.upTo)
      tops.upTo = reply.upTo
      for (const { scan } of reply.messages) {
        const { subject, seq, timeNs } = scan
        if (subject === undefined || timeNs === undefined || !asked.has(subject)) continue
        tops.newest.set(subject, { seq, timeNs })
      }
      const last = reply.messages.at(-1)
      if (reply.pending === 0 || last === undefined) return
      from = last.scan.seq + 1
    }
  }

  private async lastOf(
    stream: string,
    subjects: readonly string[],
    from: number,
    upTo: number,
  ): Promise<DirectReply> {
    const query: DirectQuery = {
      multi_last: subjects,
      batch: subjects.length + 1,
      max_bytes: TOPS_MAX_BYTES,
      ...(from > 1 ? { seq: from } : {}),
      ...(upTo > 0 ? { up_to_seq: upTo } : {}),
    }
    for (let attempt = 0; attempt < SENTINEL_TRIES; attempt += 1) {
      const reply = await directGet(this.parts.requests, stream, query, false)
      if (reply !== undefined) return reply
      if (upTo > 0) return { messages: [], pending: 0, upTo } // the end is known, and nothing of these is before it
      // nothing matched, so the sentinel is gone. What was stored since the question isn't covered by what follows: ask again
      const standIn = await this.newSentinel(stream)
      if (standIn !== undefined) query.multi_last = [...subjects, standIn]
    }
    throw new UnavailableError('stream-unavailable', `${stream} forgets its sentinel at once`)
  }

  /**
   * Appends the sentinel anew. A stream that is full and refuses has no room for it, but it has messages: the subject of its last
   * one serves as well, because any subject with a message makes a replica tell how far it has considered. Answers that subject.
   */
  private async newSentinel(stream: string): Promise<string | undefined> {
    try {
      await this.parts.appender.append(stream, this.parts.sentinelOf(stream), new Uint8Array(0))
      return undefined
    } catch (error) {
      if (!(error instanceof UnavailableError) || error.code !== 'stream-full') throw error
      const last = await this.parts.api.leaderMessage(stream, { last_by_subj: '>' }).catch((why: unknown) => {
        throw refusalToError(why)
      })
      return last?.subject
    }
  }

  private async readFromLeader(
    stream: string,
    subject: string,
    range: ReadRange,
  ): Promise<{ messages: StoredMessage[]; isComplete: boolean }> {
    const messages: StoredMessage[] = []
    let from = Math.max(1, range.from)
    let room = range.maxBytes
    while (from <= range.to) {
      if (messages.length === range.limit || (room <= 0 && messages.length > 0))
        return { messages, isComplete: false }
      const query = { seq: from, next_by_subj: subject }
      const found = await this.parts.api.leaderMessage(stream, query).catch((error: unknown) => {
        throw refusalToError(error)
      })
      if (found === undefined || found.seq > range.to) break
      const message = fromLeader(found)
      messages.push(message)
      room -= message.body.length
      from = message.seq + 1
    }
    return { messages, isComplete: true }
  }
}

function toStored({ scan, body }: DirectMessage): StoredMessage {
  return { seq: scan.seq, timeNs: scan.timeNs ?? 0n, body, meta: scan.meta }
}

function stateOf({ created, config, state }: StreamInfo): StreamState {
  return {
    created,
    firstSeq: state.first_seq,
    lastSeq: state.last_seq,
    messages: state.messages,
    bytes: state.bytes,
    maxBytes: Math.max(0, config.max_bytes ?? 0),
    onFull: config.discard === 'new' ? 'refuse' : 'forget',
  }
}

function fromLeader(found: LeaderMessage): StoredMessage {
  const meta = found.hdrs === undefined ? undefined : scanHeader(Buffer.from(found.hdrs, 'base64')).meta
  const body = Buffer.from(found.data ?? '', 'base64')
  return { seq: found.seq, timeNs: parseTimeNs(found.time) ?? 0n, body, meta }
}
