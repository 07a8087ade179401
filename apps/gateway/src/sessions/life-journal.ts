import type { Journal } from '@natter/broker'
import { Backoff, UnavailableError, type Clock, type Timer } from '@natter/primitives'
import { entriesOf, fitting, type OpenOp, type SessionOp } from './session-ops.js'

interface Waiting {
  n: number
  text: string
  resolve(): void
  reject(error: unknown): void
}

export interface LifeJournalOptions {
  journal: Journal
  subject: string
  clock: Clock
  /** What is open now: it stands for all that was written before. */
  open(): readonly OpenOp[]
  onTrouble(error: unknown): void
}

/** Below so many operations compacting isn't worth its two requests. */
const minOps = 1_000

/**
 * What one life of a gateway writes, in batches.
 *
 * J1. The first is written at once; what comes while a batch is on its way makes the next one. One batch is in flight.
 * J2. Operations are stored in the order of the calls. One that can't be stored now is tried again until it is, before what follows.
 * J3. It stays bounded: when twice as much was written as is open, all that is open is written anew and what was before is purged.
 * J4. What waits stays bounded by what is open: clients that come and go while NATS is away leave nothing to be written.
 */
export class LifeJournal {
  /** In the order of the calls. */
  private readonly waiting = new Set<Waiting>()
  /** Those of them that can't have been stored yet, but for the ends; by number. */
  private readonly untried = new Map<number, Waiting>()
  private running: Promise<void> | undefined
  private isStopped = false
  private written = 0
  private pause: Timer | undefined
  private goOn: (() => void) | undefined
  private readonly backoff = new Backoff({ baseMs: 50, maxMs: 1_000 })

  constructor(private readonly options: LifeJournalOptions) {}

  /** Resolves when it is stored. Rejects for what can never be, for what ended before that, and when the journal is stopped. */
  write(op: SessionOp): Promise<void> {
    if (this.isStopped) return Promise.reject(stopped())
    const begun = op.op === 'end' ? this.untried.get(op.n) : undefined
    if (begun !== undefined) return this.withdraw(begun) // J4
    return new Promise((resolve, reject) => {
      const one: Waiting = { n: op.n, text: JSON.stringify(op), resolve, reject }
      this.waiting.add(one)
      if (op.op !== 'end') this.untried.set(op.n, one)
      this.running ??= this.run() // J1
    })
  }

  private withdraw(begun: Waiting): Promise<void> {
    this.untried.delete(begun.n)
    this.waiting.delete(begun)
    begun.reject(left())
    return Promise.resolve()
  }

  /** All of it is over: what waits is rejected. */
  stop(): void {
    this.isStopped = true
    this.pause?.cancel()
    this.goOn?.()
    for (const { reject } of this.waiting) reject(stopped())
    this.waiting.clear()
    this.untried.clear()
  }

  /** Nothing of this life is open any more. @throws UnavailableError. */
  async clear(): Promise<void> {
    this.stop()
    await this.running // what is on its way would come after the purge
    await this.options.journal.purge(this.options.subject)
  }

  private async run(): Promise<void> {
    while (this.waiting.size > 0) {
      const batch = this.nextBatch()
      const isStored = await this.append(batch)
      if (this.isStopped) break
      if (!isStored) continue // J2
      for (const one of batch) this.waiting.delete(one)
      for (const { resolve } of batch) resolve()
      this.written += batch.length
      await this.compact()
    }
    this.running = undefined
  }

  private nextBatch(): Waiting[] {
    const all = [...this.waiting]
    const texts = all.map(({ text }) => text)
    const batch = all.slice(0, fitting(texts, 0))
    for (const { n } of batch) this.untried.delete(n)
    return batch
  }

  private async append(batch: readonly Waiting[]): Promise<boolean> {
    const { journal, subject, onTrouble } = this.options
    const [entry] = entriesOf(batch.map(({ text }) => text))
    if (entry === undefined) return true
    try {
      await journal.append(subject, entry)
      this.backoff.reset()
      return true
    } catch (error) {
      if (this.isStopped) return false
      onTrouble(error)
      if (error instanceof UnavailableError) return this.rest()
      for (const one of batch) this.waiting.delete(one)
      for (const { reject } of batch) reject(error)
      return false
    }
  }

  private rest(): Promise<false> {
    return new Promise((resolve) => {
      this.goOn = () => resolve(false)
      this.pause = this.options.clock.setTimer(this.goOn, this.backoff.next())
    })
  }

  /** J3 */
  private async compact(): Promise<void> {
    const open = this.options.open()
    if (this.written <= minOps + 2 * open.length) return
    const { journal, subject, onTrouble } = this.options
    this.untried.clear() // what is open is written now, whether it waits or not
    try {
      const entries = entriesOf(open.map((op) => JSON.stringify(op)))
      const seqs: (number | undefined)[] = []
      for (const entry of entries) seqs.push(await journal.append(subject, entry))
      await journal.purge(subject, seqs[0]) // nothing is open: nothing is needed
      this.written = open.length
    } catch (error) {
      onTrouble(error) // after the next batch again
    }
  }
}

const stopped = (): UnavailableError =>
  new UnavailableError('gateway-stopping', 'The gateway is stopping: connect to another one')

const left = (): UnavailableError =>
  new UnavailableError('left-meanwhile', 'The client had gone before that was written')
