import { UnavailableError } from '@natter/primitives'
import {
  catchUp,
  ChannelFeed,
  defaultFeedOptions,
  type CatchUpEnd,
  type CatchUpReply,
  type CatchUpSource,
  type CatchUpTarget,
  type HealRange,
  type LogMessage,
  type PageLimits,
} from '../src/index.js'
import { ManualClock } from './manual-clock.js'
import { ModelLog } from './model-log.js'

export interface WorldOptions {
  ringCount: number
  page: PageLimits
  cap?: PageLimits
  oldestNs?: bigint
}

/** One subscriber and all that it was sent, in order. */
export class Subscriber implements CatchUpTarget<LogMessage> {
  readonly received: number[] = []
  readonly problems: string[] = []
  outcome: CatchUpReply<LogMessage> | undefined
  end: CatchUpEnd | 'refused' | 'broken' | undefined
  isHere = true
  hasJoined = false
  largestSend = 0

  constructor(
    private readonly world: SpliceWorld,
    readonly from: number | undefined,
  ) {}

  isWanted(): boolean {
    return this.isHere
  }

  reply(outcome: CatchUpReply<LogMessage>): void {
    this.note('reply', !this.hasJoined && this.outcome === undefined)
    this.outcome = outcome
    this.take(outcome.messages)
  }

  page(messages: readonly LogMessage[]): Promise<void> {
    this.note('page', !this.hasJoined && this.outcome !== undefined)
    this.take(messages)
    return new Promise((resolve) => this.world.turns.push(resolve))
  }

  join(): void {
    this.note('join', !this.hasJoined && this.outcome !== undefined && this.world.feed.kind === 'live')
    this.hasJoined = true
  }

  /** The position from which everything must have come. */
  get base(): number | undefined {
    if (this.outcome === undefined) return undefined
    return this.outcome.recovered === true ? this.from : this.outcome.offset
  }

  private note(what: string, isRight: boolean): void {
    if (!this.isHere) this.problems.push(`${what} although not wanted`)
    if (!isRight) this.problems.push(`${what} out of turn`)
  }

  private take(messages: readonly LogMessage[]): void {
    this.largestSend = Math.max(this.largestSend, messages.length)
    for (const { seq } of messages) this.received.push(seq)
  }
}

/**
 * One channel on one node with its log and its subscribers. Whatever takes time waits in `turns` until the test lets it
 * happen, so that a list of numbers is an interleaving.
 */
export class SpliceWorld implements CatchUpSource<LogMessage> {
  readonly log = new ModelLog()
  readonly feed: ChannelFeed<LogMessage>
  readonly clock = new ManualClock()
  readonly subscribers: Subscriber[] = []
  readonly turns: (() => void)[] = []
  /** How far replicas lag, in messages, and whether the next answers fail. Zero and false = honest. */
  lag = 0
  failures = 0
  private waiting: { resolve(): void; reject(error: Error): void }[] = []

  constructor(private readonly options: WorldOptions) {
    const ring = { maxCount: options.ringCount, maxBytes: 1_000_000 }
    this.feed = new ChannelFeed<LogMessage>(
      {
        deliver: (message) => this.deliver(message),
        heal: (range) => void this.turns.push(() => this.answer(range)),
        live: () => this.release(),
        broken: () => this.onBroken(),
        idle: () => {},
      },
      this.clock,
      { ...defaultFeedOptions, ring },
    )
  }

  get kind() {
    return this.feed.kind
  }

  get last() {
    return this.feed.last
  }

  get ring() {
    return this.feed.ring
  }

