import { Backoff, type Timer } from '@natter/primitives'
import type { EventScope, HookEvent } from '../hooks.js'
import { drop, eventWithinMs, wants, type Told, type TellerOptions } from './telling.js'
import type { Instance } from './instances.js'

const maxAtWork = 64
/** Nobody is there: how often the lane looks, beside being woken. */
const lookEveryMs = 1_000
const restMs = { baseMs: 100, maxMs: 30_000 }

interface Waiting {
  readonly event: HookEvent
  readonly backoff: Backoff
  readonly resolve: (told: Told) => void
  tried: Set<Instance>
  attempts: number
  state: 'ready' | 'at-work' | 'resting' | 'over'
}

export interface LaneOptions extends TellerOptions {
  app: string
  /** To this instance: over when it has gone. Absent = to anyone of the app (scope `group`). */
  only?: Instance
  scope: EventScope
  /** Nothing waits any more: the lane can be thrown away. */
  onIdle(): void
}

/**
 * Events of one kind and namespace on their way to one app.
 *
 * L1. An event is told until an instance has heard it: elsewhere at once where it was certainly not looked at, else after a pause that
 *     doubles from 100 ms to 30 s.
 * L2. At most `maxWaiting` wait; one more, and the oldest that isn't with an instance right now is dropped, and that is told.
 * L3. One event that fails again and again holds back no other.
 */
export class EventLane {
  /** In the order they came. */
  private readonly all = new Set<Waiting>()
  private readonly ready: Waiting[] = []
  private readonly rests = new Map<Waiting, Timer>()
  private looking: Timer | undefined
  private atWork = 0

  constructor(private readonly options: LaneOptions) {}

  tell(event: HookEvent): Promise<Told> {
    return new Promise((resolve) => {
      const backoff = new Backoff(restMs, this.options.random)
      const waiting: Waiting = { event, backoff, resolve, tried: new Set(), attempts: 0, state: 'ready' }
      this.all.add(waiting)
      this.ready.push(waiting)
      if (this.all.size > this.options.maxWaiting) this.dropOldest() // L2
      this.wake()
    })
  }

  wake(): void {
    this.looking?.cancel()
    this.looking = undefined
    while (this.atWork < maxAtWork) {
      const next = this.ready.shift()
      if (next === undefined) return
      if (next.state === 'over') continue
      const target = this.targetOf(next)
      if (target === 'gone') this.end(next, 'heard')
      else if (target === undefined) return this.sleep(next)
      else void this.hand(next, target)
    }
  }

  stop(): void {
    this.looking?.cancel()
    for (const waiting of this.all) this.drop(waiting, 'stopped')
  }

  private sleep(next: Waiting): void {
    this.ready.unshift(next)
    this.looking = this.options.clock.setTimer(() => this.wake(), lookEveryMs)
  }

  private targetOf(waiting: Waiting): Instance | 'gone' | undefined {
    const { directory, app, only } = this.options
    if (only !== undefined) return directory.isThere(only) && !only.isDraining ? only : 'gone'
    const fits = (table: Parameters<typeof wants>[0]): boolean => wants(table, waiting.event, 'group')
    const find = (): Instance | undefined =>
      directory.pick(app, { mayTry: false, tried: waiting.tried, fits })?.instance
    const other = find()
    if (other !== undefined || waiting.tried.size === 0) return other
    waiting.tried = new Set() // everybody had a try
    return find()
  }

  private async hand(waiting: Waiting, target: Instance): Promise<void> {
    const { directory, scope } = this.options
    const { event } = waiting
    waiting.state = 'at-work'
    waiting.attempts += 1
    waiting.tried.add(target)
    this.atWork += 1
    const outcome = await directory.ask(
      target,
      { kind: 'event', withinMs: eventWithinMs, scope, event },
      eventWithinMs,
    )
    this.atWork -= 1
    if (waiting.state === 'at-work') {
      const isHeard = outcome.kind === 'reply' && outcome.reply.kind === 'told' && outcome.reply.isHeard
      if (isHeard) this.heard(waiting)
      else if (outcome.kind === 'away') this.again(waiting)
      else this.rest(waiting)
    }
    this.wake()
  }

  private heard(waiting: Waiting): void {
    const { events, app } = this.options
    events.emit('event:told', { kind: waiting.event.kind, app, attempts: waiting.attempts })
    this.end(waiting, 'heard')
  }

  /** L1 */
  private again(waiting: Waiting): void {
    waiting.state = 'ready'
    this.ready.unshift(waiting)
  }

  /** L1, L3 */
  private rest(waiting: Waiting): void {
    waiting.state = 'resting'
    const wakeUp = (): void => {
      this.rests.delete(waiting)
      this.again(waiting)
      this.wake()
    }
    this.rests.set(waiting, this.options.clock.setTimer(wakeUp, waiting.backoff.next()))
  }

  private dropOldest(): void {
    for (const waiting of this.all) if (waiting.state !== 'at-work') return this.drop(waiting, 'full')
  }

  private drop(waiting: Waiting, reason: 'full' | 'stopped'): void {
    drop(this.options, this.options.app, waiting.event, reason)
    this.end(waiting, 'dropped')
  }

  private end(waiting: Waiting, told: Told): void {
    const { onIdle } = this.options
    waiting.state = 'over'
    this.rests.get(waiting)?.cancel()
    this.rests.delete(waiting)
    this.all.delete(waiting)
    waiting.resolve(told)
    if (this.all.size === 0 && this.atWork === 0) this.idle(onIdle)
  }

  private idle(onIdle: () => void): void {
    this.looking?.cancel()
    this.ready.length = 0
    onIdle()
  }
}
