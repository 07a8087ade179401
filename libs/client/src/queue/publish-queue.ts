/**
 * Publications on their way, kept through reconnects.
 *
 * Q1. In each channel one is under way at a time, in the order of the calls: one that must be sent again holds back those after it.
 *     Channels don't hold back each other.
 * Q2. A publication is sent until it is answered, each time under the same key: the server stores it once and answers its first place.
 * Q3. Each promise is settled exactly once: stored; refused for good; `queue-full`; `client-closed` and `connection-ended`, certainly not
 *     sent; `publish-outcome-unknown`, sent and never answered.
 * Q4. The server knows a key for two minutes. Nothing is sent again later than `repeatForMs` after it was first sent: it could be stored
 *     twice. What was never sent may wait as long as it must.
 * Q5. Bounded by `maxWaiting`; after `end` nothing is left, no timer either.
 * Q6. Where this client is about to subscribe to the channel, its publications wait for that: it may be what permits them.
 */
import { Backoff, UnavailableError, UnknownOutcomeError, type Clock, type Timer } from '@natter/primitives'

export interface Published {
  /** Where it is stored; absent where the channel isn't kept. */
  readonly position?: { readonly offset: number; readonly epoch: string }
}

export interface Outgoing {
  readonly channel: string
  readonly data: unknown
  readonly key: string
}

/** What became of one attempt. */
export type Attempt =
  | { kind: 'stored'; published: Published }
  | { kind: 'refused'; error: Error }
  /** May be stored or not: to be sent again. */
  | { kind: 'again' }

export interface PublishQueueParts {
  /** Never rejects. */
  send(outgoing: Outgoing): Promise<Attempt>
  /** Whether nothing may be sent to the channel for now; `nudge` says when that is over. Q6. */
  isHeld?(channel: string): boolean
  clock: Clock
  random?: () => number
  /** Default 1,000, over all channels. */
  maxWaiting?: number
  /** Default 100,000: the server's two minutes less what an attempt may take. */
  repeatForMs?: number
}

interface Entry extends Outgoing {
  resolve(published: Published): void
  reject(error: Error): void
}

/** What one channel does with the first of its entries. */
type Work =
  | { kind: 'idle' }
  | { kind: 'sending' }
  /** Was sent, and is to be sent again. */
  | { kind: 'pausing'; timer: Timer }

interface Lane {
  readonly entries: Entry[]
  readonly backoff: Backoff
  work: Work
  /** Runs from the first attempt of the first entry. Q4. */
  deadline: Timer | undefined
}

export class PublishQueue {
  private readonly lanes = new Map<string, Lane>()
  private readonly emptied = new Set<() => void>()
  private waiting = 0
  private isOpen = false
  private isEnded = false

  constructor(private readonly parts: PublishQueueParts) {}

  /** What isn't settled yet. */
  get size(): number {
    return this.waiting
  }

  push(outgoing: Outgoing): Promise<Published> {
    return new Promise((resolve, reject) => {
      if (this.isEnded) return reject(closed())
      const { maxWaiting = 1_000 } = this.parts
      if (this.waiting >= maxWaiting) return reject(queueFull(maxWaiting)) // Q5
      const lane = this.lane(outgoing.channel)
      lane.entries.push({ ...outgoing, resolve, reject })
      this.waiting += 1
      this.proceed(lane)
    })
  }

  /** There is a connection: what waits is sent at once. */
  open(): void {
    this.isOpen = true
    for (const lane of this.lanes.values()) {
      lane.backoff.reset()
      if (lane.work.kind === 'pausing') this.rest(lane)
      this.proceed(lane)
    }
  }

  /** What waits in the channel is sent, if it may. */
  nudge(channel: string): void {
    const lane = this.lanes.get(channel)
    if (lane !== undefined) this.proceed(lane)
  }

  /** There is none, for now. */
  pause(): void {
    this.isOpen = false
  }

  /** There won't be one: settles everything. What comes later waits for the next `open`. */
  abandon(): void {
    this.isOpen = false
    this.clear(abandoned)
  }

  /** For good. Q5. */
  end(): void {
    this.isEnded = true
    this.isOpen = false
    this.clear(closed)
  }

  /** Resolves when nothing waits. */
  async whenEmpty(): Promise<void> {
    if (this.waiting > 0) await new Promise<void>((resolve) => this.emptied.add(resolve))
  }

