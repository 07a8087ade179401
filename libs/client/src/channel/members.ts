/**
 * Who is in a channel: asked, never counted from joins and leaves, so that what was missed heals by itself.
 *
 * M1. Asks when the channel is subscribed, a moment after joins and leaves (one question for a burst), and every half minute.
 * M2. The value changes only when somebody came, went or is told differently: pages draw no more often than that.
 * M3. An answer that comes after it was closed, or after a younger question, is nobody's.
 */
import type { Clock, Timer } from '@natter/primitives'
import { Store, type Readable } from '../store.js'
import type { Member } from './publication.js'
import type { Source } from './reader.js'

export type Members<Info = unknown> =
  | { readonly kind: 'unknown' }
  /** By user, then by connection. */
  | { readonly kind: 'known'; readonly members: readonly Member<Info>[] }
  /** The channel can't be asked: not allowed, or ended. */
  | { readonly kind: 'failed'; readonly error: Error }

const burstMs = 200
const refreshMs = 30_000

export interface MembersParts<Info> {
  source: Source
  ask(): Promise<readonly Member<Info>[]>
  clock: Clock
}

export class MembersWatch<Info> implements Readable<Members<Info>> {
  private readonly store = new Store<Members<Info>>({ kind: 'unknown' })
  private timer: Timer | undefined
  private question = 0
  private leave: (() => void) | undefined

  constructor(private readonly parts: MembersParts<Info>) {}

  readonly get = this.store.get

  /** Watches as long as somebody listens. */
  readonly subscribe = (listener: () => void): (() => void) => {
    const stop = this.store.subscribe(listener)
    this.leave ??= this.begin()
    return () => {
      stop()
      if (this.store.listenerCount === 0) this.end()
    }
  }

  private begin(): () => void {
    const { source } = this.parts
    const soon = (): void => this.schedule(burstMs)
    const unhold = source.hold({
      onJoin: soon,
      onLeave: soon,
      onEnd: (error) => this.store.set({ kind: 'failed', error }),
    })
    const look = (): void => {
      if (source.state.get().kind === 'subscribed') this.schedule(0)
      else this.timer?.cancel() // asked again when it is; or never, when the client is closed
    }
    const unlook = source.state.subscribe(look)
    look()
    return () => {
      unlook()
      unhold()
    }
  }

  private end(): void {
    this.question += 1 // M3
    this.timer?.cancel()
    this.timer = undefined
    this.leave?.()
    this.leave = undefined
  }

  private schedule(ms: number): void {
    this.timer?.cancel()
    this.timer = this.parts.clock.setTimer(() => void this.refresh(), ms)
  }

  private async refresh(): Promise<void> {
    const question = (this.question += 1)
    const answer = await this.parts.ask().then(known<Info>, failed)
    if (question !== this.question || this.leave === undefined) return // M3
    const before = this.store.get()
    const isLost = answer.kind === 'failed' && before.kind === 'known' // says nothing about who is here
    if (!isLost && !isSame(before, answer)) this.store.set(answer) // M2
    const isWatched = this.leave !== undefined && this.parts.source.state.get().kind === 'subscribed'
    if (isWatched) this.schedule(refreshMs)
  }
}

const known = <Info>(members: readonly Member<Info>[]): Members<Info> => ({
  kind: 'known',
  members: members.toSorted((a, b) => compare(a.user, b.user) || compare(a.client, b.client)),
})

const failed = (error: unknown): Members<never> => ({
  kind: 'failed',
  error: error instanceof Error ? error : new Error(String(error)),
})

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

function isSame(before: Members, now: Members): boolean {
  if (before.kind !== 'known' || now.kind !== 'known') return false
  return JSON.stringify(before.members) === JSON.stringify(now.members)
}
