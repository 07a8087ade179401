import type { Broker } from '@natter/broker'
import type { Caller, HookEvent } from '@natter/hooks'
import type { Clock, Timer, TypedEvents } from '@natter/primitives'
import { randomBytes } from 'node:crypto'
import type { GatewayEvents } from '../gateway.events.js'
import type { Hooks } from '../hooks/hooks.js'
import { deadKey } from './dead-record.js'
import { LifeJournal } from './life-journal.js'
import { eventId, type OpenOp } from './session-ops.js'

/** A connection, as far as it matters here. */
export interface SessionConnection {
  readonly id: string
  /** It has to come back: the mesh takes it for gone. */
  forceReconnect(): void
}

export interface SessionsParts {
  broker: Pick<Broker, 'journal' | 'registry' | 'subjects'>
  hooks: Pick<Hooks, 'tell'>
  clock: Clock
  events: TypedEvents<GatewayEvents>
  node: string
  /** Another word from now on. */
  onLife(life: string): void
}

/** How long what was dropped rests before it is told again. */
const tellAgainMs = 10_000

interface Open {
  readonly life: Life
  readonly op: OpenOp
  readonly connection: SessionConnection
  /** O2: of a connection, how many of its subscriptions are not over. */
  children: number
  readonly parent: Open | undefined
  isOver: boolean
}

interface Life {
  readonly word: string
  readonly journal: LifeJournal
  readonly open: Map<number, Open>
  isDead: boolean
  watch: Promise<{ stop(): void }> | undefined
}

/**
 * Connections and subscriptions that apps want to hear the end of.
 *
 * Z1. They are written down before the client is told that it is in; so another gateway can tell their end when this one has died.
 * Z2. Their end is told, and told again, until the app heard it; then that is written down too.
 * Z3. Each start of a gateway is another life, with a journal of its own. A life that the others declared dead (they did not hear this
 *     node for seconds) is over: its connections are told to come back, and a new life begins.
 * Z4. Where no app asks, nothing is kept and nothing is written.
 */
export class Sessions {
  private readonly known = new Map<unknown, Open>()
  private readonly lives = new Map<string, Life>()
  private readonly timers = new Set<Timer>()
  private readonly idle = new Set<() => void>()
  private lastNumber = 0
  private current: Life
  private isStopped = false

  constructor(private readonly parts: SessionsParts) {
    this.current = this.begin()
  }

  /** The word of this life. */
  get life(): string {
    return this.current.word
  }

  /** This node's own: what is open in them is its business. */
  isOwn(life: string): boolean {
    return this.lives.has(life)
  }

  /** Those that ended and were not heard of yet included. */
  get openCount(): number {
    return [...this.lives.values()].reduce((count, { open }) => count + open.size, 0)
  }

  /** Resolves when it is written down. `key` is what `end` and `abandon` name it by. Twice does nothing more. */
  openConnection(key: unknown, connection: SessionConnection, caller: Caller): Promise<void> {
    return this.add(key, connection, undefined, (n) => ({ op: 'connection', n, caller }))
  }

  /** The caller is written down with it when it wasn't yet. */
  openSubscription(
    key: unknown,
    connection: { key: unknown } & SessionConnection,
    caller: Caller,
    { namespace, channel }: { namespace: string; channel: string },
  ): Promise<void> {
    const written = this.openConnection(connection.key, connection, caller)
    const parent = this.known.get(connection.key)
    if (parent === undefined) return written
    const stored = this.add(key, connection, parent, (n) => {
      return { op: 'subscription', n, connection: parent.op.n, namespace, channel }
    })
    return Promise.all([written, stored]).then(() => {})
  }

  has(key: unknown): boolean {
    return this.known.has(key)
  }

  /** Z2. The event of its end, once: `event` is told under the id that everybody gives it; undefined = nobody wants it any more. */
  end(key: unknown, event: ((id: string) => HookEvent) | undefined): void {
    const open = this.known.get(key)
    if (open === undefined) return
    this.known.delete(key)
    if (event === undefined) return this.over(open)
    void this.tell(open, event(eventId(this.parts.node, open.life.word, open.op, open.connection.id)))
  }

  /** It never was: its client was not let in. */
  abandon(key: unknown): void {
    this.end(key, undefined)
  }

