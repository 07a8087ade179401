import { UnavailableError } from '@natter/primitives'
import { otherNewest } from '../append-outcome.js'
import type {
  Appended,
  AppendOptions,
  JournalEntry,
  RegistryEntry,
  StoredAt,
  StreamMessage,
  StreamState,
} from '../broker.js'
import { newEpoch } from '../epoch.js'
import { Subjects } from '../subjects.js'
import { HeldRecords } from './held-records.js'
import {
  epochChanges,
  newTopology,
  reconcile,
  renewed,
  type EpochChange,
  type Topology,
} from '../topology.js'

/** A message on its way to a subscriber, and what may go wrong with it. */
export interface Delivery {
  subject: string
  body: Uint8Array
  meta: string | undefined
  stored: StoredAt | undefined
  reply: ((body: Uint8Array) => void) | undefined
}

export interface MeshSubscriber {
  subject: string
  deliver(delivery: Delivery): void
}

/** Decides for each live message of a stream: how often and when it arrives. Absent = once, at once. */
export type Fault = (delivery: Delivery) => { copies?: number; delayMs?: number } | undefined

export interface MeshOptions {
  prefix?: string
  streams?: number
  /** Kept per stream; older ones are forgotten. */
  maxCount?: number
  /** Bytes of bodies per stream; 0 = no limit. */
  maxBytes?: number
  /** What a stream does that has `maxBytes`. */
  onFull?: 'refuse' | 'forget'
}

interface MeshStream {
  created: string
  lastSeq: number
  /** Ascending. */
  messages: StreamMessage[]
  messageIds: Map<string, number>
}

/**
 * The servers behind several {@link MemoryBroker}s, in one process.
 *
 * M1. Deliveries to one subscriber keep their order, but those that a fault delays.
 * M2. A subscriber hears of a message after `store` returned, never inside it.
 */
export class MemoryMesh {
  readonly subjects: Subjects
  topology: Topology
  fault: Fault | undefined
  private readonly maxCount: number
  private readonly limits: Pick<MeshOptions, 'maxBytes' | 'onFull'>
  private readonly streams = new Map<string, MeshStream>()
  private readonly records = new Map<string, RegistryEntry>()
  private readonly journal = new Map<string, JournalEntry[]>()
  private lastWritten = 0
  readonly revocations = new HeldRecords(() => (this.lastRevision += 1))
  readonly results = new HeldRecords(() => (this.lastRevision += 1))
  private readonly watchers = new Set<() => void>()
  private readonly subscribers = new Set<MeshSubscriber>()
  private readonly epochListeners = new Set<(change: EpochChange) => void>()
  private lastRevision = 0
  private createdCount = 0

  constructor(options: MeshOptions = {}) {
    this.subjects = new Subjects(options.prefix ?? 'natter')
    this.maxCount = options.maxCount ?? 100_000
    this.limits = options
    this.topology = newTopology(this.subjects, options.streams ?? 1, newEpoch)
    this.verify()
  }

  /** Forgets streams and records, as a wiped disk does. */
  wipe(): void {
    this.streams.clear()
    this.records.clear()
    this.journal.clear()
    this.revocations.held.clear()
    this.results.held.clear()
  }

  /** Creates what is gone, and tells every node which numberings changed by that. */
  verify(): void {
    const created = this.topology.streams.map(({ name }) => this.ensureStream(name).created)
    this.adopt(reconcile(this.topology, created, newEpoch))
  }

  renewEpoch(stream: string, epoch: string): void {
    this.adopt(renewed(this.topology, stream, epoch, newEpoch))
  }

  /** What a server with an older disk under it does: the newest messages are gone, their sequences are given anew. */
  rollBack(name: string, lastSeq: number): void {
    const stream = this.stream(name)
    stream.messages = stream.messages.filter(({ seq }) => seq <= lastSeq)
    stream.lastSeq = lastSeq
  }

  stateOf(name: string): StreamState {
    const { created, lastSeq, messages } = this.stream(name)
    const { maxBytes = 0, onFull = 'forget' } = this.limits
    const bytes = messages.reduce((sum, { body }) => sum + body.length, 0)
    const firstSeq = messages[0]?.seq ?? lastSeq + 1
    return { created, firstSeq, lastSeq, messages: messages.length, bytes, maxBytes, onFull }
  }

  purge(name: string, before: number): number {
    const stream = this.stream(name)
    const had = stream.messages.length
    stream.messages = stream.messages.filter(({ seq }) => seq >= before)
    return had - stream.messages.length
  }

  onEpochChange(listener: (change: EpochChange) => void): () => void {
    this.epochListeners.add(listener)
    return () => void this.epochListeners.delete(listener)
  }

  stream(name: string): MeshStream {
    const stream = this.streams.get(name)
    if (stream === undefined) throw new UnavailableError('stream-unavailable', `There is no stream ${name}`)
    return stream
  }

