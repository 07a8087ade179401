import type { ToldScope } from '../app-wire.js'
import type { HookEvent } from '../hooks.js'
import { EventLane } from './event-lane.js'
import type { Instance } from './instances.js'
import { MessageLines } from './message-lines.js'
import { drop, wants, worst, type Told, type TellerOptions } from './telling.js'

/**
 * Tells each event to the apps that declared it, in the ways they declared.
 *
 * T1. What waits in one lane can be heard by the same instances: a lane for each app, way, kind and namespace. Instances of two builds
 *     may hear different things, and what the present ones can't hear holds back nothing that they can.
 */
export class EventTeller {
  private readonly lanes = new Map<string, EventLane>()
  private readonly messages = new Map<string, MessageLines>()
  private isStopped = false

  constructor(private readonly options: TellerOptions) {}

  async tell(event: HookEvent): Promise<Told> {
    const namespace = 'namespace' in event ? { namespace: event.namespace } : {}
    const listeners = this.options.demands.listeners({ kind: event.kind, ...namespace })
    const told = listeners.map(({ app, scope }) =>
      scope === 'node' ? Promise.resolve<Told>('heard') : this.tellApp(app, scope, event),
    )
    return worst(await Promise.all(told))
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

  private async tellApp(app: string, scope: ToldScope, event: HookEvent): Promise<Told> {
    if (this.isStopped) return drop(this.options, app, event, 'stopped')
    if (event.kind === 'message') return this.linesOf(app, scope).tell(event)
    if (scope === 'group') return this.laneOf(laneKey(app, event), app).tell(event) // T1
    const targets = this.options.directory.there(app).filter(({ table }) => wants(table, event, scope))
    return worst(
      await Promise.all(targets.map((one) => this.laneOf(`${one.name} ${one.life}`, app, one).tell(event))),
    )
  }

  private linesOf(app: string, scope: ToldScope): MessageLines {
    const key = `${scope} ${app}`
    const lines = this.messages.get(key) ?? new MessageLines({ ...this.options, app, scope })
    this.messages.set(key, lines)
    return lines
  }

  private laneOf(key: string, app: string, only?: Instance): EventLane {
    const known = this.lanes.get(key)
    if (known !== undefined) return known
    const onIdle = (): void => void this.lanes.delete(key)
    const lane = new EventLane({ ...this.options, app, onIdle, ...(only === undefined ? {} : { only }) })
    this.lanes.set(key, lane)
    return lane
  }
}

const laneKey = (app: string, event: HookEvent): string =>
  `group ${app} ${event.kind} ${'namespace' in event ? event.namespace : ''}`
