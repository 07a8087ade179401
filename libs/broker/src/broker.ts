/**
 * What moves and keeps publications between nodes: five ports, and the parts that the whole mesh agrees on (subjects,
 * shards, metadata). Implementations: `nats/` (core NATS, JetStream, its key-value buckets) and `memory/` (one process, for
 * tests). Both pass `test/broker.contract.ts`.
 */
import type { NatterError, TypedEvents } from '@natter/primitives'
import type { Subjects } from './subjects.js'

/** What the log knows of a stored message. */
export interface StoredAt {
  /** The stream's sequence: the publication's offset. Grows within a channel, not contiguous. */
  seq: number
  /** The sequence of the message before it on the same subject; 0 = none is kept. Only known for live messages. */
  prev: number
  /** Nanoseconds since 1970, as the server stamped it: identity, never order. */
  timeNs: bigint
}

/** A message on the live subjects. `body` and `meta` are only valid during the callback: copy what is kept. */
export interface BusMessage {
  subject: string
  body: Uint8Array
  /** The text of the `Natter-Meta` header, or undefined when there is none. */
  meta: string | undefined
  /** Present when a stream republished it; absent on what was only published (ephemeral, control). */
  stored: StoredAt | undefined
  /** Answers a request; does nothing when nobody waits. */
  respond(body: Uint8Array): void
}

export interface BusSubscription {
  /** After this returns the callback is not called again. Twice does nothing. */
  stop(): void
  /**
   * Ends without losing what is on its way: resolves when nobody can send here any more and all that was sent has come. Where the way to
   * the mesh is gone it just stops. Never rejects.
   */
  drain(): Promise<void>
}

/** Core messaging: at most once, in order per publisher and subject, nothing kept. */
export interface Bus {
  readonly isConnected: boolean
  /**
   * Connected, and heard within the last two seconds: a server that hangs keeps its connections. For who tells others whether this node is
   * of use; who sends asks `isConnected`.
   */
  readonly isAnswering: boolean
  /**
   * At most once. Publishes of one node on one subject arrive in order.
   *
   * @throws UnavailableError `nats-away` while disconnected: certainly not sent.
   */
  publish(subject: string, body: Uint8Array, meta?: string): void
  /** Wildcards as in NATS. What the callback throws is reported as `bus:callback:error`, never breaks the connection. */
  subscribe(subject: string, onMessage: (message: BusMessage) => void): BusSubscription
  /** Resolves when the server has every subscription and publish made before the call. Calls of one turn share a round trip. */
  flush(): Promise<void>
  /**
   * Asks everybody who listens. `onReply` returns true when enough was heard. Resolves then, or after `timeoutMs`; never
   * rejects for silence. False, at once: nobody listens, so nobody was asked. Rejects with UnavailableError while disconnected.
   */
  ask(
    subject: string,
    body: Uint8Array,
    options: { timeoutMs: number; onReply(body: Uint8Array): boolean },
  ): Promise<boolean>
}

export interface StoredMessage {
  seq: number
  timeNs: bigint
  body: Uint8Array
  meta: string | undefined
}

/** A stored message with its subject, for who reads streams whole. */
export interface StreamMessage extends StoredMessage {
  /** `Subjects.channelOf` tells whose it is. */
  subject: string
}

/** A stream as its leader states it. */
export interface StreamState {
  /** When it was created, as the server writes it: its identity. */
  created: string
  /** `lastSeq + 1` while the stream is empty. */
  firstSeq: number
  lastSeq: number
  messages: number
  bytes: number
  /** Where the stream is full. 0 = no limit. */
  maxBytes: number
  /** What it does then: `refuse` new messages, or `forget` the oldest. */
  onFull: 'refuse' | 'forget'
}

export interface Appended {
  seq: number
  /** True when the message id was already stored within the window: `seq` is then the first one's. */
  isDuplicate: boolean
}

