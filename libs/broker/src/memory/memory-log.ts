import { InvalidError, type NatterError } from '@natter/primitives'
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
import { readBackwards } from '../read-backwards.js'
import type { MemoryMesh } from './memory-mesh.js'

const MAX_MESSAGE_BYTES = 1_048_576

export interface MemoryLogParts {
  mesh: MemoryMesh
  /** @throws UnavailableError while this node is cut off. */
  requireConnected(): void
  streamOf(subject: string): string
  onOutcome(outcome: 'stored' | 'duplicate' | 'refused', code: string): void
  onThrown(subject: string, error: unknown): void
}

/** The streams of a {@link MemoryMesh} as a log. */
export class MemoryLog implements Log {
  constructor(private readonly parts: MemoryLogParts) {}

  async append(subject: string, body: Uint8Array, options: AppendOptions = {}): Promise<Appended> {
    try {
      this.parts.requireConnected()
      if (body.length > MAX_MESSAGE_BYTES)
        throw new InvalidError('message-too-large', 'Too large to be stored')
      const message = { subject, body, meta: options.meta }
      const appended = this.parts.mesh.store(this.parts.streamOf(subject), message, options)
      this.parts.onOutcome(appended.isDuplicate ? 'duplicate' : 'stored', '')
      return appended
    } catch (error) {
      this.parts.onOutcome('refused', (error as { code?: string }).code ?? '')
      throw error
    }
  }

  appendTo(
    { subject }: Pick<Route, 'stream' | 'subject'>,
    body: Uint8Array,
    options: AppendOptions,
    end: AppendEnd,
  ): void {
    this.append(subject, body, options)
      .then(
        (appended) => end.stored(appended),
        (error: NatterError) => end.failed(error),
      )
      .catch((thrown: unknown) => this.parts.onThrown(subject, thrown))
  }

  async tops(stream: string, subjects: readonly string[]): Promise<Tops> {
    this.parts.requireConnected()
    const { lastSeq, messages } = this.parts.mesh.stream(stream)
    const newest: Tops['newest'] = new Map()
    for (const subject of subjects) {
      const last = messages.findLast((message) => message.subject === subject)
      if (last !== undefined) newest.set(subject, { seq: last.seq, timeNs: last.timeNs })
    }
    return { upTo: lastSeq, newest }
  }

  async read(
    stream: string,
    subject: string,
    range: ReadRange,
  ): Promise<{ messages: StoredMessage[]; isComplete: boolean }> {
    this.parts.requireConnected()
    const messages: StoredMessage[] = []
    let bytes = 0
    for (const kept of this.parts.mesh.stream(stream).messages) {
      if (kept.subject !== subject || kept.seq < range.from || kept.seq > range.to) continue
      bytes += kept.body.length
      const isFull = messages.length >= range.limit || (bytes > range.maxBytes && messages.length > 0)
      if (isFull) return { messages, isComplete: false }
      messages.push({ seq: kept.seq, timeNs: kept.timeNs, body: kept.body, meta: kept.meta })
    }
    return { messages, isComplete: true }
  }

  async readBackwards(
    stream: string,
    subject: string,
    to: number,
    limit: number,
    maxBytes: number,
  ): Promise<StoredMessage[]> {
    const source = { stream, subject, firstSeq: await this.firstSeq(stream) }
    return readBackwards((...args) => this.read(...args), source, to, { count: limit, bytes: maxBytes })
  }

  async firstSeq(stream: string): Promise<number> {
    this.parts.requireConnected()
    const { lastSeq, messages } = this.parts.mesh.stream(stream)
    return messages[0]?.seq ?? lastSeq + 1
  }

  async readStream(
    stream: string,
    { from, limit, maxBytes }: { from: number; limit: number; maxBytes: number },
  ): Promise<{ messages: StreamMessage[]; pending: number }> {
    this.parts.requireConnected()
    const wanted = this.parts.mesh.stream(stream).messages.filter((message) => message.seq >= from)
    const messages: StreamMessage[] = []
    let bytes = 0
    for (const message of wanted) {
      bytes += message.body.length
      if (messages.length === limit || (bytes > maxBytes && messages.length > 0)) break
      messages.push({ ...message })
    }
    return { messages, pending: wanted.length - messages.length }
  }

  async messageAt(stream: string, seq: number): Promise<StreamMessage | undefined> {
    this.parts.requireConnected()
    return this.parts.mesh.stream(stream).messages.find((message) => message.seq === seq)
  }

  async state(stream: string): Promise<StreamState> {
    this.parts.requireConnected()
    return this.parts.mesh.stateOf(stream)
  }

  async purge(stream: string, before: number): Promise<number> {
    this.parts.requireConnected()
    return this.parts.mesh.purge(stream, before)
  }
}
