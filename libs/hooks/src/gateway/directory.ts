import type { Broker, BusSubscription } from '@natter/broker'
import type { Clock, Timer, TypedEvents } from '@natter/primitives'
import {
  decodeBeat,
  decodeFromApp,
  encodeToApp,
  type AppBeat,
  type FromApp,
  type ToApp,
} from '../app-wire.js'
import type { AnswerTable } from '../hooks.js'
import type { HookCallerEvents } from './hook-caller.events.js'
import {
  newInstance,
  noteAnswer,
  noteProbe,
  noteTimeout,
  noteAsked,
  pick,
  type Instance,
  type Picked,
} from './instances.js'

/** How often the directory looks who is silent, and probes who is out. */
const lookEveryMs = 1_000
/** An instance that missed two beats, and the time of a third, is not asked any more. */
const silentMs = 3_000
const describeMs = 1_000
const probeMs = 1_000
/** How long the bus listens beyond a deadline: so that its end before that means "nobody is there", not "no answer in time". */
const graceMs = 250

/** What came of asking one instance. */
export type CallOutcome =
  | { kind: 'reply'; reply: FromApp }
  /** Nobody listens there, or it is leaving: certainly not looked at. */
  | { kind: 'away' }
  | { kind: 'timeout' }
  /** Not sent, or answered with something that is no answer. */
  | { kind: 'failed'; error: unknown }

/**
 * Which instances of apps are there, and how they do.
 *
 * E1. An instance is known from its first beat until 3 s without one, or its goodbye. One that nobody listens for is not asked before it beats again.
 * E2. While this gateway is away from NATS nobody is forgotten or loses trust: the silence is its own.
 * E3. It is asked once its answer table is known: the table of a hash is fetched once, from whoever beats with it.
 * E4. Another life of an instance is another instance: what the last one owed or missed is not its own.
 * E5. What an instance had at work when it went is not waited for any longer. One that left with nothing at work has answered all that it
 *     looked at, and its goodbye comes behind: what is unanswered then came too late to be looked at, and NATS says so (`away`).
 */
export class Directory {
  private readonly known = new Map<string, Instance>()
  /** By app and hash. */
  private readonly tables = new Map<string, AnswerTable>()
  private readonly describing = new Set<string>()
  private readonly probing = new Set<Instance>()
  /** How often this gateway came back to NATS. */
  private absences = 0
  private listening: BusSubscription | undefined
  private timer: Timer | undefined

  constructor(
    private readonly broker: Broker,
    private readonly clock: Clock,
    private readonly events: TypedEvents<HookCallerEvents>,
    private readonly options: { random: () => number; onReady: () => void },
  ) {}

  /** All that are there, usable or not. */
  get instances(): readonly Readonly<Instance>[] {
    return [...this.known.values()]
  }

  start(): void {
    this.listening = this.broker.bus.subscribe(this.broker.subjects.appBeat, ({ body }) => this.receive(body))
    this.callAll()
    this.schedule()
  }

  stop(): void {
    this.timer?.cancel()
    this.listening?.stop()
    this.known.clear()
  }

  /** The way to NATS is back: everybody is asked to beat, and gets the time to be heard. */
  resume(): void {
    this.absences += 1
    for (const instance of this.known.values()) instance.heardAtMs = this.clock.now()
    this.callAll()
  }

  /** Whom to ask next: `fits` says who answers this at all, `tried` who was asked already. */
  pick(
    app: string,
    options: { mayTry: boolean; tried: ReadonlySet<Instance>; fits: (table: AnswerTable) => boolean },
  ): Picked | undefined {
    const { mayTry, tried, fits } = options
    const candidates = this.of(app).filter(
      (one) => !tried.has(one) && one.table !== undefined && fits(one.table),
    )
    return pick(candidates, { mayTry, nowMs: this.clock.now(), random: this.options.random })
  }

  /** Those of an app that take requests. */
  there(app: string): Instance[] {
    return this.of(app).filter(({ isDraining, table }) => !isDraining && table !== undefined)
  }

  isThere(instance: Instance): boolean {
    return this.known.get(instance.name) === instance
  }

  /** Asks for something that counts: silence and answers decide whether the instance is trusted. */
  async askHook(instance: Instance, message: ToApp, withinMs: number): Promise<CallOutcome> {
    noteAsked(instance, this.clock.now())
    const { absences } = this
    const outcome = await this.ask(instance, message, withinMs)
    const wasThere = this.broker.bus.isConnected && this.absences === absences
    if (outcome.kind === 'reply') this.answered(instance)
    else if (outcome.kind === 'timeout' && wasThere) this.timedOut(instance) // E2
    return outcome
  }

  /** Counted as in flight, and nothing else. Never rejects. */
  async ask(instance: Instance, message: ToApp, withinMs: number): Promise<CallOutcome> {
    instance.inFlight += 1
    try {
      const outcome = await this.call(instance.name, message, withinMs, instance.ends)
      if (outcome.kind === 'away') this.left(instance)
      return outcome
    } catch (error) {
      return { kind: 'failed', error }
    } finally {
      instance.inFlight -= 1
    }
  }

