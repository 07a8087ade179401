/**
 * Carries one stream into the archive, exactly once.
 *
 *     waiting ──► verifying ──► reading ─┐
 *        ▲            ▲  ▲────────┘      │
 *        └──── backing off ◄─────────────┘
 *
 * SA1. Nothing is read into the archive but from a stream that was verified, and nothing is written of a page of which it isn't
 *      known afterwards that it came from that stream: a doubt (NATS was away, a new epoch, another creation time) drops what was
 *      read and verifies anew.
 * SA2. Whoever verifies looks at the stored checkpoint, never at what it remembers: a write whose answer was lost may have been
 *      done.
 * SA3. At most two batches are in memory: the one that is written and the one that is read ahead. The second is also made while the
 *      first is written: the store is the slowest, and works meanwhile.
 * SA4. Nothing ends this but `stop`: what fails is tried again, with growing pauses. Trouble with NATS keeps the right to write
 *      for `keepRightMs`, any other gives it back, so that somebody else may try. Who has no way to NATS doesn't ask for it.
 * SA5. An epoch that was closed and is back goes on behind its last checkpoint, if the stream is the one of that checkpoint: moving to
 *      another NATS and back archives nothing twice.
 * SA6. The right is had for one mesh, and the archive gives it to its owner alone. Where NATS was replaced under us it is another
 *      mesh: the right is given back.
 */
import type { Archive, ArchiveBatch, ArchiveWriter, BatchReport, Checkpoint } from '@natter/archive'
import type { Broker, StreamState } from '@natter/broker'
import { InternalError, UnavailableError, type Clock, type TypedEvents } from '@natter/primitives'
import type { PersistenceEvents } from '../persistence.events.js'
import type { PersistenceOptions } from '../persistence.options.js'
import { batchOf, type ToJson } from './batch.js'
import { Lag } from './lag.js'
import { readPage, type Page } from './page.js'
import { Pauses } from './pauses.js'
import { Purger } from './purger.js'
import type { Selection } from './selection.js'
import { Trouble } from './trouble.js'
import { judge } from './verdict.js'

/** How often the right is asked for while somebody else has it. */
const acquireEveryMs = 2_000
/** A rollback is looked at twice, so far apart, before the epoch ends: it costs every client its place. */
const suspicionMs = 1_000
/** Between two looks at a stream where nothing happens. */
const idleMs = 1_000
/** A restart of NATS is shorter. What is longer may be our way to it alone, and another process's may stand. */
const keepRightMs = 30_000

/** A read for the checkpoint alone. */
const noPublications = {
  namespace: '',
  channel: '',
  after: 0,
  upTo: 0,
  direction: 'forward',
  limit: 0,
  maxBytes: 0,
} as const

export interface StreamArchiverParts {
  archive: Archive
  broker: Broker
  selection: Selection
  toJson: ToJson
  clock: Clock
  events: TypedEvents<PersistenceEvents>
  options: PersistenceOptions
}

interface Ahead {
  page: Page
  /** Of a page with messages. */
  batch: ArchiveBatch | undefined
}

interface Reading {
  is: 'reading'
  writer: ArchiveWriter
  /** The stored one. */
  checkpoint: Checkpoint
  /** Of the stream that was verified. */
  created: string
  /** How many doubts there had been when verifying began. */
  doubts: number
  ahead: Promise<Ahead>
  /** Looks in a row that found nothing. */
  emptyLooks: number
}

type State =
  /** For the right to write. */
  | { is: 'waiting' }
  | { is: 'verifying'; writer: ArchiveWriter; isSuspect: boolean }
  | Reading
  | { is: 'backing-off'; writer: ArchiveWriter | undefined; ms: number }

/** For metrics and health. */
export interface StreamStatus {
  stream: string
  isWriter: boolean
  /**
   * False: another process may have the right since this one has no way to NATS any more, or nothing was seen yet. Then the lag is
   * 0 and means nothing. True while Postgres fails: the lag grows. Who waits for the right knows it from the stored checkpoint.
   */
  isLagKnown: boolean
  /** 0 = none known. */
  checkpointSeq: number
  lagMessages: number
  lagSeconds: number
}

export class StreamArchiver {
  private state: State = { is: 'waiting' }
  private doubts = 0
  private known: { seq: number } | undefined
  private readonly lag = new Lag()
  private readonly pauses: Pauses
  private readonly purger: Purger
  private readonly trouble: Trouble

