import type { Broker } from '@natter/broker'
import { Backoff, Gate, type Clock, type Timer, type TypedEvents } from '@natter/primitives'
import { randomBytes } from 'node:crypto'
import type { GatewayEvents } from '../gateway.events.js'
import type { Hooks } from '../hooks/hooks.js'
import {
  decodeRecord,
  encodeRecord,
  lingered,
  look,
  told,
  type Change,
  type OccupancyRecord,
  type Viewer,
} from './occupancy-record.js'

/** Who was the last waits so long before it tells: a reload is no coming and going. */
const lingerMs = 5_000
/** Others have this long to be heard, and to take out who was not. */
const graceMs = 5_500
const tellAgainMs = 10_000
/** Records that are read at a time when all are looked at. */
const readsAtOnce = 32

export interface OccupancyParts {
  broker: Pick<Broker, 'bus' | 'journal' | 'subjects' | 'events'>
  hooks: Pick<Hooks, 'wants' | 'tell'>
  clock: Clock
  events: TypedEvents<GatewayEvents>
  node: string
  life(): string
  isThere(node: string, life: string): boolean
  /** Whether a client of this node is in the channel now. */
  isOccupiedHere(channel: string): boolean
}

interface Place {
  readonly namespace: string
  readonly channel: string
}

/** A channel that is of interest here: there are subscribers, or there is something to do. */
interface Watched extends Place {
  /** What is done with its record, one after the other. */
  work: Promise<void>
  linger: Timer | undefined
  /** This node stands in the record, as far as it knows. */
  isIn: boolean
  jobs: number
}

type Step = (record: OccupancyRecord | undefined, me: Viewer) => Change | undefined

/**
 * Tells apps when a channel gets its first subscriber in the mesh, and when it has lost its last.
 *
 * V1. Only in namespaces for which an app wants to hear it; the others cost a look into a map per subscription.
 * V2. `occupied` is told by who made the channel so, `vacated` by who left last, `lingerMs` later if nobody came. In turns
 *     (`occupancy-record.ts`), at least once, a repeat with the same id.
 * V3. Gateways that are gone are taken out of the records by the others. A node that may have been taken for gone looks at all of its own
 *     channels again.
 */
export class Occupancy {
  private readonly watched = new Map<string, Watched>()
  private readonly timers = new Set<Timer>()
  private readonly stopListening: (() => void)[] = []
  private readonly gate = new Gate(readsAtOnce)
  private isStopped = false

  constructor(private readonly parts: OccupancyParts) {}

  start(): void {
    const { broker, events } = this.parts
    const stoodStill = (): void => {
      this.lookAgain()
      this.later(() => void this.sweep(), graceMs)
    }
    this.stopListening.push(
      events.on('peer:down', () => void this.sweep()),
      events.on('node:stood-still', stoodStill),
      events.on('sessions:life:over', () => this.lookAgain()),
      broker.events.on('broker:reconnect', stoodStill),
    )
    this.later(() => void this.sweep(), graceMs)
  }

  /** Somebody came. */
  joined(channel: string, namespace: string): void {
    if (this.watched.get(channel)?.isIn === true || !this.isWanted(namespace)) return // V1
    this.look({ channel, namespace })
  }

  /** Somebody left, or did not get in. */
  left(channel: string, namespace: string): void {
    if (this.watched.has(channel) && !this.parts.isOccupiedHere(channel)) this.look({ channel, namespace })
  }

  /** Waits until the records say that this node has left, at most `withinMs`. What it had to tell falls to the others. */
  async stop(withinMs: number): Promise<void> {
    const work = Promise.all([...this.watched.values()].map((one) => one.work))
    const isBusy = [...this.watched.values()].some(({ jobs }) => jobs > 0)
    if (isBusy) {
      await new Promise<void>((resolve) => {
        this.later(resolve, withinMs)
        void work.then(() => resolve())
      })
    }
    this.isStopped = true
    for (const stop of this.stopListening) stop()
    for (const timer of this.timers) timer.cancel()
    for (const { linger } of this.watched.values()) linger?.cancel()
  }

  private isWanted(namespace: string): boolean {
    const { hooks } = this.parts
    const isFor = (kind: 'occupied' | 'vacated'): boolean =>
      hooks.wants(kind, namespace).some((scope) => scope !== 'node')
    return isFor('occupied') || isFor('vacated')
  }

  /** V3 */
  private lookAgain(): void {
    const again = (): void => {
      for (const one of this.watched.values()) this.look(one)
    }
    again()
    this.later(again, graceMs) // the others may be about to
  }

