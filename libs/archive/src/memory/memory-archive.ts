/** The archive of one process, for tests: what several of them share is the store. */
import { TypedEvents, UnavailableError } from '@natter/primitives'
import type { ArchiveEvents } from '../archive-events.js'
import type {
  Archive,
  ArchiveBatch,
  ArchiveClaim,
  ArchiveGap,
  ArchivePage,
  ArchiveQuery,
  ArchiveRow,
  ArchiveWriter,
  BatchReport,
  Checkpoint,
  Publication,
} from '../archive.js'
import { clipGaps, fitPage } from '../page.js'
import {
  dayOf,
  dayText,
  epochReturned,
  isSameCheckpoint,
  overtaken,
  requireSound,
  unstorable,
} from '../rules.js'

interface EpochState {
  epoch: string
  publications: ArchiveRow[]
  gaps: ArchiveGap[]
  forgotten: { namespace: string; gap: ArchiveGap }[]
  deadLetters: { row: ArchiveRow; reason: string }[]
  closed: { at: Checkpoint; isLossless: boolean } | undefined
}

interface StreamState {
  checkpoint: Checkpoint | undefined
  /** In the order they began. */
  epochs: EpochState[]
  holder: MemoryWriter | undefined
}

/** What a database would hold. */
export class MemoryArchiveStore {
  readonly streams = new Map<string, StreamState>()
  owner: { mesh: string; seenMs: number } | undefined
  private away = false

  get isAway(): boolean {
    return this.away
  }

  /** While true, everything is refused as if Postgres were away, and whoever held a right has lost it. */
  set isAway(isAway: boolean) {
    this.away = isAway
    for (const state of this.streams.values()) state.holder = undefined
  }

  of(stream: string): StreamState {
    let state = this.streams.get(stream)
    if (state === undefined) {
      this.streams.set(stream, (state = { checkpoint: undefined, epochs: [], holder: undefined }))
    }
    return state
  }

  requireThere(): void {
    if (this.isAway) throw new UnavailableError('archive-away', 'The archive is away')
  }

  hasWriterOfMesh(): boolean {
    return [...this.streams.values()].some(
      ({ holder }) => holder?.isHeld === true && holder.mesh !== undefined,
    )
  }

  /** Takes the right of a stream from whoever holds it, as a lost connection does. */
  cut(stream: string): void {
    this.of(stream).holder = undefined
  }
}

export class MemoryArchive implements Archive {
  private readonly writers = new Set<MemoryWriter>()

  constructor(
    readonly store: MemoryArchiveStore = new MemoryArchiveStore(),
    private readonly events: TypedEvents<ArchiveEvents> = new TypedEvents<ArchiveEvents>(),
  ) {}

  async migrate(): Promise<void> {
    this.store.requireThere()
  }

  async claim(mesh: string, ownerTimeoutMs: number): Promise<ArchiveClaim> {
    this.store.requireThere()
    const { owner } = this.store
    const nowMs = Date.now()
    const unseenMs = nowMs - (owner?.seenMs ?? nowMs)
    const isFree = unseenMs >= ownerTimeoutMs && !this.store.hasWriterOfMesh()
    if (owner !== undefined && owner.mesh !== mesh && !isFree)
      return { isOwner: false, owner: owner.mesh, unseenMs }
    this.store.owner = { mesh, seenMs: nowMs }
    return { isOwner: true }
  }

  async acquire(stream: string, mesh?: string): Promise<ArchiveWriter | undefined> {
    this.store.requireThere()
    if (mesh !== undefined && this.store.owner?.mesh !== mesh) return undefined
    const state = this.store.of(stream)
    if (state.holder?.isHeld === true) return undefined
    const writer = new MemoryWriter(stream, mesh, this.store, this.events)
    state.holder = writer
    this.writers.add(writer)
    return writer
  }

  async read(query: ArchiveQuery): Promise<ArchivePage> {
    this.store.requireThere()
    const { checkpoint, epochs } = this.store.of(query.stream)
    const epoch = epochs.find((each) => each.epoch === query.epoch)
    if (epoch === undefined) return { publications: [], isComplete: true, checkpointSeq: 0, gaps: [] }
    const { taken, isAll } = fitPage(matching(epoch, query), query)
    const forgotten = epoch.forgotten.filter(({ namespace }) => namespace === query.namespace)
    return {
      publications: taken,
      isComplete: isAll,
      checkpointSeq: epoch.closed?.at.seq ?? checkpoint?.seq ?? 0,
      gaps: clipGaps([...epoch.gaps, ...forgotten.map(({ gap }) => gap)], query),
    }
  }

  async forget(namespace: string, olderThanMs: number): Promise<number> {
    this.store.requireThere()
    const endDay = Math.floor(olderThanMs / 86_400_000)
    const days = new Set<number>()
    const isOld = (row: ArchiveRow): boolean => row.namespace === namespace && dayOf(row.timeNs) < endDay
    for (const { epochs } of this.store.streams.values()) {
      for (const epoch of epochs) for (const day of forgetRows(epoch, isOld)) days.add(day)
    }
    for (const day of days) this.events.emit('archive:partition:drop', { namespace, day: dayText(day) })
    return days.size
  }

  async problem(): Promise<string | undefined> {
    return this.store.isAway ? 'The archive is away' : undefined
  }