export interface Tops {
  /** The stream's newest sequence when this was read: every message up to it was considered. */
  upTo: number
  /** The newest message of each subject that has one. Metadata only. */
  newest: Map<string, { seq: number; timeNs: bigint }>
}

export interface AppendOptions {
  /** The text of the `Natter-Meta` header. */
  meta?: string
  /** Stored once within the window of the stream, however often it is sent. */
  messageId?: string
  /** Only if this is the newest sequence of its subject (0 = it has none); else `other-newest`, certainly not stored. */
  after?: number
}

/** Hears how an append ended: one of the two, once. What it throws is reported as `bus:callback:error`. */
export interface AppendEnd {
  stored(appended: Appended): void
  /** With what `append` would reject. */
  failed(error: NatterError): void
}

/** The durable log: streams of subjects. */
export interface Log {
  /**
   * Stores one message; resolves after the stream acknowledged it. Appends of one node on one subject are stored in the
   * order of the calls; any number may be in flight.
   *
   * @throws UnavailableError certainly not stored (`nats-away`, `stream-full`, `stream-unavailable`, `too-many-in-flight`,
   *   `other-newest`).
   * @throws UnknownOutcomeError sent, no answer within 3 s or the connection was lost: only a repeat with the same
   *   `messageId` is safe.
   * @throws InvalidError `message-too-large`, `bad-subject`.
   */
  append(subject: string, body: Uint8Array, options?: AppendOptions): Promise<Appended>
  /**
   * The same without a promise, for whoever appends for many others. Never throws; what is refused at once may be told
   * before this returns.
   */
  appendTo(
    route: Pick<Route, 'stream' | 'subject'>,
    body: Uint8Array,
    options: AppendOptions,
    end: AppendEnd,
  ): void
  /**
   * The newest sequence of many subjects of one stream, and the stream's own, read in one go. Subjects are asked in
   * batches of 500. May lag behind an append by a moment in a cluster.
   *
   * @throws UnavailableError when it can't be read now.
   */
  tops(stream: string, subjects: readonly string[]): Promise<Tops>
  /**
   * Messages of one subject with `from ≤ seq ≤ to`, ascending, at most `limit` and about `maxBytes` (at least one if any
   * exists). Fewer than `limit` with `isComplete` true means: no further ones up to `to` were kept when this was read.
   * `leader: true` asks the leader one by one: slow, never stale.
   *
   * @throws UnavailableError when it can't be read now.
   */
  read(
    stream: string,
    subject: string,
    range: ReadRange,
  ): Promise<{ messages: StoredMessage[]; isComplete: boolean }>
  /**
   * The newest `limit` messages of one subject with `seq ≤ to`, descending. Costs a few probes per empty stretch of the
   * stream, not a scan of it.
   */
  readBackwards(
    stream: string,
    subject: string,
    to: number,
    limit: number,
    maxBytes: number,
  ): Promise<StoredMessage[]>
  /**
   * The oldest sequence the stream still keeps, read after the call was made: `P + 1 ≥ firstSeq` proves that nothing after
   * P was evicted before the call.
   */
  firstSeq(stream: string): Promise<number>
  /**
   * Messages of all subjects with `seq ≥ from`, ascending, at most `limit` and about `maxBytes` (at least one if there is any).
   * `pending` is how many more were there. Both may lag behind an append by a moment, but nothing is left out that is older than what
   * is answered; and no message at all is only answered, outside of a cluster, when there is none.
   *
   * @throws UnavailableError when it can't be read now.
   */
  readStream(
    stream: string,
    range: { from: number; limit: number; maxBytes: number },
  ): Promise<{ messages: StreamMessage[]; pending: number }>
  /** The message with this very sequence, from the leader: never stale. Undefined = not kept. @throws UnavailableError. */
  messageAt(stream: string, seq: number): Promise<StreamMessage | undefined>
  /** From the leader. Calls of one moment share a request. @throws UnavailableError. */
  state(stream: string): Promise<StreamState>
  /** Frees the space of everything with `seq < before`. Answers how many messages went. @throws UnavailableError. */
  purge(stream: string, before: number): Promise<number>
}

