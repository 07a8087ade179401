/**
 * Publications of a channel, one after the other.
 *
 * R1. What isn't read yet is kept up to `maxUnread`. Beyond that the oldest goes and the next one read says how many (`gap`), or, with
 *     `whenFull: 'end'`, the reader ends with an error after what is kept.
 * R2. It ends quietly when it is closed, and by an error when the server ended it; what came before is read first.
 * R3. After the end nothing is held: the loop's `break` closes it too.
 */
import { UnavailableError } from '@natter/primitives'
import type { Readable } from '../store.js'
import type { Gap, Publication } from './publication.js'
import type { ChannelState, Holder } from './shared-channel.js'

export interface ReadOptions {
  /** Publications; default 1,000. */
  maxUnread?: number
  /** Default `drop-oldest`. */
  whenFull?: 'drop-oldest' | 'end'
  /** Something is missing from here on; the next publication says so too. */
  onGap?: (gap: Gap) => void
}

/** What a reader reads from. */
export interface Source {
  readonly state: Readable<ChannelState>
  hold(holder: Holder): () => void
}

/** Each publication is told to one loop. */
export interface Reader<Data, Info = unknown> extends AsyncIterable<Publication<Data, Info>> {
  /** Resolves when the channel is subscribed. @throws (rejects) RefusedError: the server said no; UnavailableError `reader-closed`. */
  ready(): Promise<void>
  close(): void
  [Symbol.dispose](): void
}

type End = { kind: 'open' } | { kind: 'closed' } | { kind: 'failed'; error: Error }

export class ChannelReader<Data, Info> implements Reader<Data, Info> {
  private readonly unread: Publication[] = []
  private readonly waiting = new Set<() => void>()
  private readonly maxUnread: number
  private readonly release: () => void
  /** What is missing before the next one that comes. */
  private gap: Gap | undefined
  /** What is missing before the oldest one that is unread. */
  private hole: Gap | undefined
  private end: End = { kind: 'open' }

  constructor(
    private readonly source: Source,
    private readonly options: ReadOptions,
    private readonly onClose: (reader: { close(): void }) => void,
  ) {
    this.maxUnread = Math.max(1, options.maxUnread ?? 1_000)
    this.release = source.hold({
      onPublication: (publication) => this.take(publication),
      onGap: (gap) => this.missed(gap),
      onEnd: (error) => this.finish({ kind: 'failed', error }),
    })
  }

  ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): boolean => {
        const state = this.source.state.get()
        if (this.end.kind === 'failed') reject(this.end.error)
        else if (this.end.kind === 'closed')
          reject(new UnavailableError('reader-closed', 'The reader was closed.'))
        else if (state.kind === 'ended') reject(state.error)
        else if (state.kind === 'subscribed') resolve()
        else return false
        return true
      }
      if (look()) return
      const again = (): void => {
        if (!look()) return
        leave()
        this.waiting.delete(again)
      }
      const leave = this.source.state.subscribe(again)
      this.waiting.add(again)
    })
  }

  close(): void {
    this.finish({ kind: 'closed' })
  }

  [Symbol.dispose](): void {
    this.close()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Publication<Data, Info>, void> {
    try {
      for (;;) {
        const next = this.next()
        if (next !== undefined) yield next as Publication<Data, Info>
        else if (this.end.kind === 'open') await this.change()
        else break
      }
      if (this.end.kind === 'failed') throw this.end.error // R2
    } finally {
      this.close() // R3
    }
  }

  private change(): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.waiting.delete(wake)
        resolve()
      }
      this.waiting.add(wake)
    })
  }

  private take(publication: Publication): void {
    if (this.unread.length >= this.maxUnread) {
      if (this.options.whenFull === 'end')
        return this.finish({ kind: 'failed', error: tooSlow(this.maxUnread) })
      this.drop()
    }
    const { gap } = this
    this.gap = undefined
    this.unread.push(gap === undefined ? publication : { ...publication, gap })
    this.wake()
  }

  /** R1 */
  private drop(): void {
    const isFirst = this.hole === undefined
    this.hole = holeAfter(this.hole, this.unread.shift()?.gap)
    if (isFirst) this.options.onGap?.(this.hole)
  }

  private next(): Publication | undefined {
    const publication = this.unread.shift()
    const { hole } = this
    if (publication === undefined || hole === undefined) return publication
    this.hole = undefined
    return publication.gap?.reason === 'not-recovered' ? publication : { ...publication, gap: hole }
  }

  private missed(gap: Gap): void {
    this.gap = gap
    this.options.onGap?.(gap)
  }

  private finish(end: End): void {
    if (this.end.kind !== 'open') return
    this.end = end
    this.release()
    this.onClose(this)
    this.wake()
  }

  private wake(): void {
    for (const wake of this.waiting) wake()
  }
}

/** That nothing is proved says more than how many went. */
function holeAfter(hole: Gap | undefined, gone: Gap | undefined): Gap {
  if (hole?.reason === 'not-recovered') return hole
  if (gone?.reason === 'not-recovered') return gone
  return { reason: 'slow-reader', dropped: (hole?.dropped ?? 0) + 1 }
}

const tooSlow = (maxUnread: number): UnavailableError =>
  new UnavailableError(
    'slow-reader',
    `More than ${maxUnread} publications were not read: read faster, or drop.`,
  )
