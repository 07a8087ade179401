/**
 * How a gateway sends its clients away before it ends: announced → closing → gone.
 *
 * DR1. Announced, everything goes on and newcomers are let in, for `delayMs`: a balancer that has not yet heard that this node is not ready
 *      still sends it some, and a refusal would be theirs to see.
 * DR2. Then nobody is let in, and those who are here are told to go (3001) as `drain-plan.ts` says, in random order: who came together, such
 *      as a room, an office or everybody whom the last deploy sent here, does not come back together.
 * DR3. What a connection has sent is answered before it is closed: from its turn on nothing more of it is read, and it is closed when
 *      nothing of it is in work, or `lastWordsMs` later. What was not read was not done, and what was read and not answered may have been: a
 *      client repeats both, with a message id.
 * DR4. The last one's turn comes `restMsOf` or more before the deadline, however many there are: for its last words and what follows.
 * DR5. Hurried, all that are left are closed in that turn, answered or not.
 */
import type { Clock, TypedEvents } from '@natter/primitives'
import { Disconnects } from '@natter/protocol'
import type { Connection } from '../connection/connection.js'
import type { GatewayEvents } from '../gateway.events.js'
import { planDrain, tickMs, windowMsOf } from './drain-plan.js'
import type { Patience } from './patience.js'

export interface DrainOptions {
  /** How long clients are still let in. */
  delayMs: number
  /** Connections told to go in a second. */
  ratePerSecond: number
  /** From the signal to the exit. */
  deadlineMs: number
}

export interface DrainParts {
  options: DrainOptions
  clock: Clock
  events: TypedEvents<GatewayEvents>
  /** Those that are open now. */
  connections: ReadonlySet<Connection>
  stopAccepting(): void
  /** Nothing that the connection sends from now on is handled. */
  stopReading(connection: Connection): void
  /** Default `Math.random`. */
  random?: () => number
}

/** What NATS has not answered by then, it will hardly answer soon. */
const lastWordsMs = 1_000

/** Of the deadline, for what follows: answers, apps that hear who left, the mesh that hears of this node. */
const restShare = 0.3
const maxRestMs = 5_000

/** 0 = it serves, 1 = it says that it is about to go, 2 = it sends its clients away, 3 = they are gone. */
export type DrainPhase = 0 | 1 | 2 | 3

type State =
  | { readonly is: 'serving' }
  | { readonly is: 'announced' }
  | { readonly is: 'closing'; readonly waiting: Connection[]; readonly leaving: Map<Connection, number> }
  | { readonly is: 'gone' }

type Closing = Extract<State, { is: 'closing' }>

const phases: Readonly<Record<State['is'], DrainPhase>> = { serving: 0, announced: 1, closing: 2, gone: 3 }

export class Drain {
  private state: State = { is: 'serving' }
  private closed = 0
  private unanswered = 0

  constructor(private readonly parts: DrainParts) {}

  get phase(): DrainPhase {
    return phases[this.state.is]
  }

  /** Connections that it has still to close; 0 unless it does that now. */
  get leftCount(): number {
    return this.state.is === 'closing' ? this.parts.connections.size : 0
  }

  /** Resolves when all clients are gone. Once. */
  async run(patience: Patience): Promise<void> {
    const { clock, events, connections, options } = this.parts
    const startMs = clock.now()
    this.state = { is: 'announced' }
    events.emit('gateway:drain:start', { connections: connections.size, delayMs: options.delayMs })
    await patience.pause(options.delayMs) // DR1
    this.parts.stopAccepting()
    await this.close(patience)
    this.state = { is: 'gone' }
    const { closed, unanswered } = this
    const tookMs = clock.now() - startMs
    events.emit('gateway:drain:done', { closed, unanswered, tookMs, isHurried: patience.isHurried })
  }

  /** DR2, DR4 */
  private async close(patience: Patience): Promise<void> {
    const { clock, events, connections, options, random = Math.random } = this.parts
    const state: Closing = { is: 'closing', waiting: shuffled(connections, random), leaving: new Map() }
    this.state = state
    const window = {
      connections: connections.size,
      ratePerSecond: options.ratePerSecond,
      availableMs: Math.max(0, patience.leftMs - restMsOf(options.deadlineMs)),
    }
    const batches = planDrain(window)
    const windowMs = windowMsOf(batches)
    events.emit('gateway:drain:close', { connections: window.connections, windowMs, batches: batches.length })
    const startMs = clock.now()
    for (const { atMs, count } of batches) {
      await patience.pause(startMs + atMs - clock.now()) // a late timer makes up for it: the next pause is short or none
      this.send(state, count)
    }
    for (let endMs = clock.now() + lastWordsMs; state.leaving.size > 0 && clock.now() < endMs;) {
      if (patience.isHurried || patience.leftMs === 0) break
      await patience.pause(tickMs)
      this.closeAnswered(state)
    }
    for (const connection of connections) this.end(connection) // DR5
  }

  /** DR3 */
  private send(state: Closing, count: number): void {
    const nowMs = this.parts.clock.now()
    for (const connection of state.waiting.splice(0, count)) {
      if (!connection.socket.isOpen) continue
      this.parts.stopReading(connection)
      state.leaving.set(connection, nowMs + lastWordsMs)
    }
    this.closeAnswered(state)
  }

  private closeAnswered({ leaving }: Closing): void {
    const nowMs = this.parts.clock.now()
    for (const [connection, latestMs] of leaving) {
      if (connection.inFlight > 0 && connection.socket.isOpen && nowMs < latestMs) continue
      leaving.delete(connection)
      this.end(connection)
    }
  }

  private end(connection: Connection): void {
    if (!connection.socket.isOpen) return
    this.closed += 1
    if (connection.inFlight > 0) this.unanswered += 1
    connection.disconnect(Disconnects.shutdown)
  }
}

/** DR4. */
export function restMsOf(deadlineMs: number): number {
  return Math.min(maxRestMs, deadlineMs * restShare)
}

function shuffled<T>(items: Iterable<T>, random: () => number): T[] {
  const all = [...items]
  for (let last = all.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1))
    const [x, y] = [all[last] as T, all[other] as T]
    all[last] = y
    all[other] = x
  }
  return all
}