export interface ReadRange {
  from: number
  to: number
  limit: number
  maxBytes: number
  leader?: boolean
}

export interface RegistryEntry {
  value: Uint8Array
  revision: number
}

/** Small records with compare-and-set, shared by all nodes. */
export interface Registry {
  /** Read from the leader: never stale. */
  get(key: string): Promise<RegistryEntry | undefined>
  /** Creates or answers undefined when the key exists. */
  create(key: string, value: Uint8Array): Promise<number | undefined>
  /** Replaces `revision` or answers undefined when another one is current. */
  update(key: string, value: Uint8Array, revision: number): Promise<number | undefined>
  /** Calls back with the present value, if any, and each later one. Survives reconnects. */
  watch(key: string, onEntry: (entry: RegistryEntry) => void): Promise<{ stop(): void }>
}

export interface JournalEntry {
  /** Grows; never given twice in a mesh, also not after a purge. */
  seq: number
  body: Uint8Array
}

/**
 * What must outlive the process that wrote it until somebody has dealt with it: a few entries per subject (`Subjects.sessions`,
 * `Subjects.occupancy`), which their readers take away. Nothing goes by itself; a full journal refuses.
 *
 * All of it throws UnavailableError when it can't be done now.
 */
export interface Journal {
  /**
   * Answers its `seq` when it is stored. With `after`: only if that is the last one of the subject (0 = the subject is empty), else
   * undefined.
   *
   * @throws UnavailableError also where it may have been stored: write what can be written twice, or read before writing again.
   * @throws InvalidError `message-too-large`.
   */
  append(subject: string, body: Uint8Array, options?: { after?: number }): Promise<number | undefined>
  /** All entries of a subject, in their order; never stale. */
  read(subject: string): Promise<JournalEntry[]>
  /** Never stale. */
  last(subject: string): Promise<JournalEntry | undefined>
  /** Takes away the entries of a subject with `seq < before`; without `before` all. */
  purge(subject: string, before?: number): Promise<void>
  /** Subjects that have entries. @param filter With wildcards as in NATS. */
  subjects(filter: string): Promise<string[]>
}

export interface StoredRecord {
  key: string
  value: Uint8Array
  /** Grows with every record of the mesh. */
  revision: number
}

/** Hears all records that the mesh holds, and what becomes of them. What it throws is reported as `bus:callback:error`. */
export interface RecordsListener {
  /**
   * The way to the mesh is there, and all is told anew from here on. What was told before and isn't again until `caughtUp` is there no more.
   * May come twice before that. After a reconnect it comes in the turn in which the mesh is there again, before anything else does.
   */
  begin(): void
  /**
   * In the order in which they were stored; one that was replaced before it could be told may be left out. One that has expired may still
   * come for a minute.
   */
  record(record: StoredRecord): void
  /** All that was acknowledged before the last `begin` has been told, to whomever it was acknowledged; from here on records come as they are stored. */
  caughtUp(): void
  /**
   * The way is gone, or the mesh fell silent after `caughtUp`: nothing more is heard until the next `begin`. A telling that breaks off before
   * `caughtUp` on a way that stands is no `away`: another `begin` follows.
   */
  away(): void
  /** They can't be read now; it is tried again until somebody stops it. */
  trouble(error: unknown): void
}

/**
 * Records that hold until they expire, told to all nodes: each key has one, the newest. Nodes read them, guests don't.
 *
 * There are at most 110,000 in a mesh; one more key is refused (`records-full`), and none is dropped for it.
 */
