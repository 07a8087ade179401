import type { Clock, Timer } from '@natter/primitives'
import { judge } from './gap-rule.js'
import type { LogMessage } from './message.js'
import { Ring, type RingLimits } from './ring.js'

/**
 * One durable channel on one node: what arrives live, in any order and with holes, becomes what the node hands to its
 * subscribers: each message once, in order.
 *
 *     closed ─open→ opening ─opened→ live ⇄ healing
 *                      │               ⇅       │
 *                      │           lingering   │        lingering: no subscriber, still complete
 *                      └──────→ broken ←───────┘        broken: a hole that can't be closed
 *
 * F1. `deliver` is called with rising sequences, each message of the channel above the opening position once; never
 *     across a hole.
 * F2. `last` is the sequence up to which everything was delivered or covered by the opening position. It never falls while the channel is open.
 * F3. What waits is bounded (`maxHeldCount`, `maxHeldBytes`); past that the channel breaks, or opens again.
 * F4. A timer or read of a state that was left does nothing.
 * F5. After `broken` or `idle` nothing is delivered until the owner opens it again.
 */
export interface FeedOutput<M extends LogMessage> {
  /** Hands one message to the subscribers. Must not throw. */
  deliver(message: M): void
  /** Reads the channel's messages with `after < seq ≤ upTo`; the answer goes to {@link ChannelFeed.readDone}. */
  heal(range: HealRange): void
  /** Who waited for `live` may go on. */
  live(): void
  /** A hole stays, or the numbering changed: every subscriber has to resume by position. */
  broken(reason: BreakReason): void
  /** Nobody wanted it for `lingerMs`, or it would have to heal for nobody. */
  idle(): void
}

export interface HealRange {
  /** Goes back to {@link ChannelFeed.readDone}: answers to earlier questions are ignored (F4). */
  readonly question: number
  readonly after: number
  readonly upTo: number
  /** The cheap read was stale too often: ask who can't be. */
  readonly fromLeader: boolean
}

export type BreakReason = 'hole' | 'overflow' | 'rollback' | 'epoch' | 'unreachable'

export interface FeedOptions {
  maxHeldCount: number
  maxHeldBytes: number
  /** Waits before the second and later reads; after the last of them the leader is asked. */
  healRetryMs: readonly number[]
  healDeadlineMs: number
  /** How long a channel without subscribers stays open. */
  lingerMs: number
  ring: RingLimits
}

export const defaultFeedOptions: FeedOptions = {
  maxHeldCount: 1_000,
  maxHeldBytes: 1_048_576,
  healRetryMs: [50, 200, 800],
  healDeadlineMs: 5_000,
  lingerMs: 30_000,
  ring: { maxCount: 128, maxBytes: 262_144 },
}

interface Held<M> {
  messages: M[]
  bytes: number
}

interface Healing<M> {
  kind: 'healing'
  held: Held<M>
  target: number
  /** Reads in a row that brought nothing. */
  attempt: number
  question: number
  deadline: Timer
  retry?: Timer
}

type State<M> =
  | { kind: 'closed' }
  | { kind: 'opening'; held: Held<M> }
  | { kind: 'live' }
  | { kind: 'lingering'; timer: Timer }
  | Healing<M>
  | { kind: 'broken' }

/** Shared: nearly all channels are in it. */
const live = { kind: 'live' } as const

export type FeedState = State<never>['kind']

export class ChannelFeed<M extends LogMessage> {
  readonly ring: Ring<M>
  private state: State<M> = { kind: 'closed' }
  private position = 0
  private isWanted = true
  private questions = 0
  /** The newest sequence known to exist from a look at the log, while it could not be acted on. */
  private known = 0

  constructor(
    private readonly output: FeedOutput<M>,
    private readonly clock: Clock,
    private readonly options: FeedOptions = defaultFeedOptions,
  ) {
    this.ring = new Ring(options.ring)
  }

  get kind(): FeedState {
    return this.state.kind
  }

  /** F2. */
  get last(): number {
    return this.position
  }

  /** The owner listens from now on and looks for the newest position: hold what comes. */
  open(): void {
    this.position = 0
    this.known = 0
    this.ring.startAt(0)
    this.enter({ kind: 'opening', held: { messages: [], bytes: 0 } })
  }

  /** `position`: the channel's newest sequence, or the stream's top when the channel has none. */
  opened(position: number): void {
    if (this.state.kind !== 'opening') return
    const { held } = this.state
    this.position = position
    this.ring.startAt(position)
    this.enter(live)
    this.release(held.messages)
  }

  /** A live message. Cheap when it is the next one; anything else is rare. */
  receive(message: M): void {
    switch (this.state.kind) {
      case 'live':
      case 'lingering':
        return this.take(message)
      case 'opening':
      case 'healing':
        return this.hold(this.state.held, message)
      case 'closed':
      case 'broken':
        return // F5
    }
  }

  /** A look at the log showed that `seq` exists in the channel. A later one than `last` is a hole like any other. */
  seen(seq: number): void {
    this.known = Math.max(this.known, seq)
    if (this.state.kind === 'live' || this.state.kind === 'lingering') this.catchUpWithKnown()
  }

