import type { EventScope, HookEvent } from '../hooks.js'
import { EventLane } from './event-lane.js'
import type { Instance } from './instances.js'
import { MessageLines } from './message-lines.js'
import { drop, isOfNode, targetsOf, worst, type Told, type TellerOptions } from './telling.js'

/**
 * Tells each event to the apps that declared it, in the ways they declared.
 *
 * T1. What waits in one lane can be heard by the same instances: a lane for each app, way, kind and namespace. Instances of two builds
 *     may hear different things, and what the present ones can't hear holds back nothing that they can.
 * T2. Scope `node` is for what happens on this gateway's own sockets, and its end with it: nobody waits for it or tells it elsewhere.
 */
export class EventTeller {
  private readonly lanes = new Map<string, EventLane>()
  private readonly messages = new Map<string, MessageLines>()
  private readonly underway = new Set<Promise<Told>>()
  private isStopped = false

  constructor(private readonly options: TellerOptions) {}

  async tell(event: HookEvent): Promise<Told> {
    const namespace = 'namespace' in event ? { namespace: event.namespace } : {}
    const listeners = this.options.demands.listeners({ kind: event.kind, ...namespace })
    const told: Promise<Told>[] = []
    for (const { app, scope } of listeners) {
      if (scope !== 'node') told.push(this.track(this.tellApp(app, scope, event)))
      else if (isOfNode(event, this.options.node)) void this.track(this.tellApp(app, scope, event)) // T2
    }
    return worst(await Promise.all(told))
  }

  /** Resolves when nothing is on its way any more, after `withinMs` at the latest. */
  async untilTold(withinMs: number): Promise<void> {
    const all = Promise.all(this.underway)
    await new Promise<void>((resolve) => {
      const timer = this.options.clock.setTimer(resolve, withinMs)
      void all.then(() => {
        timer.cancel()
        resolve()
      })
    })
  }

  private track(telling: Promise<Told>): Promise<Told> {
    this.underway.add(telling)
    void telling.then(() => this.underway.delete(telling))
    return telling
  }

  /** Somebody is there who was not. */
  wake(): void {
    for (const lane of this.lanes.values()) lane.wake()
  }

  stop(): void {
    this.isStopped = true
    for (const lane of this.lanes.values()) lane.stop()
    for (const lines of this.messages.values()) lines.stop()
  }

  private async tellApp(app: string, scope: EventScope, event: HookEvent): Promise<Told> {
    if (this.isStopped) return drop(this.options, app, event, 'stopped')
    if (event.kind === 'message') return this.linesOf(app, scope).tell(event)
    if (scope === 'group') return this.laneOf(laneKey(app, event), { app, scope }).tell(event) // T1
    const lanes = targetsOf(this.options, app, scope, event).map((only) =>
      this.laneOf(`${scope} ${only.name} ${only.life}`, { app, scope, only }),
    )
    return worst(await Promise.all(lanes.map((lane) => lane.tell(event))))
  }

  private linesOf(app: string, scope: EventScope): MessageLines {
    const key = `${scope} ${app}`
    const lines = this.messages.get(key) ?? new MessageLines({ ...this.options, app, scope })
    this.messages.set(key, lines)
    return lines
  }

  private laneOf(key: string, to: { app: string; scope: EventScope; only?: Instance }): EventLane {
    const known = this.lanes.get(key)
    if (known !== undefined) return known
    const onIdle = (): void => void this.lanes.delete(key)
    const lane = new EventLane({ ...this.options, ...to, onIdle })
    this.lanes.set(key, lane)
    return lane
  }
}

const laneKey = (app: string, event: HookEvent): string =>
  `group ${app} ${event.kind} ${'namespace' in event ? event.namespace : ''}`
