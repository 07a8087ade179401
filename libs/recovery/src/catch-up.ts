import { UnavailableError } from '@natter/primitives'
import type { FeedState } from './channel-feed.js'
import type { LogMessage } from './message.js'
import type { Ring } from './ring.js'

/**
 * One subscriber's way into a live channel: from the position it knows to `last`, then into the topic.
 *
 * C1. The subscriber gets each message above its position once, in order: what the ring or the log has up to `last`, and
 *     from there what comes live, because it joins the topic in the very turn in which nothing up to `last` is missing.
 * C2. `recovered` is only said when it can be proved that no message in between is missing: the ring covers it, or the
 *     stream's oldest message, read after the messages, is not above the position.
 * C3. What a read returns above `last` is cut off: it will come live.
 * C4. Between two turns everything may have changed. Whoever went away, or may no longer subscribe, is left alone.
 * C5. Memory is one page per subscriber that catches up, and so is what is sent at once.
 * C6. A position above `last` is only joined when nothing of the channel lies in between: a node that opened at a stale
 *     position delivers what the client already has. `last` falls when the channel breaks and opens anew.
 */

/** The channel on this node. */
export interface CatchUpSource<M extends LogMessage> {
  readonly kind: FeedState
  readonly last: number
  readonly ring: Ring<M>
  /** Resolves when the feed became live; rejects with UnavailableError when that doesn't happen in time. */
  whenLive(): Promise<void>
  /**
   * Messages with `after < seq ≤ upTo`, ascending; `isComplete`: there are no more up to `upTo`. A replica that lags may
   * answer fewer, but then must not say so: whoever can't tell asks the leader for the rest.
   */
  read(
    after: number,
    upTo: number,
    page: PageLimits,
  ): Promise<{ messages: readonly M[]; isComplete: boolean }>
  /** The oldest sequence that the stream keeps, read after this call began. */
  firstSeq(): Promise<number>
  /** The stream's newest sequence, and the channel's (0 = none). */
  tops(): Promise<{ upTo: number; newest: number }>
  /** Tells the feed that `seq` exists. */
  seen(seq: number): void
}

export interface PageLimits {
  count: number
  bytes: number
}

/** The subscriber. All but `page` act at once, in the caller's turn. */
export interface CatchUpTarget<M extends LogMessage> {
  /** C4. */
  isWanted(): boolean
  reply(outcome: CatchUpReply<M>): void
  /** Sends messages as ordinary publications, at once; resolves when the socket took them, never rejects. */
  page(messages: readonly M[]): Promise<void>
  /** Joins the topic: from here on the channel's live messages arrive. */
  join(): void
}

export interface CatchUpReply<M> {
  /** Undefined: nobody asked to recover. */
  recovered?: boolean
  messages: readonly M[]
  /** The position from which the client walks forward. */
  offset: number
}

export interface CatchUpRequest {
  /** The position to resume from; undefined = just join. */
  from: number | undefined
  page: PageLimits
  /** The namespace caps what may be recovered: more than this, or older, is not recovered. Undefined = no cap. */
  cap?: { page: PageLimits; oldestNs: bigint | undefined }
}

/** `joined`; `left`: not wanted any more; `hole`: found after the reply, the subscriber must resume from where it stands. */
export type CatchUpEnd = 'joined' | 'left' | 'hole'

/** @throws UnavailableError when the channel can't be opened or read now and nothing was replied yet. */
export function catchUp<M extends LogMessage>(
  source: CatchUpSource<M>,
  target: CatchUpTarget<M>,
  request: CatchUpRequest,
): Promise<CatchUpEnd> {
  return new CatchUp(source, target, request).run()
}

class CatchUp<M extends LogMessage> {
  private hasReplied = false
  /** The last look at the stream's end. */
  private tops = { upTo: 0, newest: 0 }

  constructor(
    private readonly source: CatchUpSource<M>,
    private readonly target: CatchUpTarget<M>,
    private readonly request: CatchUpRequest,
  ) {}

  async run(): Promise<CatchUpEnd> {
    const { from } = this.request
    if (from === undefined) return this.joinLive(undefined)
    try {
      return await this.walk(from)
    } catch (error) {
      if (!this.hasReplied || !(error instanceof UnavailableError)) throw error
      return this.endWithHole() // a command is answered once
    }
  }

  /** Applies until something was replied; what is missed after that is sent in pages, however much it is. */
  private get cap(): CatchUpRequest['cap'] {
    return this.hasReplied ? undefined : this.request.cap
  }