  /**
   * The answer to {@link FeedOutput.read}: the first messages of the range, in order and without holes; `evicted` when the
   * stream does not keep all of the range any more (its oldest sequence, read after the messages, is above `after + 1`);
   * undefined when it could not be read now. A page, or what a lagging replica has, is progress: the rest is asked for again.
   */
  readDone(question: number, messages: readonly M[] | 'evicted' | undefined): void {
    const { state } = this
    if (state.kind !== 'healing' || state.question !== question || state.retry !== undefined) return // F4
    if (messages === 'evicted') return this.break('hole')
    const before = this.position
    for (const message of messages ?? []) {
      if (message.seq > this.position) this.hand(message)
      if (this.state !== state) return // F5: `deliver` closed or broke it
    }
    if (this.position >= state.target) {
      this.enter(live)
      return this.release(state.held.messages)
    }
    if (this.position > before) return this.readOn(state)
    if (messages !== undefined && this.asksLeader(state)) return this.break('hole') // who can't be stale has lost it
    this.retryHeal(state)
  }

  /** Whether anybody on this node subscribes. */
  want(isWanted: boolean): void {
    this.isWanted = isWanted
    if (isWanted && this.state.kind === 'lingering') this.enter(live)
    else if (!isWanted && this.state.kind === 'live') this.linger()
  }

  /** The owner knows that continuity is gone (another epoch, the way to the log is lost). */
  break(reason: BreakReason): void {
    if (this.state.kind === 'broken' || this.state.kind === 'closed') return
    this.enter({ kind: 'broken' })
    this.output.broken(reason)
  }

  /** Forgets everything, `last` included: a later `open` starts from nothing. */
  close(): void {
    this.enter({ kind: 'closed' })
    this.position = 0
    this.known = 0
    this.ring.startAt(0)
  }

  private take(message: M): void {
    switch (judge(this.position, message)) {
      case 'next':
        return this.hand(message)
      case 'gap':
        if (this.state.kind === 'lingering') return this.giveUp() // nobody to heal for
        this.heal(message.prev, { messages: [message], bytes: message.bytes })
        return
      case 'duplicate': {
        const stamp = this.ring.stampOf(message.seq)
        if (stamp !== undefined && stamp !== message.timeNs) this.break('rollback') // the sequence was given out twice
      }
    }
  }

  private hand(message: M): void {
    this.position = message.seq // F2 before F1: whoever asks inside `deliver` sees it as done
    this.ring.push(message)
    this.output.deliver(message)
  }

  private hold(held: Held<M>, message: M): void {
    held.messages.push(message)
    held.bytes += message.bytes
    if (held.messages.length <= this.options.maxHeldCount && held.bytes <= this.options.maxHeldBytes) return
    this.break('overflow') // F3
  }

  /** What was held passes the gap rule; it may open the next hole. */
  private release(messages: readonly M[]): void {
    for (const [index, message] of messages.entries()) {
      this.take(message)
      if (this.kind === 'live' || this.kind === 'lingering') continue
      return this.holdOn(messages.slice(index + 1))
    }
    this.catchUpWithKnown()
    if (this.state.kind !== 'live') return
    if (!this.isWanted) this.linger()
    this.output.live()
  }

  /** The next hole keeps the rest waiting; a break, which may have opened the channel anew, ends it (F5). */
  private holdOn(messages: readonly M[]): void {
    const { state } = this
    if (state.kind !== 'healing') return
    for (const message of messages) {
      this.hold(state.held, message)
      if (this.state !== state) return
    }
  }

  private catchUpWithKnown(): void {
    if (this.known <= this.position) return
    if (this.state.kind === 'lingering') return this.giveUp()
    this.heal(this.known, { messages: [], bytes: 0 })
  }

  private heal(target: number, held: Held<M>): void {
    const state: Healing<M> = {
      kind: 'healing',
      held,
      target,
      attempt: 0,
      question: 0,
      deadline: this.clock.setTimer(() => this.break('hole'), this.options.healDeadlineMs),
    }
    this.enter(state)
    this.ask(state)
  }

  /** Progress earns a new deadline and a fresh start of the retries. */
  private readOn(state: Healing<M>): void {
    state.attempt = 0
    state.deadline.cancel()
    state.deadline = this.clock.setTimer(() => this.break('hole'), this.options.healDeadlineMs)
    this.ask(state)
  }

  private retryHeal(state: Healing<M>): void {
    const { healRetryMs } = this.options
    const waitMs = healRetryMs[Math.min(state.attempt, healRetryMs.length - 1)] ?? 0
    state.attempt += 1
    state.retry = this.clock.setTimer(() => {
      delete state.retry
      this.ask(state)
    }, waitMs)
  }

  private ask(state: Healing<M>): void {
    this.questions += 1
    state.question = this.questions
    const fromLeader = this.asksLeader(state)
    this.output.heal({ question: state.question, after: this.position, upTo: state.target, fromLeader })
  }

  private asksLeader(state: Healing<M>): boolean {
    return state.attempt >= this.options.healRetryMs.length
  }

  private linger(): void {
    this.enter({ kind: 'lingering', timer: this.clock.setTimer(() => this.giveUp(), this.options.lingerMs) })
  }

  private giveUp(): void {
    this.close()
    this.output.idle()
  }

  /** The only place where the state changes: what the old one owned ends with it (F4). */
  private enter(next: State<M>): void {
    const old = this.state
    if (old.kind === 'lingering') old.timer.cancel()
    if (old.kind === 'healing') {
      old.deadline.cancel()
      old.retry?.cancel()
    }
    this.state = next
  }
}
