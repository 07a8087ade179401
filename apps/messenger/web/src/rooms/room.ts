/**
 * One room: a subscription, its messages, who is in it, what I am sending to it.
 *
 * R1. Live and recovered publications come by the subscription's events, older ones by `history`; the timeline merges
 *     them by offset, so it does not matter which is first.
 * R2. History is read when the subscription starts and after `recovered: false`, and not after a resume that the server
 *     vouches for.
 * R3. Publications that arrive while a newest page is being read are kept: the page is merged under them, or they are
 *     laid over the page.
 */
import type { Centrifuge, HistoryResult, StreamPosition, SubscribedContext, Subscription } from 'centrifuge'
import type { Session } from '../session/session.js'
import { Store } from '../store.js'
import { readMessage, type StoredMessage } from './chat-message.js'
import { Outbox } from './outbox.js'
import { PeopleWatch } from './people.js'
import {
  addHistory,
  addStored,
  EMPTY_TIMELINE,
  restartFrom,
  withOwn,
  type HistoryPage,
  type OwnMessage,
} from './timeline.js'

export type RoomStatus =
  /** `isHeld`: the server said "not now"; the SDK tries again by itself. */
  | { kind: 'opening'; isHeld: boolean }
  | { kind: 'open' }
  /** The history of a room that is open could not be read. */
  | { kind: 'unreadable'; reason: string }
  | { kind: 'refused'; reason: string }

export type OlderStatus = 'idle' | 'loading' | 'failed'

const PAGE = 50
/** The server may say "try again" while the messenger starts again, which takes seconds. */
const RETRY = { minResubscribeDelay: 200, maxResubscribeDelay: 4_000 }

export class Room {
  readonly channel: string
  readonly status = new Store<RoomStatus>({ kind: 'opening', isHeld: false })
  readonly timeline = new Store(EMPTY_TIMELINE)
  readonly older = new Store<OlderStatus>('idle')
  /** Messages of others since the room was last looked at. */
  readonly unread = new Store(0)
  /** What is being written; it stays when another room is looked at. */
  readonly draft = new Store('')
  readonly outbox: Outbox
  readonly people: PeopleWatch
  /** Called with the words of each new message of somebody else, of each refusal and each answer of the bot: for announcing them. */
  onNews: ((words: string) => void) | undefined
  /** Called when the writer should go on writing. */
  onWrite: (() => void) | undefined
  readonly #subscription: Subscription
  #isWatched = false
  #duringRead: StoredMessage[] | undefined
  /** Since this offset something may be missing; known until a newest page has been read, whatever comes between (R2). */
  #unproven: { since: number } | undefined