  async close(): Promise<void> {
    for (const writer of this.writers) await writer.release()
  }
}

function forgetRows(epoch: EpochState, isOld: (row: ArchiveRow) => boolean): Set<number> {
  const gone = [...epoch.publications, ...epoch.deadLetters.map(({ row }) => row)].filter(isOld)
  const days = new Set(gone.map(({ timeNs }) => dayOf(timeNs)))
  for (const day of days) {
    const seqs = gone.filter(({ timeNs }) => dayOf(timeNs) === day).map(({ seq }) => seq)
    const gap: ArchiveGap = { from: Math.min(...seqs), to: Math.max(...seqs), reason: 'forgotten' }
    epoch.forgotten.push({ namespace: gone[0]?.namespace ?? '', gap })
  }
  epoch.publications = epoch.publications.filter((row) => !isOld(row))
  epoch.deadLetters = epoch.deadLetters.filter(({ row }) => !isOld(row))
  return days
}

const presentEpoch = ({ epochs, checkpoint }: StreamState): EpochState | undefined =>
  epochs.find(({ epoch }) => epoch === checkpoint?.epoch)

function close(state: StreamState, isLossless: boolean): void {
  const present = presentEpoch(state)
  if (present !== undefined && state.checkpoint !== undefined)
    present.closed = { at: state.checkpoint, isLossless }
}

function matching(epoch: EpochState, query: ArchiveQuery): Publication[] {
  const all = [...epoch.publications, ...epoch.deadLetters.map(({ row }) => row)]
  const sign = query.direction === 'forward' ? 1 : -1
  return all
    .filter(({ namespace, channel }) => namespace === query.namespace && channel === query.channel)
    .filter(({ seq }) => seq > query.after && seq <= query.upTo)
    .toSorted((a, b) => sign * (a.seq - b.seq))
    .map(({ json: _json, ...publication }) => publication)
}

class MemoryWriter implements ArchiveWriter {
  private isReleased = false

  constructor(
    readonly stream: string,
    readonly mesh: string | undefined,
    private readonly store: MemoryArchiveStore,
    private readonly events: TypedEvents<ArchiveEvents>,
  ) {}

  get isHeld(): boolean {
    return !this.isReleased && !this.store.isAway && this.store.of(this.stream).holder === this
  }

  async checkpoint(): Promise<Checkpoint | undefined> {
    return this.held().checkpoint
  }

  async beginEpoch(epoch: string, after: Checkpoint | undefined, isLossless: boolean): Promise<Checkpoint> {
    const state = this.held()
    if (!isSameCheckpoint(state.checkpoint, after)) throw overtaken(this.stream)
    if (state.epochs.some((each) => each.epoch === epoch)) throw epochReturned(this.stream, epoch)
    close(state, isLossless)
    state.epochs.push({
      epoch,
      publications: [],
      gaps: [],
      forgotten: [],
      deadLetters: [],
      closed: undefined,
    })
    state.checkpoint = { epoch, seq: 0, timeNs: 0n, digest: '', rolling: 0 }
    return state.checkpoint
  }

  async closedCheckpoint(epoch: string): Promise<Checkpoint | undefined> {
    return this.held().epochs.find((each) => each.epoch === epoch)?.closed?.at
  }

  async reopenEpoch(closed: Checkpoint, after: Checkpoint, isLossless: boolean): Promise<Checkpoint> {
    const state = this.held()
    const found = state.epochs.find(({ epoch }) => epoch === closed.epoch)
    const isThere = found?.closed !== undefined && isSameCheckpoint(found.closed.at, closed)
    if (!isThere || !isSameCheckpoint(state.checkpoint, after)) throw overtaken(this.stream)
    close(state, isLossless)
    found.closed = undefined
    state.checkpoint = closed
    return closed
  }

  async write(batch: ArchiveBatch): Promise<BatchReport> {
    const state = this.held()
    requireSound(batch)
    const epoch = presentEpoch(state)
    if (epoch === undefined || !isSameCheckpoint(state.checkpoint, batch.after)) throw overtaken(this.stream)
    const deadLetters: BatchReport['deadLetters'] = []
    for (const row of batch.rows) {
      const copy = { ...row, data: Uint8Array.from(row.data) }
      const reason = refusalOf(row)
      if (reason === undefined) epoch.publications.push(copy)
      else {
        epoch.deadLetters.push({ row: copy, reason })
        deadLetters.push({ seq: row.seq, reason })
        this.events.emit('archive:dead-letter:write', {
          stream: this.stream,
          epoch: epoch.epoch,
          seq: row.seq,
          reason,
        })
      }
    }
    epoch.gaps.push(...batch.gaps)
    state.checkpoint = batch.next
    return { archived: batch.rows.length - deadLetters.length, deadLetters }
  }

  async release(): Promise<void> {
    const state = this.store.of(this.stream)
    if (state.holder === this) state.holder = undefined
    this.isReleased = true
  }

  private held(): StreamState {
    if (!this.isHeld) throw new UnavailableError('archive-away', `The right to write ${this.stream} is lost`)
    return this.store.of(this.stream)
  }
}

/** What a database refuses for sure. */
const refusalOf = (row: ArchiveRow): string | undefined =>
  unstorable(row) ?? (row.channel.includes('\0') ? 'the name of the channel contains NUL' : undefined)