  private look(place: Place): void {
    const { isOccupiedHere } = this.parts
    this.do(place, (record, me) => {
      const isIn = isOccupiedHere(place.channel)
      const one = this.watched.get(place.channel)
      if (one !== undefined) one.isIn = isIn
      return look(record, me, isIn)
    })
  }

  /** V3. All records of the mesh. */
  private async sweep(): Promise<void> {
    const { journal, subjects, bus } = this.parts.broker
    if (!bus.isConnected || this.isStopped) return // the reconnect comes here
    try {
      const all = await journal.subjects(subjects.allOccupancy)
      await Promise.all(all.map((subject) => this.gate.run(() => this.sweepOne(subject))))
    } catch (error) {
      this.trouble(error)
      this.later(() => void this.sweep(), 1_000)
    }
  }

  private async sweepOne(subject: string): Promise<void> {
    const record = decodeRecord((await this.parts.broker.journal.last(subject))?.body)
    if (record === undefined || this.isStopped) return
    const { namespace, channel } = record
    if (look(record, this.viewer(), this.parts.isOccupiedHere(channel)) !== undefined)
      this.look({ namespace, channel })
  }

  private viewer(): Viewer {
    const { node, clock, isThere } = this.parts
    return {
      node,
      life: this.parts.life(),
      nowMs: clock.now(),
      newId: () => `${node}.${randomBytes(9).toString('base64url')}`,
      isThere: (name, life) => (name === node ? life === this.parts.life() : isThere(name, life)),
    }
  }

  /** One after the other for each channel. */
  private do(place: Place, step: Step): void {
    if (this.isStopped) return
    const known = this.watched.get(place.channel)
    const one: Watched = known ?? {
      ...place,
      work: Promise.resolve(),
      linger: undefined,
      isIn: false,
      jobs: 0,
    }
    this.watched.set(place.channel, one)
    one.jobs += 1
    one.work = one.work
      .then(() => this.change(one, step))
      .catch((error: unknown) => this.trouble(error))
      .finally(() => {
        one.jobs -= 1
        if (one.jobs === 0 && !one.isIn && one.linger === undefined) this.watched.delete(one.channel)
      })
  }

  /** Until it is written, or there is nothing to write. */
  private async change(one: Watched, step: Step): Promise<void> {
    const backoff = new Backoff({ baseMs: 50, maxMs: 1_000 })
    for (;;) {
      if (this.isStopped) return
      try {
        if (await this.tryChange(one, step)) return
      } catch (error) {
        this.trouble(error)
        await new Promise<void>((resolve) => this.later(resolve, backoff.next()))
      }
    }
  }

  /** False: somebody else was faster. */
  private async tryChange(one: Watched, step: Step): Promise<boolean> {
    const { journal, subjects } = this.parts.broker
    const { namespace, channel } = one
    const subject = subjects.occupancy(namespace, channel)
    const last = await journal.last(subject)
    const change = step(decodeRecord(last?.body), this.viewer())
    if (change === undefined) return true
    const body = encodeRecord({ ...change.record, namespace, channel })
    const seq = await journal.append(subject, body, { after: last?.seq ?? 0 })
    if (seq === undefined) return false
    await journal
      .purge(subject, change.duty === 'forget' ? seq + 1 : seq)
      .catch((error: unknown) => this.trouble(error))
    this.follow(one, change)
    return true
  }

  private follow(one: Watched, { duty, record }: Change): void {
    one.linger?.cancel()
    one.linger = undefined
    if (duty === 'tell') void this.tell(one, record)
    if (duty !== 'linger' || this.isStopped) return
    one.linger = this.parts.clock.setTimer(() => {
      one.linger = undefined
      this.do(one, lingered)
    }, lingerMs)
  }

  /** V2 */
  private async tell({ namespace, channel }: Place, record: OccupancyRecord): Promise<void> {
    const { hooks, events } = this.parts
    const { id, atMs, is: kind } = record
    const end: unknown = await Promise.resolve(hooks.tell({ id, atMs, kind, namespace, channel })).catch(
      () => 'dropped',
    )
    if (end === 'dropped')
      return this.later(() => void this.tell({ namespace, channel }, record), tellAgainMs)
    events.emit('channel:occupancy', { namespace, is: kind })
    this.do({ namespace, channel }, (before, me) => told(before, me, id))
  }

  private later(run: () => void, ms: number): void {
    if (this.isStopped) return
    const timer = this.parts.clock.setTimer(() => {
      this.timers.delete(timer)
      run()
    }, ms)
    this.timers.add(timer)
  }

  private trouble(error: unknown): void {
    this.parts.events.emit('sessions:trouble', { error })
  }
}
