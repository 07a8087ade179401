/**
 * How apps are told what has happened.
 *
 * E1. An event is told to one instance of each app that declared it for its group, and to each instance where it declared it for all,
 *     or for where the socket is: the mesh is one gateway, which has loaded all apps.
 * E2. One that isn't heard is told again, elsewhere where it can be, after a pause that doubles from 100 ms to 30 s of virtual time.
 * E3. Messages (`send`) are told once, those of a connection one after the other.
 */
import type { EventScope, HookEvent } from '@natter/hooks'
import { Backoff, type Clock } from '@natter/primitives'
import type { Apps, Instance } from './apps.js'
import type { AtWork } from './at-work.js'

/** Without chance: the whole pause each time. */
const pauses = () => new Backoff({ baseMs: 100, maxMs: 30_000 }, () => 1)
/** How often the mesh looks for an instance while there is none. */
const lookEveryMs = 1_000

export class Events {
  /** By connection: the end of its line. */
  private readonly lines = new Map<string, Promise<unknown>>()

  constructor(
    private readonly apps: Apps,
    private readonly clock: Clock,
    private readonly atWork: AtWork,
  ) {}

  tell(event: HookEvent): void {
    if (event.kind === 'message') return this.tellInLine(event)
    for (const { app, scope } of this.listeners(event)) {
      if (scope === 'group') this.tellGroup(app, event, pauses(), undefined)
      else
        for (const instance of this.apps.instancesOf(app)) this.tellInstance(instance, scope, event, pauses())
    }
  }

  wants(kind: HookEvent['kind']): boolean {
    return this.apps.listeners(kind, undefined).length > 0
  }

  private listeners(event: HookEvent): { app: string; scope: EventScope }[] {
    const namespace = 'namespace' in event ? event.namespace : undefined
    return this.apps.listeners(event.kind, namespace)
  }

  private tellGroup(app: string, event: HookEvent, pause: Backoff, last: Instance | undefined): void {
    const there = this.apps.instancesOf(app)
    const instance = there.find((one) => one !== last) ?? there[0]
    const again = () => this.tellGroup(app, event, pause, instance)
    if (instance === undefined) this.clock.setTimer(again, lookEveryMs)
    else void this.hear(instance, event, 'group').catch(() => this.clock.setTimer(again, pause.next())) // E2
  }

  private tellInstance(instance: Instance, scope: EventScope, event: HookEvent, pause: Backoff): void {
    if (!this.apps.instancesOf(instance.app).includes(instance)) return // it has gone: nobody to tell
    const again = () => this.tellInstance(instance, scope, event, pause)
    void this.hear(instance, event, scope).catch(() => this.clock.setTimer(again, pause.next()))
  }

  /** E3. */
  private tellInLine(event: Extract<HookEvent, { kind: 'message' }>): void {
    const { client } = event.caller
    const told = (this.lines.get(client) ?? Promise.resolve()).then(() => this.tellOnce(event))
    this.lines.set(client, told)
  }

  private async tellOnce(event: HookEvent): Promise<void> {
    const told = this.listeners(event).flatMap(({ app, scope }) => {
      const there = this.apps.instancesOf(app)
      return (scope === 'group' ? there.slice(0, 1) : there).map((one) => this.hear(one, event, scope))
    })
    await Promise.allSettled(told)
  }

  private hear(instance: Instance, event: HookEvent, scope: EventScope): Promise<void> {
    return this.atWork.run(event.kind, () => instance.side.hear(event, scope))
  }
}
