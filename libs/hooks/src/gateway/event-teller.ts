import type { ToldScope } from '../app-wire.js'
import type { HookEvent } from '../hooks.js'
import { EventLane } from './event-lane.js'
import type { Instance } from './instances.js'
import { MessageLines } from './message-lines.js'
import { drop, wants, worst, type Told, type TellerOptions } from './telling.js'

/** Tells each event to the apps that declared it, in the ways they declared; one lane for each app and way. */
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
    const key = `${scope} ${app}`
    if (event.kind === 'message') {
      const lines = this.messages.get(key) ?? new MessageLines({ ...this.options, app, scope })
      this.messages.set(key, lines)
      return lines.tell(event)
    }
    if (scope === 'group') return this.laneOf(key, app).tell(event)
    const targets = this.options.directory.there(app).filter(({ table }) => wants(table, event, scope))
    return worst(
      await Promise.all(targets.map((one) => this.laneOf(`${one.name} ${one.life}`, app, one).tell(event))),
    )
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