  constructor(
    readonly stream: string,
    private readonly parts: StreamArchiverParts,
  ) {
    const { broker, clock, options } = parts
    this.pauses = new Pauses(clock)
    this.trouble = new Trouble(clock)
    this.purger = new Purger({ stream, log: broker.log, clock, hotForMs: options.hotForMs })
  }

  get status(): StreamStatus {
    return {
      stream: this.stream,
      isWriter: 'writer' in this.state && this.state.writer?.isHeld === true,
      checkpointSeq: this.known?.seq ?? 0,
      isLagKnown: this.lag.isKnown,
      lagMessages: this.lag.messages,
      lagSeconds: this.lag.seconds(this.parts.clock.now()),
    }
  }

  /** Archives until `stop`; never rejects. */
  async run(): Promise<void> {
    while (!this.pauses.isStopped) this.state = await this.step(this.state)
    await this.release()
  }

  /** The batch that is being written is finished. */
  stop(): void {
    this.pauses.stop()
  }

  /** The stream may not be the one it was: verify before anything else. */
  doubt(): void {
    this.doubts += 1
    this.pauses.wake()
  }

  private async step(state: State): Promise<State> {
    try {
      switch (state.is) {
        case 'waiting':
          return await this.acquire(state)
        case 'verifying':
          return await this.verify(state)
        case 'reading':
          return await this.read(state)
        case 'backing-off':
          return await this.backOff(state)
      }
    } catch (error) {
      return await this.fail(state, error) // SA4
    }
  }

  private async acquire(state: State): Promise<State> {
    if (!this.parts.broker.bus.isConnected) {
      this.forget()
      await this.pauses.sleep(acquireEveryMs) // SA4
      return state
    }
    const writer = await this.acquireOwn()
    if (writer !== undefined) {
      this.parts.events.emit('stream:acquire', { stream: this.stream })
      return { is: 'verifying', writer, isSuspect: false }
    }
    await this.lookAtStored()
    this.succeed()
    await this.pauses.sleep(acquireEveryMs)
    return state
  }

  /** SA6. Undefined too while another mesh has the archive: `Ownership` tells that. */
  private async acquireOwn(): Promise<ArchiveWriter | undefined> {
    const { archive, broker, options } = this.parts
    const mesh = broker.meshId
    const { isOwner } = await archive.claim(mesh, options.ownerTimeoutMs)
    return isOwner ? await archive.acquire(this.stream, mesh) : undefined
  }

  private async verify(state: State & { is: 'verifying' }): Promise<State> {
    const { broker } = this.parts
    const { writer } = state
    const doubts = this.doubts
    const { epoch, seen } = await this.identity()
    if (writer.mesh !== broker.meshId) return await this.lose(writer) // SA6
    const stored = await writer.checkpoint() // SA2
    const checkpoint = await this.lastOf(writer, epoch, stored)
    const isComparable = checkpoint?.epoch === epoch && checkpoint.seq > 0
    const found = isComparable ? await broker.log.messageAt(this.stream, checkpoint.seq) : undefined
    const verdict = judge(epoch, checkpoint, found, seen)
    if (verdict === 'rolled-back') return await this.suspect(state, epoch, checkpoint)
    const isNew = checkpoint === undefined || verdict === 'other-epoch'
    const start = isNew
      ? await this.begin(writer, epoch, stored)
      : await this.resume(writer, checkpoint, stored)
    if (start === undefined) return await this.suspect({ ...state, isSuspect: true }, epoch, stored)
    this.known = start
    this.tellVerdict(stored?.epoch === checkpoint?.epoch ? verdict : 'returned', start)
    const ahead = this.readAhead(start, 0)
    return { is: 'reading', writer, checkpoint: start, created: seen.created, doubts, ahead, emptyLooks: 0 }
  }

  /**
   * The checkpoint to compare with the stream. A closed epoch's own one where that epoch is back: another NATS was archived in
   * between, or this one was restored, and only its messages say which (SA5).
   */
  private async lastOf(
    writer: ArchiveWriter,
    epoch: string,
    stored: Checkpoint | undefined,
  ): Promise<Checkpoint | undefined> {
    if (stored === undefined || stored.epoch === epoch) return stored
    return (await writer.closedCheckpoint(epoch)) ?? stored
  }

