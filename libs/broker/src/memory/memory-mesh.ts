import { UnavailableError } from '@natter/primitives'
import type { Appended, RegistryEntry, StoredAt, StoredMessage } from '../broker.js'
import { newEpoch } from '../epoch.js'
import { Subjects } from '../subjects.js'
import { epochChanges, newTopology, reconcile, type EpochChange, type Topology } from '../topology.js'

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
}

interface MeshStream {
  created: string
  lastSeq: number
  /** Ascending. */
  messages: (StoredMessage & { subject: string })[]
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
  private readonly streams = new Map<string, MeshStream>()
  private readonly records = new Map<string, RegistryEntry>()
  private readonly watchers = new Set<() => void>()
  private readonly subscribers = new Set<MeshSubscriber>()
  private readonly epochListeners = new Set<(change: EpochChange) => void>()
  private lastRevision = 0
  private createdCount = 0

  constructor(options: MeshOptions = {}) {
    this.subjects = new Subjects(options.prefix ?? 'natter')
    this.maxCount = options.maxCount ?? 100_000
    this.topology = newTopology(this.subjects, options.streams ?? 1, newEpoch)
    this.verify()
  }

  /** Forgets streams and records, as a wiped disk does. */
  wipe(): void {
    this.streams.clear()
    this.records.clear()
  }

  /** Creates what is gone, and tells every node which numberings changed by that. */
  verify(): void {
    const created = this.topology.streams.map(({ name }) => this.ensureStream(name).created)
    const before = this.topology
    this.topology = reconcile(before, created, newEpoch) ?? before
    for (const change of epochChanges(before, this.topology)) {
      for (const onChange of this.epochListeners) onChange(change)
    }
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
    messageId: string | undefined,
  ): Appended {
    const stream = this.stream(streamName)
    const known = messageId === undefined ? undefined : stream.messageIds.get(messageId)
    if (known !== undefined) return { seq: known, isDuplicate: true }
    const prev = stream.messages.findLast((kept) => kept.subject === message.subject)?.seq ?? 0
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

  onRecord(look: () => void): () => void {
    this.watchers.add(look)
    return () => void this.watchers.delete(look)
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