  whenLive(): Promise<void> {
    if (this.kind === 'live') return Promise.resolve()
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }))
  }

  async read(after: number, upTo: number, page: PageLimits) {
    const found = await this.later(() => this.log.kept(after, upTo))
    const messages = found.slice(0, page.count)
    // who stopped at the limit does not know whether there is more
    return this.later(() => ({ messages, isComplete: messages.length < page.count }))
  }

  firstSeq(): Promise<number> {
    return this.later(() => this.log.firstSeq)
  }

  async tops() {
    const look = await this.later(() => ({
      upTo: this.log.topOf(this.lag),
      newest: this.log.newest(this.lag),
    }))
    return this.later(() => look)
  }

  seen(seq: number): void {
    this.feed.seen(seq)
  }

  /** Does it in a later turn; fails then, if failures were asked for. */
  later<T>(look: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.turns.push(() => {
        if (this.failures > 0) {
          this.failures -= 1
          reject(new UnavailableError('nats-away', 'Away.'))
        } else resolve(look())
      })
    })
  }

  open(): void {
    this.feed.open()
    const { lag } = this
    this.turns.push(() => this.feed.opened(this.log.position(lag)))
  }

  /** A message is stored; it arrives in a later turn as often as `copies` says. */
  publish(others: number, copies: number): void {
    const message = this.log.append(others)
    for (let copy = 0; copy < copies; copy++) this.turns.push(() => this.feed.receive(message))
  }

  subscribe(from: number | undefined): Subscriber {
    const subscriber = new Subscriber(this, from)
    this.subscribers.push(subscriber)
    const { page, cap, oldestNs } = this.options
    const request = { from, page, ...(cap === undefined ? {} : { cap: { page: cap, oldestNs } }) }
    catchUp(this, subscriber, request).then(
      (end) => void (subscriber.end ??= end),
      (error: unknown) => {
        subscriber.end ??= 'refused'
        if (!(error instanceof UnavailableError)) subscriber.problems.push(String(error))
        if (subscriber.outcome !== undefined) subscriber.problems.push('refused after the reply')
      },
    )
    return subscriber
  }

  /** Runs one of the waiting turns, and everything that follows at once. */
  async turn(choice: number): Promise<void> {
    const [run] = this.turns.splice(choice % Math.max(1, this.turns.length), 1)
    run?.()
    await settled()
  }

  /** No more trouble: everything is answered, and the newest message is seen. */
  async settle(): Promise<void> {
    this.lag = 0
    this.failures = 0
    do {
      for (let spent = 0; this.turns.length > 0; spent++) {
        if (spent > 2_000) throw new Error('it never comes to rest')
        await this.turn(0)
      }
      if (this.kind === 'healing') this.clock.fire(this.clock.count - 1)
      else this.feed.seen(this.log.newest())
      await settled()
    } while (this.turns.length > 0 || this.kind !== 'live')
  }

  /** Whoever waits loses patience. */
  tire(): void {
    const waiting = this.waiting.splice(0)
    for (const { reject } of waiting) reject(new UnavailableError('channel-not-ready', 'Too long.'))
  }

  leave(subscriber: Subscriber): void {
    subscriber.isHere = false
    subscriber.hasJoined = false
  }

  private deliver(message: LogMessage): void {
    for (const subscriber of this.subscribers) if (subscriber.hasJoined) subscriber.received.push(message.seq)
  }

  private answer({ question, after, upTo, fromLeader }: HealRange): void {
    if (this.failures > 0) {
      this.failures -= 1
      return this.feed.readDone(question, undefined)
    }
    if (this.log.firstSeq > after + 1) return this.feed.break('hole')
    this.feed.readDone(question, this.log.kept(after, upTo, fromLeader ? 0 : this.lag))
  }

  private release(): void {
    for (const { resolve } of this.waiting.splice(0)) resolve()
  }

  /** As a gateway does: who was answered resumes by position, who only waits stays, the channel opens anew. */
  private onBroken(): void {
    for (const subscriber of this.subscribers) {
      if (subscriber.outcome === undefined || !subscriber.isHere) continue
      subscriber.end = 'broken'
      this.leave(subscriber)
    }
    this.open()
  }
}

/** Lets every promise that can go on go on. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
