/**
 * The newest publications of a channel, as a value for a page.
 *
 * V1. Subscribed as long as somebody listens; what is known stays when the last one leaves, and goes on when one comes back.
 * V2. History and live publications are merged by offset: which comes first doesn't matter, nothing is shown twice.
 * V3. After a gap the page is read anew; without `history` the value says that something is missing (`gap`).
 * V4. The value is replaced when something has changed, and only then.
 */
import type { ClientChannel } from '../channel/channel.js'
import type { Gap, Publication } from '../channel/publication.js'
import type { ChannelState } from '../channel/shared-channel.js'
import { Store, type Readable } from '../store.js'

export interface ChannelSnapshot<Data = unknown, Info = unknown, Welcome = unknown> {
  readonly state: ChannelState<Welcome>
  /** Oldest first. */
  readonly publications: readonly Publication<Data, Info>[]
  /** Something before the newest of them is missing. */
  readonly gap?: Gap
  /** Why history could not be read. */
  readonly error?: Error
}

export interface ChannelViewOptions {
  /** How many to read of what is kept. Default 0: from now on. */
  history?: number
  /** How many to keep: the newest. Default 100, or `history` where that is more. */
  limit?: number
}

type Watched<Data, Info, Welcome> = Pick<
  ClientChannel<Data, unknown, Info, Welcome>,
  'state' | 'listen' | 'history'
>

export class ChannelView<Data, Info, Welcome> implements Readable<ChannelSnapshot<Data, Info, Welcome>> {
  private readonly store: Store<ChannelSnapshot<Data, Info, Welcome>>
  private readonly historySize: number
  private readonly limit: number
  private leave: (() => void) | undefined
  /** Live ones since the page was asked for that is to replace all that is shown. V3. */
  private sinceGap: readonly Publication<Data, Info>[] | undefined
  private isRead = false
  private question = 0

  constructor(
    private readonly channel: Watched<Data, Info, Welcome>,
    private readonly onPublication: (publication: Publication<Data, Info>) => void,
    { history = 0, limit = 100 }: ChannelViewOptions,
  ) {
    this.historySize = history
    this.limit = Math.max(history, limit)
    this.store = new Store({ state: channel.state.get(), publications: [] })
  }

  readonly get = (): ChannelSnapshot<Data, Info, Welcome> => this.store.get()

  readonly subscribe = (listener: () => void): (() => void) => {
    const stop = this.store.subscribe(listener)
    this.leave ??= this.begin()
    return () => {
      stop()
      if (this.store.listenerCount > 0) return
      this.question += 1
      this.leave?.()
      this.leave = undefined
    }
  }

  private begin(): () => void {
    const unlisten = this.channel.listen({
      onPublication: (publication) => this.take(publication),
      onGap: (gap) => this.missed(gap),
    })
    const look = (): void => this.changed(this.channel.state.get())
    const unlook = this.channel.state.subscribe(look)
    look()
    return () => {
      unlook()
      unlisten()
      if (this.store.get().publications.length > 0) this.missed({ reason: 'not-recovered' }) // V1: what comes until then isn't heard
    }
  }

  private changed(state: ChannelState<Welcome>): void {
    if (state !== this.store.get().state) this.set({ state })
    const isDue = !this.isRead || this.sinceGap !== undefined
    if (state.kind === 'subscribed' && this.historySize > 0 && isDue) void this.read()
  }

  private take(publication: Publication<Data, Info>): void {
    if (this.sinceGap !== undefined) this.sinceGap = this.merged([publication], this.sinceGap)
    this.set({ publications: this.merged([publication]) })
    this.onPublication(publication)
  }

  private missed(gap: Gap): void {
    if (this.historySize > 0) this.sinceGap = []
    this.set({ gap })
  }

  private async read(): Promise<void> {
    const question = (this.question += 1)
    const page: Publication<Data, Info>[] = []
    let error: Error | undefined
    try {
      for await (const one of this.channel.history({ limit: this.historySize, isReverse: true }))
        page.unshift(one)
    } catch (failure) {
      error = failure instanceof Error ? failure : new Error(String(failure))
    }
    if (question !== this.question) return
    this.isRead = true
    if (error !== undefined) return this.set({ error })
    const { state } = this.store.get()
    const live = this.sinceGap
    this.sinceGap = undefined
    this.store.set({ state, publications: this.merged(page, live) })
  }

  /** V2. */
  private merged(
    added: readonly Publication<Data, Info>[],
    to = this.store.get().publications,
  ): readonly Publication<Data, Info>[] {
    const byOffset = new Map<number, Publication<Data, Info>>()
    const passing: Publication<Data, Info>[] = []
    for (const one of [...to, ...added]) {
      if (one.offset === undefined) passing.push(one)
      else byOffset.set(one.offset, one)
    }
    if (byOffset.size === 0) return passing.slice(-this.limit)
    const placed = [...byOffset.values()].toSorted((a, b) => a.offset! - b.offset!)
    return [...placed, ...passing].slice(-this.limit)
  }

  private set(change: Partial<ChannelSnapshot<Data, Info, Welcome>>): void {
    this.store.set({ ...this.store.get(), ...change })
  }
}
