/**
 * Where durable publications are kept for good: the port. Implementations: `postgres/` and `memory/` (one process, for tests).
 * Both pass `test/archive.contract.ts`.
 *
 * AR1. The rows of a batch and the checkpoint behind them are written together or not at all, and only while the checkpoint is the
 *      one the batch stands on: that is where "exactly once" comes from, not from acknowledgements.
 * AR2. `data` and `meta` come back byte for byte, whatever they are.
 * AR3. Nothing in a publication can make a batch fail for good: a row that the store refuses goes to the dead letters, with its
 *      bytes, in the same transaction.
 * AR4. A stream has one writer at a time. The right is held by the connection that writes: who lost it can't write either.
 * AR5. One mesh at a time writes. Who acquires for a mesh writes only while the archive is that mesh's, and nobody takes it over
 *      meanwhile.
 */

/** A durable publication, as the stream keeps it. */
export interface Publication {
  /** The stream's sequence. Grows within a channel, not contiguous. */
  seq: number
  /** When the stream stored it, nanoseconds since 1970: identity, never order. */
  timeNs: bigint
  /** '' = none. */
  namespace: string
  /** The whole name, with namespace and `$`. */
  channel: string
  /** Whether `data` is the text of one JSON value, or bytes. */
  kind: 'json' | 'bin'
  data: Uint8Array
  /** The text of the `Natter-Meta` header as it came; '' when there was none. */
  meta: string
}

/** A publication on its way into the archive. */
export interface ArchiveRow extends Publication {
  /** What the column for people's queries gets: text that the store can hold as JSON. Absent = null. See {@link queryableJson}. */
  json?: string
}

/** Up to where a stream is archived, and what stood there. */
export interface Checkpoint {
  epoch: string
  /** Every message of the stream up to here was archived, skipped or recorded as missing. 0 = none of this epoch. */
  seq: number
  /** Of the message at `seq`, archived or skipped: what proves that a stream is still the one that was read. 0n and '' at seq 0. */
  timeNs: bigint
  /** Hexadecimal SHA-256 of that message's body. */
  digest: string
  /** Rolling CRC-32 over the bodies of all messages of the epoch read so far, in order. */
  rolling: number
}

/** Sequences `from` to `to`, both included, that were gone before they could be read. */
export interface ArchiveGap {
  from: number
  to: number
  /**
   * `evicted`: the stream dropped them. `rolled-back`: the stream lost its newest messages. `forgotten`: the archive held them and
   * {@link Archive.forget} removed their day; only read, never written.
   */
  reason: 'evicted' | 'rolled-back' | 'forgotten'
}

export interface ArchiveBatch {
  /** The checkpoint that must still be the stored one. */
  after: Checkpoint
  /** The one that replaces it. Same epoch, higher `seq`. */
  next: Checkpoint
  /** Ascending, with `after.seq < seq ≤ next.seq`. */
  rows: readonly ArchiveRow[]
  gaps: readonly ArchiveGap[]
}

export interface BatchReport {
  archived: number
  /** Rows the store refused, with what it said; they are among the dead letters. */
  deadLetters: { seq: number; reason: string }[]
}

