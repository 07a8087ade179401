/** An archive of one stream in memory that fails when told to, before it has written or after. */
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
} from '@natter/archive'
import { InternalError, UnavailableError } from '@natter/primitives'

export type Operation =
  'migrate' | 'claim' | 'acquire' | 'checkpoint' | 'begin' | 'write' | 'written' | 'forget'

export const away = (): UnavailableError => new UnavailableError('archive-away', 'Gone, on purpose')

export class BadArchive implements Archive {
  readonly rows: (ArchiveRow & { epoch: string })[] = []
  readonly gaps: (ArchiveGap & { epoch: string })[] = []
  readonly epochs: { epoch: string; isLossless: boolean }[] = []
  readonly closed = new Map<string, Checkpoint>()
  readonly batches: ArchiveBatch[] = []
  readonly forgotten: { namespace: string; olderThanMs: number }[] = []
  stored: Checkpoint | undefined
  /** Another mesh that has the archive. */
  owner: string | undefined
  /** Throws to fail the operation; `written` is after the commit, where the answer is lost. */
  fault: (operation: Operation) => void | Promise<void> = () => {}
  /** Sequences that the store refuses. */
  refuses: (row: ArchiveRow) => boolean = () => false
  private holder: BadWriter | undefined

  async migrate(): Promise<void> {
    await this.fault('migrate')
  }

  async claim(): Promise<ArchiveClaim> {
    await this.fault('claim')
    return this.owner === undefined ? { isOwner: true } : { isOwner: false, owner: this.owner, unseenMs: 0 }
  }

  async acquire(stream: string, mesh?: string): Promise<ArchiveWriter | undefined> {
    await this.fault('acquire')
    if (this.holder?.isHeld === true) return undefined
    if (mesh !== undefined && this.owner !== undefined) return undefined
    this.holder = new BadWriter(this, stream, mesh)
    return this.holder
  }

  /** As when the connection of the right is cut by somebody else. */
  cut(): void {
    if (this.holder !== undefined) this.holder.isHeld = false
  }

  async read({ epoch }: ArchiveQuery): Promise<ArchivePage> {
    const last = this.stored?.epoch === epoch ? this.stored : this.closed.get(epoch)
    return { publications: [], isComplete: true, checkpointSeq: last?.seq ?? 0, gaps: [] }
  }

  async forget(namespace: string, olderThanMs: number): Promise<number> {
    await this.fault('forget')
    this.forgotten.push({ namespace, olderThanMs })
    return 1
  }

  async problem(): Promise<undefined> {}

  async close(): Promise<void> {
    this.cut()
  }
}

class BadWriter implements ArchiveWriter {
  isHeld = true

  constructor(
    private readonly archive: BadArchive,
    readonly stream: string,
    readonly mesh: string | undefined,
  ) {}

  async checkpoint(): Promise<Checkpoint | undefined> {
    await this.attempt('checkpoint')
    return this.archive.stored
  }

  async beginEpoch(epoch: string, after: Checkpoint | undefined, isLossless: boolean): Promise<Checkpoint> {
    await this.attempt('begin')
    this.requireAt(after)
    if (this.archive.epochs.some((known) => known.epoch === epoch)) {
      throw new InternalError('archive-epoch-returned', 'This epoch is over')
    }
    this.archive.epochs.push({ epoch, isLossless })
    if (after !== undefined) this.archive.closed.set(after.epoch, after)
    this.archive.stored = { epoch, seq: 0, timeNs: 0n, digest: '', rolling: 0 }
    return this.archive.stored
  }

  async closedCheckpoint(epoch: string): Promise<Checkpoint | undefined> {
    await this.attempt('checkpoint')
    return this.archive.closed.get(epoch)
  }

  async reopenEpoch(closed: Checkpoint, after: Checkpoint): Promise<Checkpoint> {
    await this.attempt('begin')
    this.requireAt(after)
    if (this.archive.closed.get(closed.epoch) !== closed)
      throw new InternalError('archive-overtaken', 'Somebody else has reopened it')
    this.archive.closed.set(after.epoch, after)
    this.archive.closed.delete(closed.epoch)
    this.archive.stored = closed
    return closed
  }

  async write(batch: ArchiveBatch): Promise<BatchReport> {
    await this.attempt('write')
    this.requireAt(batch.after)
    const { epoch } = batch.next
    const refused = batch.rows.filter((row) => this.archive.refuses(row))
    const taken = batch.rows.filter((row) => !this.archive.refuses(row))
    this.archive.batches.push(batch)
    this.archive.rows.push(...taken.map((row) => ({ ...row, epoch })))
    this.archive.gaps.push(...batch.gaps.map((gap) => ({ ...gap, epoch })))
    this.archive.stored = batch.next
    await this.attempt('written')
    return { archived: taken.length, deadLetters: refused.map(({ seq }) => ({ seq, reason: 'refused' })) }
  }

  async release(): Promise<void> {
    this.isHeld = false
  }

  private async attempt(operation: Operation): Promise<void> {
    if (!this.isHeld) throw away()
    try {
      await this.archive.fault(operation)
    } catch (error) {
      this.isHeld = false
      throw error
    }
  }

  private requireAt(checkpoint: Checkpoint | undefined): void {
    const { stored } = this.archive
    if (stored?.epoch === checkpoint?.epoch && stored?.seq === checkpoint?.seq) return
    throw new InternalError('archive-overtaken', 'Somebody else is ahead')
  }
}