  private lane(channel: string): Lane {
    const known = this.lanes.get(channel)
    if (known !== undefined) return known
    const backoff = new Backoff({ baseMs: 200, maxMs: 5_000 }, this.parts.random)
    const lane: Lane = { entries: [], backoff, work: { kind: 'idle' }, deadline: undefined }
    this.lanes.set(channel, lane)
    return lane
  }

  /** Q1. */
  private proceed(lane: Lane): void {
    const [entry] = lane.entries
    if (entry === undefined || !this.isOpen || lane.work.kind !== 'idle') return
    if (this.parts.isHeld?.(entry.channel) === true) return // Q6
    lane.work = { kind: 'sending' }
    lane.deadline ??= this.parts.clock.setTimer(
      () => this.giveUp(lane, entry),
      this.parts.repeatForMs ?? 100_000,
    )
    void this.parts.send(entry).then((attempt) => this.attempted(lane, entry, attempt))
  }

  private attempted(lane: Lane, entry: Entry, attempt: Attempt): void {
    lane.work = { kind: 'idle' }
    if (lane.entries[0] === entry) {
      if (attempt.kind === 'again') return this.repeat(lane)
      this.settle(lane, () => outcome(entry, attempt))
    } // else it was given up meanwhile
    this.proceed(lane)
    this.forgetIfIdle(entry.channel, lane)
  }

  private repeat(lane: Lane): void {
    if (!this.isOpen) return // `open` goes on
    const again = (): void => {
      lane.work = { kind: 'idle' }
      this.proceed(lane)
    }
    lane.work = { kind: 'pausing', timer: this.parts.clock.setTimer(again, lane.backoff.next()) }
  }

  /** Q4. What is under way is waited for, so that the next one doesn't overtake it. */
  private giveUp(lane: Lane, entry: Entry): void {
    lane.deadline = undefined
    if (lane.work.kind === 'pausing') this.rest(lane)
    this.settle(lane, () => entry.reject(unknown()))
    this.proceed(lane)
    this.forgetIfIdle(entry.channel, lane)
  }

  private rest(lane: Lane): void {
    if (lane.work.kind === 'pausing') lane.work.timer.cancel()
    lane.work = { kind: 'idle' }
  }

  private settle(lane: Lane, tell: () => void): void {
    lane.deadline?.cancel()
    lane.deadline = undefined
    lane.backoff.reset()
    lane.entries.shift()
    this.waiting -= 1
    tell()
    this.tellIfEmpty()
  }

  private forgetIfIdle(channel: string, lane: Lane): void {
    if (lane.entries.length === 0 && lane.work.kind === 'idle') this.lanes.delete(channel)
  }

  /** An attempt that is still under way finds its entry gone. */
  private clear(neverSent: () => Error): void {
    for (const [channel, lane] of this.lanes) {
      const wasSent = lane.deadline !== undefined
      if (lane.work.kind === 'pausing') this.rest(lane)
      lane.deadline?.cancel()
      lane.deadline = undefined
      for (const [index, entry] of lane.entries.splice(0).entries()) {
        this.waiting -= 1
        entry.reject(index === 0 && wasSent ? unknown() : neverSent())
      }
      this.forgetIfIdle(channel, lane)
    }
    this.tellIfEmpty()
  }

  private tellIfEmpty(): void {
    if (this.waiting > 0) return
    for (const resolve of this.emptied) resolve()
    this.emptied.clear()
  }
}

function outcome(entry: Entry, attempt: Exclude<Attempt, { kind: 'again' }>): void {
  if (attempt.kind === 'stored') entry.resolve(attempt.published)
  else entry.reject(attempt.error)
}

const closed = (): UnavailableError =>
  new UnavailableError('client-closed', 'The client was closed before this was sent.')

const abandoned = (): UnavailableError =>
  new UnavailableError('connection-ended', 'The server ended the connection before this was sent.')

const queueFull = (max: number): UnavailableError =>
  new UnavailableError(
    'queue-full',
    `${max} publications wait already: publish when some of them are through.`,
  )

const unknown = (): UnknownOutcomeError =>
  new UnknownOutcomeError(
    'publish-outcome-unknown',
    'It was sent and never answered: it may be stored. Look at the history before you publish it again.',
  )
