import type { EventScope, HookEvent } from '../hooks.js'
import { drop, eventWithinMs, targetsOf, wants, worst, type TellerOptions, type Told } from './telling.js'
import type { Instance } from './instances.js'

type Message = Extract<HookEvent, { kind: 'message' }>

export interface MessageLinesOptions extends TellerOptions {
  app: string
  scope: EventScope
}

interface Waiting {
  message: Message
  resolve: (told: Told) => void
}

/**
 * What clients `send`, on its way to one app: one line for each connection.
 *
 * S1. A message is told at most once: where its outcome isn't known it is dropped, and that is told.
 * S2. The messages of a connection are told in their order: the next when the one before is answered.
 * S3. At most `maxWaiting` wait, in all lines; one more is dropped.
 */
export class MessageLines {
  private readonly lines = new Map<string, Waiting[]>()
  private waiting = 0
  private isStopped = false

  constructor(private readonly options: MessageLinesOptions) {}

  tell(message: Message): Promise<Told> {
    const { maxWaiting, app } = this.options
    if (this.waiting >= maxWaiting) return Promise.resolve(drop(this.options, app, message, 'full')) // S3
    this.waiting += 1
    return new Promise((resolve) => {
      const line = this.lines.get(message.caller.client)
      if (line !== undefined) return void line.push({ message, resolve })
      this.lines.set(message.caller.client, [{ message, resolve }])
      void this.work(message.caller.client)
    })
  }

  stop(): void {
    this.isStopped = true
  }

  /** S2: the head stays in the line while it is told. */
  private async work(client: string): Promise<void> {
    const line = this.lines.get(client) ?? []
    for (let head = line[0]; head !== undefined; head = line[0]) {
      const told = await this.tellOne(head.message)
      line.shift()
      this.waiting -= 1
      head.resolve(told)
    }
    this.lines.delete(client)
  }

  private async tellOne(message: Message): Promise<Told> {
    const { app, scope } = this.options
    if (this.isStopped) return drop(this.options, app, message, 'stopped')
    if (scope === 'group') return this.tellAnyone(message)
    const targets = targetsOf(this.options, app, scope, message)
    const told = await Promise.all(targets.map((one) => this.hand(message, one)))
    return worst(told.filter((one) => one !== 'away'))
  }

  private async tellAnyone(message: Message): Promise<Told> {
    const { directory, app } = this.options
    const tried = new Set<Instance>()
    const fits = (table: Parameters<typeof wants>[0]): boolean => wants(table, message, 'group')
    for (;;) {
      const target = directory.pick(app, { mayTry: false, tried, fits })?.instance
      if (target === undefined) return drop(this.options, app, message, 'once')
      tried.add(target)
      const told = await this.hand(message, target)
      if (told !== 'away') return told
    }
  }

  /** `away` = certainly not looked at. */
  private async hand(message: Message, target: Instance): Promise<Told | 'away'> {
    const { directory, app, scope, events } = this.options
    const outcome = await directory.ask(
      target,
      { kind: 'event', withinMs: eventWithinMs, scope, event: message },
      eventWithinMs,
    )
    if (outcome.kind === 'away') return 'away'
    if (outcome.kind !== 'reply') return drop(this.options, app, message, 'once') // S1
    events.emit('event:told', { kind: 'message', app, attempts: 1 })
    return 'heard'
  }
}