  /** `ends`: where to find what ends the call as a timeout. */
  private call(name: string, message: ToApp, withinMs: number, ends?: Set<() => void>): Promise<CallOutcome> {
    const { bus, subjects } = this.broker
    return new Promise((resolve, reject) => {
      const giveUp = (): void => resolve({ kind: 'timeout' })
      const timer = this.clock.setTimer(giveUp, withinMs)
      ends?.add(giveUp)
      const onReply = (body: Uint8Array): boolean => {
        timer.cancel()
        resolve(outcomeOf(body))
        return true
      }
      const asked = bus.ask(subjects.toApp(name), encodeToApp(message), {
        timeoutMs: withinMs + graceMs,
        onReply,
      })
      asked
        .then(() => resolve({ kind: 'away' }))
        .catch(reject)
        .finally(() => {
          timer.cancel()
          ends?.delete(giveUp)
        })
    })
  }

  private answered(instance: Instance): void {
    const { standing } = instance
    if (noteAnswer(instance) && standing.kind === 'out') this.back(instance, standing.sinceMs)
  }

  private timedOut(instance: Instance): void {
    if (!noteTimeout(instance, this.clock.now()) || !this.isThere(instance)) return
    this.events.emit('app:left-out', { app: instance.app, instance: instance.name })
    void this.probe(instance)
  }

  /** It said so, or nobody listens on its subject: it is not asked again before its next beat. */
  private left(instance: Instance): void {
    if (this.isThere(instance)) instance.isDraining = true
  }

  private back(instance: Instance, sinceMs: number): void {
    const { app, name } = instance
    this.events.emit('app:back', { app, instance: name, outMs: this.clock.now() - sinceMs })
    this.options.onReady()
  }

  private schedule(): void {
    this.timer = this.clock.setTimer(() => {
      if (this.broker.bus.isConnected) this.look() // E2
      this.schedule()
    }, lookEveryMs)
  }

  private look(): void {
    const oldest = this.clock.now() - silentMs
    for (const instance of this.known.values()) {
      if (instance.heardAtMs < oldest) this.forget(instance, 'silent', true)
      else if (instance.standing.kind === 'out') void this.probe(instance)
    }
  }

  private async probe(instance: Instance): Promise<void> {
    if (this.probing.has(instance)) return
    this.probing.add(instance)
    const outcome = await this.call(instance.name, { kind: 'probe' }, probeMs).catch(() => undefined)
    this.probing.delete(instance)
    const reply = outcome?.kind === 'reply' ? outcome.reply : undefined
    const overdue = reply?.kind === 'alive' ? reply.overdue : undefined
    const { standing } = instance
    if (noteProbe(instance, overdue, this.clock.now()) && standing.kind === 'out')
      this.back(instance, standing.sinceMs)
  }

  private receive(body: Uint8Array): void {
    const beat = decodeBeat(body)
    if (beat === undefined) return
    const instance = this.known.get(beat.instance)
    const isSame = instance?.life === beat.life // E4
    if (beat.kind === 'goodbye') {
      if (instance !== undefined && isSame) this.forget(instance, 'goodbye', beat.pending > 0)
    } else this.heard(instance !== undefined && isSame ? instance : this.meet(beat), beat)
  }

  private meet(beat: AppBeat): Instance {
    const instance = newInstance(beat, this.clock.now())
    this.known.set(beat.instance, instance)
    this.events.emit('app:up', { app: instance.app, instance: instance.name })
    return instance
  }

  private heard(instance: Instance, beat: AppBeat): void {
    const { hash, pending, isDraining } = beat
    Object.assign(instance, { hash, pending, isDraining, heardAtMs: this.clock.now() })
    const table = this.tables.get(keyOf(beat))
    const isReady = instance.table === undefined && table !== undefined
    instance.table = table
    if (isReady) this.options.onReady()
    if (table === undefined) void this.describe(beat)
  }

  /** E3 */
  private async describe(beat: AppBeat): Promise<void> {
    const key = keyOf(beat)
    if (this.describing.has(key)) return
    this.describing.add(key)
    const outcome = await this.call(beat.instance, { kind: 'describe' }, describeMs).catch(() => undefined)
    this.describing.delete(key)
    const reply = outcome?.kind === 'reply' ? outcome.reply : undefined
    if (reply?.kind !== 'table' || reply.app !== beat.app || reply.hash !== beat.hash) return // the next beat asks again
    this.tables.set(key, reply.table)
    for (const one of this.known.values()) if (keyOf(one) === key) one.table = reply.table
    this.options.onReady()
  }

  private forget(instance: Instance, reason: 'silent' | 'goodbye', wasAtWork: boolean): void {
    this.known.delete(instance.name)
    if (wasAtWork) for (const giveUp of instance.ends) giveUp() // E5
    const key = keyOf(instance)
    if (![...this.known.values()].some((one) => keyOf(one) === key)) this.tables.delete(key)
    this.events.emit('app:down', { app: instance.app, instance: instance.name, reason })
  }

  private callAll(): void {
    const { bus, subjects } = this.broker
    if (bus.isConnected) bus.publish(subjects.appCall, new Uint8Array())
  }

  private of(app: string): Instance[] {
    return [...this.known.values()].filter((one) => one.app === app)
  }
}

const keyOf = ({ app, hash }: { app: string; hash: string }): string => `${app} ${hash}`

function outcomeOf(body: Uint8Array): CallOutcome {
  try {
    const reply = decodeFromApp(body)
    return reply.kind === 'away' ? { kind: 'away' } : { kind: 'reply', reply }
  } catch (error) {
    return { kind: 'failed', error }
  }
}