  /** SA5. */
  private resume(
    writer: ArchiveWriter,
    checkpoint: Checkpoint,
    stored: Checkpoint | undefined,
  ): Checkpoint | Promise<Checkpoint> {
    if (stored === undefined || stored.epoch === checkpoint.epoch) return checkpoint
    return writer.reopenEpoch(checkpoint, stored, false)
  }

  /** Undefined when this epoch was closed by a build that kept nothing to compare the stream with. */
  private async begin(
    writer: ArchiveWriter,
    epoch: string,
    after: Checkpoint | undefined,
  ): Promise<Checkpoint | undefined> {
    try {
      return await writer.beginEpoch(epoch, after, false)
    } catch (error) {
      if (error instanceof InternalError && error.code === 'archive-epoch-returned') return undefined
      throw error
    }
  }

  /** The stream lost messages that are archived: at the second look its numbering ends, and the next one is verified. */
  private async suspect(
    state: State & { is: 'verifying' },
    epoch: string,
    checkpoint: Checkpoint | undefined,
  ): Promise<State> {
    if (!state.isSuspect) {
      await this.pauses.sleep(suspicionMs)
      return { ...state, isSuspect: true }
    }
    this.tellVerdict('rolled-back', checkpoint)
    await this.parts.broker.renewEpoch(this.stream, epoch)
    return { ...state, isSuspect: false }
  }

  private tellVerdict(
    verdict: PersistenceEvents['stream:verify']['verdict'],
    checkpoint: Checkpoint | undefined,
  ): void {
    const { epoch = '', seq = 0 } = checkpoint ?? {}
    this.parts.events.emit('stream:verify', { stream: this.stream, verdict, epoch, seq })
  }

  /**
   * The epoch, and the stream as it was before the epoch was read: if another stream took its place in between, its creation time
   * isn't this one, and the first page says so (SA1).
   */
  private async identity(): Promise<{ epoch: string; seen: StreamState }> {
    const { broker } = this.parts
    await broker.verifyStreams() // a stream that is gone is created again
    const seen = await broker.log.state(this.stream)
    await broker.verifyStreams()
    return { epoch: broker.epochOf(this.stream), seen }
  }

  private async read(state: Reading): Promise<State> {
    const { page, batch } = await state.ahead
    const { writer, checkpoint } = state
    if (this.isDoubtful(state, page)) return { is: 'verifying', writer, isSuspect: false } // SA1
    if (!writer.isHeld) return await this.lose(writer)
    if (batch === undefined) return await this.idle(state, page)
    this.lag.behind(checkpoint.seq, page.messages[0], page.state)
    const ahead = this.readAhead(batch.next, page.hasMore ? 0 : this.parts.options.batchDelayMs) // SA3
    await this.write(writer, batch, page)
    this.lag.behind(batch.next.seq, page.hasMore ? page.messages.at(-1) : undefined, page.state)
    return await this.purge({ ...state, checkpoint: batch.next, ahead, emptyLooks: 0 }, page.state)
  }

  private isDoubtful({ doubts, created, checkpoint }: Reading, { state }: Page): boolean {
    return doubts !== this.doubts || created !== state.created || state.lastSeq < checkpoint.seq
  }

  private async write(writer: ArchiveWriter, batch: ArchiveBatch, page: Page): Promise<void> {
    const { clock } = this.parts
    const startMs = clock.now()
    const report = await writer.write(batch)
    this.known = batch.next
    this.succeed()
    this.tellWritten(batch, report, page, clock.now() - startMs)
  }

  private tellWritten({ next, gaps }: ArchiveBatch, report: BatchReport, page: Page, tookMs: number): void {
    const { stream } = this
    const { events } = this.parts
    const { archived, deadLetters } = report
    const skipped = page.messages.length - archived - deadLetters.length
    const bytes = page.messages.reduce((sum, { body }) => sum + body.length, 0)
    events.emit('batch:write', { stream, archived, skipped, bytes, seq: next.seq, tookMs })
    for (const letter of deadLetters) events.emit('publication:dead-letter', { stream, ...letter })
    for (const gap of gaps) events.emit('stream:gap', { stream, ...gap })
  }

  private async idle(state: Reading, page: Page): Promise<State> {
    this.succeed()
    this.lag.none()
    const ms = Math.min(idleMs, this.parts.options.batchDelayMs * 2 ** Math.min(state.emptyLooks, 10))
    const next = { ...state, emptyLooks: state.emptyLooks + 1, ahead: this.readAhead(state.checkpoint, ms) }
    return await this.purge(next, page.state)
  }