  /** Waits until all that ended was heard, at most `withinMs`; what was not, another gateway tells. */
  async stop(withinMs: number): Promise<void> {
    await this.allTold(withinMs)
    this.isStopped = true
    for (const timer of this.timers) timer.cancel()
    await Promise.all([...this.lives.values()].map((life) => this.close(life)))
  }

  private begin(): Life {
    const word = randomBytes(9).toString('base64url')
    const { broker, clock, events } = this.parts
    const open = new Map<number, Open>()
    const journal = new LifeJournal({
      journal: broker.journal,
      subject: broker.subjects.sessions(this.parts.node, word),
      clock,
      open: () => [...open.values()].map(({ op }) => op),
      onTrouble: (error) => events.emit('sessions:trouble', { error }),
    })
    const life: Life = { word, journal, open, isDead: false, watch: undefined }
    this.lives.set(word, life)
    return life
  }

  private async add(
    key: unknown,
    connection: SessionConnection,
    parent: Open | undefined,
    opOf: (n: number) => OpenOp,
  ): Promise<void> {
    if (this.known.has(key)) return
    this.lastNumber += 1
    const life = parent?.life ?? this.current
    const open: Open = { life, op: opOf(this.lastNumber), connection, children: 0, parent, isOver: false }
    if (parent !== undefined) parent.children += 1
    this.known.set(key, open)
    life.open.set(open.op.n, open)
    await Promise.all([life.journal.write(open.op), this.watch(life)]) // Z1
  }

  /** Z3. From the first entry on: who has nothing open may be declared dead as they like. */
  private async watch(life: Life): Promise<void> {
    const { registry } = this.parts.broker
    const key = deadKey(this.parts.node, life.word)
    life.watch ??= registry.watch(key, () => this.declaredDead(life))
    try {
      await life.watch
    } catch (error) {
      life.watch = undefined
      throw error
    }
  }

  private declaredDead(life: Life): void {
    if (life.isDead || this.isStopped) return
    life.isDead = true
    if (this.current === life) {
      this.current = this.begin()
      this.parts.onLife(this.current.word)
    }
    this.parts.events.emit('sessions:life:over', { life: life.word, open: life.open.size })
    const gone = new Set([...life.open.values()].map(({ connection }) => connection))
    for (const connection of gone) connection.forceReconnect()
    this.retire(life)
  }

  private async tell(open: Open, event: HookEvent): Promise<void> {
    const told: unknown = await Promise.resolve(this.parts.hooks.tell(event)).catch(() => 'dropped')
    if (told !== 'dropped') return this.over(open)
    if (this.isStopped) return
    const timer = this.parts.clock.setTimer(() => {
      this.timers.delete(timer)
      void this.tell(open, event)
    }, tellAgainMs)
    this.timers.add(timer)
  }

  private over(open: Open): void {
    open.isOver = true
    this.forget(open)
  }

  /** O2 */
  private forget(open: Open): void {
    if (!open.isOver || open.children > 0) return
    const { life, op, parent } = open
    life.open.delete(op.n)
    life.journal.write({ op: 'end', n: op.n }).catch(() => {}) // it is told once more, by another gateway
    if (parent !== undefined) {
      parent.children -= 1
      this.forget(parent)
    }
    this.retire(life)
    if (!this.isBusy) for (const wake of this.idle) wake()
  }

  /** A dead life in which nothing is open any more is thrown away. */
  private retire(life: Life): void {
    if (!life.isDead || life.open.size > 0 || this.isStopped) return
    this.lives.delete(life.word)
    void this.close(life)
  }

  private async close(life: Life): Promise<void> {
    const watch = await life.watch?.catch(() => {})
    watch?.stop()
    if (life.open.size > 0 || life.watch === undefined) return life.journal.stop()
    await life.journal
      .clear() // or it is found empty, and purged by another gateway
      .catch((error: unknown) => this.parts.events.emit('sessions:trouble', { error }))
  }

  private get isBusy(): boolean {
    return [...this.lives.values()].some(({ open }) => open.size > 0)
  }

  private allTold(withinMs: number): Promise<void> {
    if (!this.isBusy) return Promise.resolve()
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel()
        this.idle.delete(end)
        resolve()
      }
      const timer = this.parts.clock.setTimer(end, withinMs)
      this.idle.add(end)
    })
  }
}