  store(
    streamName: string,
    message: { subject: string; body: Uint8Array; meta: string | undefined },
    { messageId, after }: Pick<AppendOptions, 'messageId' | 'after'> = {},
  ): Appended {
    const stream = this.stream(streamName)
    const known = messageId === undefined ? undefined : stream.messageIds.get(messageId)
    if (known !== undefined) return { seq: known, isDuplicate: true }
    const newest = (): number =>
      stream.messages.findLast((kept) => kept.subject === message.subject)?.seq ?? 0
    if (after !== undefined && after !== newest()) throw otherNewest('')
    this.makeRoom(stream, message.body.length)
    const prev = newest()
    stream.lastSeq += 1
    const seq = stream.lastSeq
    const timeNs = BigInt(Date.now()) * 1_000_000n + BigInt(seq % 1_000_000)
    stream.messages.push({ ...message, body: new Uint8Array(message.body), seq, timeNs })
    if (stream.messages.length > this.maxCount) stream.messages.shift()
    if (messageId !== undefined) stream.messageIds.set(messageId, seq)
    this.republish(message, { seq, prev, timeNs })
    return { seq, isDuplicate: false }
  }

  publish(delivery: Delivery): number {
    let heard = 0
    for (const subscriber of this.subscribers) {
      if (!matches(subscriber.subject, delivery.subject)) continue
      heard += 1
      this.deliver(subscriber, delivery)
    }
    return heard
  }

  subscribe(subscriber: MeshSubscriber): () => void {
    this.subscribers.add(subscriber)
    return () => void this.subscribers.delete(subscriber)
  }

  record(key: string): RegistryEntry | undefined {
    return this.records.get(key)
  }

  /** Undefined when the present revision isn't `expected`; 0 = there is none. */
  writeRecord(key: string, value: Uint8Array, expected: number): number | undefined {
    if ((this.records.get(key)?.revision ?? 0) !== expected) return undefined
    this.lastRevision += 1
    this.records.set(key, { value: new Uint8Array(value), revision: this.lastRevision })
    for (const look of this.watchers) queueMicrotask(look)
    return this.lastRevision
  }

  /** Undefined when `after` isn't the last one; undefined = whatever is. */
  write(subject: string, body: Uint8Array, after: number | undefined): number | undefined {
    const entries = this.journal.get(subject) ?? []
    if (after !== undefined && (entries.at(-1)?.seq ?? 0) !== after) return undefined
    this.lastWritten += 1
    entries.push({ seq: this.lastWritten, body: new Uint8Array(body) })
    this.journal.set(subject, entries)
    return this.lastWritten
  }

  written(subject: string): readonly JournalEntry[] {
    return this.journal.get(subject) ?? []
  }

  purgeWritten(subject: string, before: number): void {
    const left = this.written(subject).filter(({ seq }) => seq >= before)
    if (left.length > 0) this.journal.set(subject, left)
    else this.journal.delete(subject)
  }

  writtenSubjects(filter: string): string[] {
    return [...this.journal.keys()].filter((subject) => matches(filter, subject))
  }

  onRecord(look: () => void): () => void {
    this.watchers.add(look)
    return () => void this.watchers.delete(look)
  }

  private adopt(next: Topology | undefined): void {
    const before = this.topology
    this.topology = next ?? before
    for (const change of epochChanges(before, this.topology)) {
      for (const onChange of this.epochListeners) onChange(change)
    }
  }

  /** Full is told before anything changes. */
  private makeRoom(stream: MeshStream, size: number): void {
    const { maxBytes = 0, onFull = 'forget' } = this.limits
    if (maxBytes === 0) return
    let bytes = size + stream.messages.reduce((sum, { body }) => sum + body.length, 0)
    if (bytes > maxBytes && onFull === 'refuse')
      throw new UnavailableError('stream-full', 'The stream is full')
    while (bytes > maxBytes && stream.messages.length > 0) bytes -= stream.messages.shift()?.body.length ?? 0
  }

  private ensureStream(name: string): MeshStream {
    const known = this.streams.get(name)
    if (known !== undefined) return known
    this.createdCount += 1
    const stream = {
      created: `incarnation ${this.createdCount}`,
      lastSeq: 0,
      messages: [],
      messageIds: new Map(),
    }
    this.streams.set(name, stream)
    return stream
  }

  private republish(
    message: { subject: string; body: Uint8Array; meta: string | undefined },
    stored: StoredAt,
  ): void {
    const { src, dest } = this.subjects.republish
    const [from, to] = [src.slice(0, -1), dest.slice(0, -1)]
    if (!message.subject.startsWith(from)) return
    const body = new Uint8Array(message.body)
    const subject = to + message.subject.slice(from.length)
    this.publish({ subject, body, meta: message.meta, stored, reply: undefined })
  }

  private deliver(subscriber: MeshSubscriber, delivery: Delivery): void {
    const { copies = 1, delayMs } = this.fault?.(delivery) ?? {}
    const hand = (): void => {
      if (this.subscribers.has(subscriber)) subscriber.deliver(delivery)
    }
    for (let copy = 0; copy < copies; copy += 1) {
      if (delayMs === undefined)
        queueMicrotask(hand) // M2
      else setTimeout(hand, delayMs)
    }
  }
}

/** Whether a subject with NATS wildcards covers another. */
export function matches(pattern: string, subject: string): boolean {
  if (pattern === subject) return true
  const wanted = pattern.split('.')
  const given = subject.split('.')
  for (const [i, token] of wanted.entries()) {
    if (token === '>') return given.length > i
    if (given[i] === undefined || (token !== '*' && token !== given[i])) return false
  }
  return wanted.length === given.length
}