  private async purge(state: Reading, seen: StreamState): Promise<State> {
    const outcome = await this.purger.purge(state.checkpoint, seen)
    if (outcome.is === 'purged') {
      const { before, messages } = outcome
      this.parts.events.emit('stream:purge', { stream: this.stream, before, messages })
    }
    return outcome.is === 'doubtful' ? { is: 'verifying', writer: state.writer, isSuspect: false } : state
  }

  /** What stands behind `after`, in `ms`. What it fails with is for whoever awaits it; nobody may come to. */
  private readAhead(after: Checkpoint, ms: number): Promise<Ahead> {
    const { broker, options } = this.parts
    const range = { from: after.seq + 1, limit: options.batchMessages, maxBytes: options.batchBytes }
    const pause = ms > 0 ? this.pauses.sleep(ms) : Promise.resolve()
    const ahead = pause
      .then(() => readPage(broker.log, this.stream, range))
      .then((page) => ({ page, batch: this.batchOf(after, page) }))
    ahead.catch(() => {})
    return ahead
  }

  private batchOf(after: Checkpoint, { messages, state }: Page): ArchiveBatch | undefined {
    if (messages.length === 0) return undefined
    const { selection, toJson } = this.parts
    return batchOf({ after, messages, firstSeq: state.firstSeq }, selection, toJson)
  }

  private async fail(state: State, error: unknown): Promise<State> {
    const { events, broker } = this.parts
    const { stream } = this
    const { retryMs, lastedMs, isNew } = this.trouble.fail(error)
    events.emit('stream:fail', { stream, while: state.is, error, retryMs, isNew })
    const writer = 'writer' in state ? state.writer : undefined
    const isPassing = isOfNats(error) && (broker.bus.isConnected || lastedMs < keepRightMs)
    if (writer?.isHeld === true && isPassing) return { is: 'backing-off', writer, ms: retryMs }
    if (writer !== undefined) await this.giveBack(writer)
    if (!broker.bus.isConnected) this.forget()
    return { is: 'backing-off', writer: undefined, ms: retryMs }
  }

  /** Something was written, or nothing is there to be written, or somebody else sees to it. */
  private succeed(): void {
    const ended = this.trouble.end()
    if (ended !== undefined) this.parts.events.emit('stream:recover', { stream: this.stream, ...ended })
  }

  private async backOff({ writer, ms }: State & { is: 'backing-off' }): Promise<State> {
    await this.look()
    await this.pauses.sleep(ms)
    return writer === undefined ? { is: 'waiting' } : { is: 'verifying', writer, isSuspect: false }
  }

  /** How much waits for whoever has the right, or for nobody: what is stored says so. Nothing depends on it. */
  private async lookAtStored(): Promise<void> {
    const { archive, broker } = this.parts
    try {
      const place = { stream: this.stream, epoch: broker.epochOf(this.stream) }
      this.known = { seq: (await archive.read({ ...noPublications, ...place })).checkpointSeq }
      await this.look()
    } catch {
      this.forget()
    }
  }

  /** How much waits meanwhile. Nothing depends on it. */
  private async look(): Promise<void> {
    if (this.known === undefined) return
    const { log } = this.parts.broker
    const { seq } = this.known
    try {
      const { messages, state } = await readPage(log, this.stream, { from: seq + 1, limit: 1, maxBytes: 1 })
      this.lag.behind(seq, messages[0], state)
    } catch {
      // NATS is away as well, and health says so
    }
  }

  /** What was known here would only grow old. */
  private forget(): void {
    this.known = undefined
    this.lag.forget()
  }

  /** The connection of the right is gone, or the right is another mesh's. */
  private async lose(writer: ArchiveWriter): Promise<State> {
    await this.giveBack(writer)
    return { is: 'waiting' }
  }

  private async release(): Promise<void> {
    if ('writer' in this.state && this.state.writer !== undefined) await this.giveBack(this.state.writer)
    this.state = { is: 'waiting' }
    this.lag.forget()
  }

  private async giveBack(writer: ArchiveWriter): Promise<void> {
    await writer.release()
    this.parts.events.emit('stream:release', { stream: this.stream })
  }
}

/** What the archive throws says so; the rest of what is away is NATS. */
function isOfNats(error: unknown): boolean {
  return error instanceof UnavailableError && error.code !== 'archive-away'
}