  private async walk(start: number): Promise<CatchUpEnd> {
    let position = start
    for (;;) {
      await this.source.whenLive()
      if (this.source.kind !== 'live') continue // C4: it left that state since the promise was resolved
      if (!this.target.isWanted()) return 'left' // C4
      if (!this.hasReached(position)) {
        if (await this.reach(position)) continue
        return this.endWithHole()
      }
      const end = this.finish(start, position, [])
      if (end !== undefined) return end
      const page = await this.readPage(position)
      if (!this.target.isWanted()) return 'left'
      if (page === undefined) return this.endWithHole()
      if (page.isComplete && this.source.kind === 'live' && this.hasReached(page.reached)) {
        const joined = this.finish(start, page.reached, page.messages)
        if (joined !== undefined) return joined
      }
      await this.sendPage(start, page.messages)
      position = page.reached
    }
  }

  /** C6. */
  private hasReached(position: number): boolean {
    const { last } = this.source
    return position <= last || (position <= this.tops.upTo && this.tops.newest <= last)
  }

  /** The client is ahead of this node: looks how far, and lets the feed go there. False: beyond the stream's end. */
  private async reach(position: number): Promise<boolean> {
    this.tops = await this.source.tops()
    if (this.tops.upTo < position) return false // not a position of this numbering
    this.source.seen(this.tops.newest)
    return true
  }

  /** Without a reply the subscriber can still join as it is, knowing that it didn't recover. */
  private endWithHole(): CatchUpEnd | Promise<CatchUpEnd> {
    if (!this.hasReplied) return this.joinLive(false)
    return this.target.isWanted() ? 'hole' : 'left'
  }

  /** Joins if the ring has what lies above `position` and it fits; else undefined. All in one turn (C1). */
  private finish(start: number, position: number, messages: readonly M[]): CatchUpEnd | undefined {
    const tail = this.source.ring.after(position)
    if (tail === undefined) return undefined
    const all = messages.length === 0 ? tail : [...messages, ...tail]
    if (this.isOverCap(all)) return this.joinFresh(false)
    if (this.cap === undefined && !fits(all, this.request.page)) return undefined // C5
    this.send(start, all)
    this.target.join()
    return 'joined'
  }

  /** The next page from ring or log, proved to be without a hole (C2), or undefined. */
  private async readPage(
    position: number,
  ): Promise<{ messages: readonly M[]; isComplete: boolean; reached: number } | undefined> {
    const { cap } = this
    // one more than the cap: exactly as many as the cap are still recovered
    const limits =
      cap === undefined ? this.request.page : { count: cap.page.count + 1, bytes: cap.page.bytes }
    const upTo = this.source.last
    const held = this.source.ring.after(position)
    if (held !== undefined) {
      const messages = firstPage(held, limits)
      return { messages, isComplete: false, reached: messages.at(-1)?.seq ?? upTo }
    }
    const { messages, isComplete } = await this.source.read(position, upTo, limits)
    const isProved = (await this.source.firstSeq()) <= position + 1
    const isCapped = cap !== undefined && (!isComplete || this.isOverCap(messages))
    if (!isProved || isCapped) return undefined
    return { messages, isComplete, reached: isComplete ? upTo : (messages.at(-1)?.seq ?? position) }
  }

  private isOverCap(messages: readonly M[]): boolean {
    const { cap } = this
    if (cap === undefined) return false
    const [oldest] = messages
    if (oldest !== undefined && cap.oldestNs !== undefined && oldest.timeNs < cap.oldestNs) return true
    return !fits(messages, cap.page)
  }

  private async sendPage(start: number, messages: readonly M[]): Promise<void> {
    if (!this.hasReplied) return this.send(start, messages)
    if (messages.length > 0) await this.target.page(messages)
  }

  private send(start: number, messages: readonly M[]): void {
    if (this.hasReplied) {
      if (messages.length > 0) void this.target.page(messages)
      return
    }
    this.hasReplied = true
    this.target.reply({ recovered: true, messages, offset: start })
  }

  private async joinLive(recovered: boolean | undefined): Promise<CatchUpEnd> {
    do await this.source.whenLive()
    while (this.source.kind !== 'live') // C4
    return this.joinFresh(recovered)
  }

  private joinFresh(recovered: boolean | undefined): CatchUpEnd {
    if (!this.target.isWanted()) return 'left'
    const outcome: CatchUpReply<M> = { messages: [], offset: this.source.last }
    if (recovered !== undefined) outcome.recovered = recovered
    this.target.reply(outcome)
    this.target.join()
    return 'joined'
  }
}

function fits(messages: readonly LogMessage[], limits: PageLimits): boolean {
  if (messages.length > limits.count) return false
  let bytes = 0
  for (const message of messages) bytes += message.bytes
  return bytes <= limits.bytes || messages.length <= 1
}

function firstPage<M extends LogMessage>(messages: readonly M[], limits: PageLimits): readonly M[] {
  let bytes = 0
  let count = 0
  for (const message of messages) {
    bytes += message.bytes
    if (count === limits.count || (bytes > limits.bytes && count > 0)) break
    count += 1
  }
  return messages.slice(0, count)
}