/** The right to write one stream's archive. */
export interface ArchiveWriter {
  readonly stream: string
  /** For which it was acquired. Undefined = for whichever owns the archive. */
  readonly mesh: string | undefined
  /** False for good once the connection is lost or `release` was called: acquire anew. */
  readonly isHeld: boolean
  /** Undefined = nothing of this stream was ever archived. */
  checkpoint(): Promise<Checkpoint | undefined>
  /**
   * Starts the numbering of an epoch at sequence 0 and closes the one before. `isLossless` says whether everything of that one had
   * been archived: positions of it then go on in this one.
   *
   * @throws InternalError `archive-overtaken` when the stored checkpoint isn't `after` (undefined = none);
   *   `archive-epoch-returned` when the archive has had this epoch before: see `reopenEpoch`.
   */
  beginEpoch(epoch: string, after: Checkpoint | undefined, isLossless: boolean): Promise<Checkpoint>
  /**
   * Where an epoch of this stream stood when it was closed. Undefined = it is the present one, the archive never had it, or it was
   * closed by a build that kept too little to prove anything by.
   */
  closedCheckpoint(epoch: string): Promise<Checkpoint | undefined>
  /**
   * Goes on with a closed epoch behind its last checkpoint, and closes the present one. Only for who has seen that the stream still
   * is the one of that checkpoint. `isLossless` as for `beginEpoch`. Answers the checkpoint, which is `closed`.
   *
   * @throws InternalError `archive-overtaken` when the stored checkpoint isn't `after`, or the epoch wasn't closed at `closed`.
   */
  reopenEpoch(closed: Checkpoint, after: Checkpoint, isLossless: boolean): Promise<Checkpoint>
  /**
   * AR1, AR3.
   *
   * @throws InternalError `archive-overtaken`: the stored checkpoint isn't `batch.after`. Somebody else is ahead: release and begin
   *   anew.
   * @throws UnavailableError `archive-away`: nothing is known but that the connection is lost. Acquire anew; the stored
   *   checkpoint says whether the batch was written.
   */
  write(batch: ArchiveBatch): Promise<BatchReport>
  /** Gives the right back. Twice does nothing; never rejects. */
  release(): Promise<void>
}

export interface ArchiveQuery {
  /** '' = none. */
  namespace: string
  channel: string
  stream: string
  epoch: string
  /** Publications with `after < seq ≤ upTo`. */
  after: number
  upTo: number
  /** `forward`: the oldest ones first; `backward`: the newest ones first. */
  direction: 'forward' | 'backward'
  limit: number
  /** About so many bytes of data, at least one publication if there is any. */
  maxBytes: number
}

export interface ArchivePage {
  publications: Publication[]
  /** No further ones in the range as of `checkpointSeq`. */
  isComplete: boolean
  /**
   * The stream's checkpoint in the same snapshot: what the rows above it say is nothing. Of a closed epoch: its last one. 0 = the
   * archive has nothing of this epoch.
   */
  checkpointSeq: number
  /** What is known to be missing, ascending and cut to the range: of the stream, or of the namespace where it was forgotten. */
  gaps: ArchiveGap[]
}

/** Whose the archive is. `unseenMs`: for how long no process of the owner was seen. */
export type ArchiveClaim = { isOwner: true } | { isOwner: false; owner: string; unseenMs: number }

export interface Archive {
  /**
   * Makes the store what this build needs. Any number of processes may call it at once.
   *
   * @throws UnavailableError `archive-away`; InvalidError `archive-too-new` when a newer build was here.
   */
  migrate(): Promise<void>
  /**
   * Says that a process of this mesh is here. Who comes first owns the archive. Another mesh becomes the owner when the present one
   * was not seen for `ownerTimeoutMs` (0 = at once) and none of its writers is left (AR5).
   *
   * @throws UnavailableError `archive-away`.
   */
  claim(mesh: string, ownerTimeoutMs: number): Promise<ArchiveClaim>
  /**
   * Undefined while another process holds the right, or another mesh owns the archive (AR5). Without `mesh` the owner isn't asked
   * for: that is for tools.
   *
   * @throws UnavailableError `archive-away`.
   */
  acquire(stream: string, mesh?: string): Promise<ArchiveWriter | undefined>
  /** One channel's publications of one epoch, dead letters among them. @throws UnavailableError `archive-away`. */
  read(query: ArchiveQuery): Promise<ArchivePage>
  /**
   * Removes whole days older than `olderThanMs` (since 1970) of one namespace. Answers how many days went.
   *
   * @throws UnavailableError `archive-away`.
   */
  forget(namespace: string, olderThanMs: number): Promise<number>
  /** Undefined when the store answers. */
  problem(): Promise<string | undefined>
  close(): Promise<void>
}