export interface Records {
  /** From the leader: never stale. @throws UnavailableError. */
  get(key: string): Promise<StoredRecord | undefined>
  /**
   * Stores in place of what the key had; resolves with the revision when it is stored: whoever catches up after that hears it.
   *
   * @param options.expiresAtMs Milliseconds since 1970; absent = never. It is gone within two minutes after that: who reads it has to look.
   * @param options.after Only in place of this revision (0 = the key has none), else undefined is answered.
   * @throws UnavailableError certainly not stored: `nats-away`, `records-full`, `stream-unavailable`.
   * @throws UnknownOutcomeError sent, and no answer came: the same put again is harmless.
   * @throws InvalidError `message-too-large` (4 KiB), `bad-key`.
   */
  put(
    key: string,
    value: Uint8Array,
    options?: { expiresAtMs?: number; after?: number },
  ): Promise<number | undefined>
  /** Tells all records and what comes, until it is stopped. Never throws: what is wrong is told. */
  follow(listener: RecordsListener): { stop(): void }
}

/** Facts about the way to NATS. */
export interface BrokerEvents {
  'broker:connect': { server: string; version: string }
  /** The first connect, or the first look at the streams, has not come about yet: it is tried on, and this is told again every ten seconds. */
  'broker:connect:wait': { tried: string; why: string; leftMs: number }
  'broker:disconnect': { server: string }
  'broker:reconnect': { server: string; awayMs: number }
  'broker:append:outcome': { outcome: 'stored' | 'duplicate' | 'refused' | 'unknown'; code: string }
  'broker:topology:change': { streams: number }
  /** The mesh has another number of streams than this node was configured with: the record stands. */
  'broker:topology:wish-ignored': { streams: number; wished: number }
  /** What full streams do, or how much they keep, is another now. At the boot of the node that wished it, and on all others. */
  'broker:retention:change': { from: string; to: string }
  /** NATS can't give a stream the recorded limits, most likely for want of disk: it keeps those it has. */
  'broker:retention:refused': { stream: string; wanted: string; error: unknown }
  /** The streams refuse when they are full, and this node was not told of an archive: they go on so. */
  'broker:retention:kept': { onFull: 'refuse'; hint: string }
  'broker:epoch:change': { stream: string; epoch: string; reason: string }
  /** NATS refused a subscription: nothing is heard on this subject, also after a reconnect. */
  'broker:subscription:refused': { subject: string; error: unknown }
  'bus:callback:error': { subject: string; error: unknown }
}

/** Where a channel lives and what its numbering is called. */
export interface Route {
  stream: string
  epoch: string
  shard: number
  /** Appended to. */
  subject: string
  /** Subscribed to. */
  liveSubject: string
}

export interface Broker {
  readonly bus: Bus
  readonly log: Log
  readonly registry: Registry
  readonly journal: Journal
  /** Who may not come in any more. */
  readonly revocations: Records
  /** What was answered to requests that may be repeated: at most 200,000 at a time, for minutes. Nobody follows them. */
  readonly idempotency: Pick<Records, 'get' | 'put'>
  readonly events: TypedEvents<BrokerEvents>
  /** The other names of the mesh: presence and control subjects. */
  readonly subjects: Subjects
  /** `$`-prefixed and plain names with the same text are different channels. `namespace` is '' for none. */
  route(namespace: string, channel: string): Route
  /** The stream names of the topology, in its order. */
  readonly streams: readonly string[]
  /**
   * Which mesh this is: a random word, the same for all its nodes. Another one when NATS has lost its disk, or when it is another NATS,
   * also under the same prefix.
   */
  readonly meshId: string
  /** What the stream's numbering is called now. @throws InvalidError `no-such-stream`. */
  epochOf(stream: string): string
  /**
   * Ends a numbering that can't be trusted any more, for all nodes: `broker:epoch:change` follows on each. Does nothing when `epoch`
   * isn't the present one: somebody else was faster. Resolves when this node goes by the new one.
   *
   * @throws UnavailableError.
   */
  renewEpoch(stream: string, epoch: string): Promise<void>
  /**
   * Looks whether each stream is still the one in the topology record; a stream that is gone is created again, and one that
   * was created anew gets a new epoch. Called at start and after each reconnect, before the node trusts its positions.
   */
  verifyStreams(): Promise<void>
  close(): Promise<void>
}