  constructor(
    private readonly client: Centrifuge,
    readonly name: string,
    private readonly session: Session,
  ) {
    this.channel = channelOf(name)
    this.#subscription = client.newSubscription(this.channel, {
      recoverable: true,
      positioned: true,
      joinLeave: true,
      ...RETRY,
    })
    this.people = new PeopleWatch(this.#subscription)
    this.outbox = new Outbox(
      session,
      (data) => (this.#subscription.state === 'subscribed' ? this.#subscription.publish(data) : undefined),
      (own) => this.timeline.update((timeline) => withOwn(timeline, own)),
      ({ delivery }) => this.#onSettled(delivery),
    )
    this.#listen()
    this.#subscription.subscribe()
  }

  /** While it is looked at nothing is unread. */
  watch(): () => void {
    this.#isWatched = true
    this.unread.set(0)
    return () => {
      this.#isWatched = false
    }
  }

  /** A refused message back into the box, in front of what is there. */
  edit(key: string): void {
    const text = this.outbox.takeBack(key)
    this.draft.update((draft) => (draft.trim() === '' ? text : `${text}\n${draft}`))
    this.onWrite?.()
  }

  resend(key: string): void {
    this.outbox.retry(key)
    this.onWrite?.()
  }

  discard(key: string): void {
    this.outbox.discard(key)
    this.onWrite?.()
  }

  async loadOlder(): Promise<void> {
    const { stored, hasOlder, epoch } = this.timeline.get()
    const oldest = stored[0]
    if (!hasOlder || !oldest || this.older.get() === 'loading') return
    this.older.set('loading')
    try {
      const page = await this.#read({ offset: oldest.offset, epoch })
      this.timeline.update((timeline) => addHistory(timeline, page))
      this.older.set('idle')
    } catch {
      this.older.set('failed')
    }
  }

  /** After a refusal, by the reader's wish. */
  tryAgain(): void {
    this.status.set({ kind: 'opening', isHeld: false })
    if (this.#subscription.state === 'subscribed') void this.#readNewest()
    else this.#subscription.subscribe()
  }

  close(): void {
    this.outbox.close()
    this.people.close()
    this.#subscription.unsubscribe()
    this.#subscription.removeAllListeners()
    this.client.removeSubscription(this.#subscription)
  }

  #listen(): void {
    this.#subscription.on('subscribed', (context) => this.#onSubscribed(context))
    this.#subscription.on('publication', (publication) => {
      const message = readMessage(publication)
      if (message) this.#onLive(message)
    })
    this.#subscription.on('error', ({ error }) => {
      const isOpening = this.status.get().kind === 'opening'
      if (isOpening) this.status.set({ kind: 'opening', isHeld: error.code >= 100 })
    })
    this.#subscription.on('unsubscribed', ({ reason }) => this.status.set({ kind: 'refused', reason }))
  }

  #onSubscribed({ wasRecovering, recovered }: SubscribedContext): void {
    this.outbox.wake()
    if (wasRecovering && !recovered)
      this.#unproven ??= { since: this.timeline.get().stored.at(-1)?.offset ?? 0 }
    const isResumed = wasRecovering && this.status.get().kind === 'open' && !this.#unproven
    if (!isResumed) void this.#readNewest()
  }

  #onLive(message: StoredMessage): void {
    this.#duringRead?.push(message)
    this.outbox.arrived(new Set([message.key]))
    this.timeline.update((timeline) => addStored(timeline, [message]))
    if (message.user === this.session.user) return
    if (!this.#isWatched) this.unread.update((count) => count + 1)
    this.onNews?.(`${message.name}: ${message.text.slice(0, 200)}`)
  }

  #onSettled(delivery: OwnMessage['delivery']): void {
    if (delivery.kind === 'refused') this.onNews?.(`Not sent. ${delivery.reason}`)
    if (delivery.kind === 'answered') this.onNews?.(`Bot: ${delivery.answer}`)
  }

  async #readNewest(): Promise<void> {
    const live: StoredMessage[] = []
    this.#duringRead = live
    try {
      const page = await this.#read(undefined)
      if (this.#unproven) this.#restart(page, live, this.#unproven.since)
      else this.timeline.update((timeline) => addHistory(timeline, page))
      this.outbox.arrived(new Set(page.messages.map(({ key }) => key)))
      this.status.set({ kind: 'open' })
    } catch (error) {
      const { code, message } = error as { code: number; message: string }
      // Without an answer the subscription is gone too, and its next `subscribed` reads again (R2).
      const isAnswered = code >= 100 || this.#subscription.state === 'subscribed'
      if (isAnswered) this.status.set({ kind: 'unreadable', reason: message })
    } finally {
      if (this.#duringRead === live) this.#duringRead = undefined
    }
  }

  #restart(page: HistoryPage, live: readonly StoredMessage[], lastSeen: number): void {
    this.timeline.update((timeline) => addStored(restartFrom(timeline, page, lastSeen), live))
    this.#unproven = undefined
    this.outbox.forgetStored()
  }

  async #read(before: StreamPosition | undefined): Promise<HistoryPage> {
    const request = before ? { limit: PAGE, reverse: true, since: before } : { limit: PAGE, reverse: true }
    const result: HistoryResult = await this.#subscription.history(request)
    return {
      messages: result.publications.map(readMessage).filter((message) => message !== undefined),
      epoch: result.epoch,
      hasOlder: result.publications.length === PAGE,
    }
  }
}

export function channelOf(roomName: string): string {
  return `room:${roomName}`
}
