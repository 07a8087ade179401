/**
 * How many connections a user may have, over all gateways. Who opened a connection last has it: the oldest beyond the limit are closed
 * with 3504. Were the newest refused, a client that changed networks would be turned away for good, by its own old connection, which
 * nobody misses before its pong does (33 s).
 *
 * UC1. On this node the limit holds in the same turn in which somebody comes in.
 * UC2. Over nodes it holds within a second: whoever lets a user in says so and asks, others that have the user say what they have. All of
 *      them know the same then, and each closes its own beyond the limit, in an order that is the same everywhere: newest first by when
 *      it was opened, then by id.
 * UC3. What was said is kept for a second after the last word: nobody counts who isn't there any more, of a dead gateway neither. Who goes
 *      meanwhile is told of.
 * UC4. What was lost on the way is made up for: each question is asked again twice, and all of them when NATS is back.
 * UC5. Only nodes that have the user keep anything, and without a limit nobody does anything. The anonymous ('') aren't counted.
 */
import type { Broker, BusSubscription } from '@natter/broker'
import type { Clock, Timer } from '@natter/primitives'
import { decodeStatements, encodeStatements, type Entry, type Statement } from './user-statements.js'

export interface CountedConnection {
  readonly id: string
  readonly user: string
  readonly openedAtMs: number
}

export interface UserConnectionsParts<C extends CountedConnection> {
  broker: Broker
  subject: string
  node: string
  clock: Clock
  /** 0 = none. */
  limit(): number
  /** Of this node. */
  connectionsOf(user: string): readonly C[]
  /** All users with a connection here. */
  users(): Iterable<string>
  close(connection: C): void
}

/** What is to be said waits so long for more. */
const batchMs = 100
const keptMs = 1_000
const againAfterMs = [600, 5_000]
/** Users in a message, and messages in a batch: after NATS was away all users are asked for. */
const usersPerMessage = 200
const messagesPerBatch = 10

interface Round {
  untilMs: number
  readonly said: Map<string, readonly Entry[]>
}

export class UserConnections<C extends CountedConnection> {
  private readonly rounds = new Map<string, Round>()
  /** What is to be said, and whether that asks. */
  private readonly toSay = new Map<string, boolean>()
  /** By delay; each in the order of time. */
  private readonly again = againAfterMs.map((): { atMs: number; user: string }[] => [])
  private timer: Timer | undefined
  /** While it does not, it says nothing either: connections still end behind it. */
  private listening: BusSubscription | undefined

  constructor(private readonly parts: UserConnectionsParts<C>) {}

  /** Rounds and words under way: nothing is kept else. */
  get keptCount(): number {
    return this.rounds.size + this.toSay.size + this.again.reduce((sum, { length }) => sum + length, 0)
  }

  start(): void {
    const { broker, subject } = this.parts
    this.listening = broker.bus.subscribe(subject, ({ body }) => this.receive(body))
  }

  stop(): void {
    this.listening?.stop()
    this.listening = undefined
    this.timer?.cancel()
    this.timer = undefined
  }

  /** It is in. */
  entered({ user }: CountedConnection): void {
    if (this.parts.limit() === 0 || user === '') return // UC5
    this.ask(user)
    const atMs = this.parts.clock.now()
    for (const [index, afterMs] of againAfterMs.entries())
      this.again[index]?.push({ atMs: atMs + afterMs, user }) // UC4
    this.judge(user) // UC1
  }

  /** It has gone. */
  left({ user }: CountedConnection): void {
    if (this.rounds.size > 0 && this.rounds.has(user)) this.say(user, false) // UC3
  }

  /** The way to NATS is back. */
  resume(): void {
    if (this.parts.limit() === 0) return
    for (const user of this.parts.users()) if (user !== '') this.say(user, true) // UC4
  }

  private ask(user: string): void {
    this.roundOf(user)
    this.say(user, true)
  }

  private say(user: string, isQuestion: boolean): void {
    this.toSay.set(user, isQuestion || this.toSay.get(user) === true)
    this.schedule()
  }

  private schedule(): void {
    if (this.listening !== undefined) this.timer ??= this.parts.clock.setTimer(this.tick, batchMs)
  }

  private readonly tick = (): void => {
    this.timer = undefined
    const nowMs = this.parts.clock.now()
    this.askAgain(nowMs)
    for (let sent = 0; sent < messagesPerBatch && this.toSay.size > 0; sent += 1) this.send()
    for (const [user, { untilMs }] of this.rounds) if (untilMs <= nowMs) this.rounds.delete(user)
    if (this.keptCount > 0) this.schedule()
  }

  /** UC4: of those who are still there. */
  private askAgain(nowMs: number): void {
    for (const due of this.again) {
      const from = due.findIndex(({ atMs }) => atMs > nowMs)
      for (const { user } of due.splice(0, from === -1 ? due.length : from))
        if (this.parts.connectionsOf(user).length > 0) this.ask(user)
    }
  }

  private send(): void {
    const { broker, subject, node } = this.parts
    const statements: Statement[] = []
    for (const [user, isQuestion] of this.toSay) {
      this.toSay.delete(user)
      statements.push({ user, isQuestion, entries: this.newestOf(user) })
      if (statements.length >= usersPerMessage) break
    }
    if (broker.bus.isConnected) broker.bus.publish(subject, encodeStatements({ node, statements }))
  }

  private receive(body: Uint8Array): void {
    if (this.parts.limit() === 0) return
    const message = decodeStatements(body)
    if (message === undefined || message.node === this.parts.node) return
    for (const statement of message.statements) this.hear(message.node, statement)
  }

  private hear(node: string, { user, isQuestion, entries }: Statement): void {
    if (this.parts.connectionsOf(user).length === 0 && !this.rounds.has(user)) return // UC5
    this.roundOf(user).said.set(node, entries)
    if (isQuestion) this.say(user, false)
    this.judge(user)
  }

  private roundOf(user: string): Round {
    const untilMs = this.parts.clock.now() + keptMs
    const round = this.rounds.get(user) ?? { untilMs, said: new Map<string, readonly Entry[]>() }
    round.untilMs = untilMs
    this.rounds.set(user, round)
    return round
  }

  /** UC2. */
  private judge(user: string): void {
    const limit = this.parts.limit()
    const here = this.parts.connectionsOf(user)
    const elsewhere = [...(this.rounds.get(user)?.said.values() ?? [])].flat()
    if (here.length + elsewhere.length <= limit) return
    for (const connection of beyond(limit, here, elsewhere)) this.parts.close(connection)
  }

  /** More than the limit of one node never matter. */
  private newestOf(user: string): Entry[] {
    const here = this.parts.connectionsOf(user).map(({ openedAtMs, id }) => ({ openedAtMs, id }))
    return here.length === 0 ? here : here.toSorted(newestFirst).slice(0, this.parts.limit())
  }
}

const newestFirst = (one: Entry, other: Entry): number =>
  other.openedAtMs - one.openedAtMs || (one.id < other.id ? -1 : Number(one.id > other.id))

/** Which of those that are here have to go: pure, and the same wherever the same is known. */
export function beyond<E extends Entry>(
  limit: number,
  here: readonly E[],
  elsewhere: readonly Entry[],
): readonly E[] {
  const counted = new Set([...here, ...elsewhere].toSorted(newestFirst).slice(0, limit))
  return here.filter((one) => !counted.has(one))
}
