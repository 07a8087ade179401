import type { Broker, BusMessage, BusSubscription } from '@natter/broker'
import { systemClock, TypedEvents, UnavailableError, type Clock, type Timer } from '@natter/primitives'
import { Errors, type Bytes } from '@natter/protocol'
import { randomBytes } from 'node:crypto'
import { encodeApiRequest } from '../api-wire.js'
import { appBeatMs, decodeToApp, encodeBeat, encodeFromApp, type FromApp, type ToApp } from '../app-wire.js'
import { claimApp, hashOf, restoreApp } from '../apps-record.js'
import type { AnswerTable, EventScope, HookEvent, HookKind, HookReply, HookRequest } from '../hooks.js'
import { refusalOf } from '../refusals.js'
import { ToldEvents } from './told-events.js'

/** What answers: the app behind the mesh. */
export interface AppCallbacks {
  readonly table: AnswerTable
  /**
   * `signal` fires at the deadline: nobody waits any more. `progress` counts for rpc alone, before it resolves.
   *
   * A decision or a refusal. What it throws: ClientError and DisconnectError are the refusals that they say, anything else is a bug and
   * becomes error 100 (temporary).
   */
  answer<K extends HookKind>(
    request: Extract<HookRequest, { kind: K }>,
    call: { signal: AbortSignal; progress(data: Bytes): void },
  ): Promise<HookReply<K>>
  /**
   * Tells the handlers of an event that declared this scope. Resolved = done, or given up for good (and logged). Rejected = tell again:
   * then all of them are told again.
   */
  hear(event: HookEvent, scope: EventScope): Promise<void>
}

/** What happens in an instance of an app. Logs and metrics listen. */
export interface AppInstanceEvents {
  /** A handler threw what is neither ClientError nor DisconnectError: a bug. The client was answered 100. */
  'app:hook:error': { kind: HookKind; error: unknown }
  'app:event:error': { kind: HookEvent['kind']; error: unknown }
  /** A handler is at work beyond the deadline: the client was answered without it. */
  'app:hook:late': { kind: HookKind }
  /** An answer could not be sent, most likely because it is larger than NATS carries. The client was answered 100. */
  'app:reply:failed': { error: unknown }
  /** What came is no message of ours. */
  'app:message:bad': { error: unknown }
  /** After a reconnect the record of the apps could not be written: it is tried again after the next. */
  'app:claim:failed': { error: unknown }
}

export interface AppInstanceOptions {
  broker: Broker
  app: string
  /** Unique in the mesh. Default: the app's name and a random word. */
  instance?: string
  /** The gateway that loaded it, whose sockets' events it hears with scope `node`. Absent = it runs by itself. */
  node?: string
  clock?: Clock
  events?: TypedEvents<AppInstanceEvents>
}

type State =
  | { kind: 'new' }
  /** Its claims are on their way into the record. */
  | { kind: 'starting' }
  | {
      kind: 'running' | 'draining'
      side: AppCallbacks
      listening: BusSubscription[]
      unhook: () => void
      beat: Timer | undefined
    }
  | { kind: 'stopped' }

/**
 * One process of an app, as the mesh sees it.
 *
 * A1. Nothing is asked of it before its claims are in the record of the apps: two apps never answer the same.
 * A2. Once it drains or has stopped, whatever comes is answered `away`: certainly not looked at, ask another one.
 * A3. A hook is answered at most once, and not after its deadline: the gateway has gone on.
 * A4. An event is heard once by one instance, however often it is told (`told-events.ts`).
 * A5. Probes are answered by the instance itself, with the number of handlers that are overdue: a process whose handlers all hang
 *     beats on, and the gateway must be able to tell.
 */
export class AppInstance {
  readonly app: string
  readonly instance: string
  readonly events: TypedEvents<AppInstanceEvents>
  private readonly life = randomBytes(9).toString('base64url')
  private readonly node: string | undefined
  private readonly broker: Broker
  private readonly clock: Clock
  private readonly told: ToldEvents
  private state: State = { kind: 'new' }
  private hash = ''
  private atWork = 0
  private overdue = 0

  constructor(options: AppInstanceOptions) {
    const { broker, app, clock = systemClock, events = new TypedEvents() } = options
    this.broker = broker
    this.app = app
    this.instance = options.instance ?? `${app}-${randomBytes(6).toString('hex')}`
    this.node = options.node
    this.clock = clock
    this.events = events
    this.told = new ToldEvents(clock)
  }

  /** Hooks and events at work. */
  get pending(): number {
    return this.atWork
  }

  /**
   * Claims what it answers, and lets hooks and events come.
   *
   * @throws InvalidError `handler-taken`, both apps named; `bad-apps-record`.
   * @throws UnavailableError the mesh can't be reached; `app-stopped`: it was stopped meanwhile.
   */
  async start(side: AppCallbacks): Promise<void> {
    this.hash = hashOf(side.table)
    this.state = { kind: 'starting' }
    await claimApp(this.broker.registry, this.app, side.table) // A1
    if (!this.isStarting) throw new UnavailableError('app-stopped', 'This app was stopped while it started')
    const { bus, subjects, events } = this.broker
    const listening = [
      bus.subscribe(subjects.toApp(this.instance), (message) => this.receive(message)),
      bus.subscribe(subjects.appCall, () => this.beat()),
    ]
    const unhook = events.on('broker:reconnect', () => void this.resume(side))
    this.state = { kind: 'running', side, listening, unhook, beat: undefined }
    await bus.flush()
    this.beatOn()
  }

  private get isStarting(): boolean {
    return this.state.kind === 'starting'
  }

  /** Takes nothing new from here on. Resolves when NATS has it; what is at work goes on. */
  async drain(): Promise<void> {
    const { state } = this
    if (state.kind !== 'running') return
    this.state = { ...state, kind: 'draining' } // A2
    if (!this.broker.bus.isConnected) return
    this.beat()
    await this.broker.bus.flush()
  }

  /** Leaves. What is at work then is answered to nobody: drain before. Twice does nothing. */
  async stop(): Promise<void> {
    const { state } = this
    this.state = { kind: 'stopped' }
    if (state.kind !== 'running' && state.kind !== 'draining') return
    state.beat?.cancel()
    state.unhook()
    await Promise.all(state.listening.map((one) => one.drain())) // A2: a gateway may not have heard yet that it drains
    this.say('goodbye', true)
    if (this.broker.bus.isConnected) await this.broker.bus.flush().catch(() => {})
  }

  /** NATS may have lost its disk, and the record with it. */
  private async resume(side: AppCallbacks): Promise<void> {
    this.beat()
    try {
      await restoreApp(this.broker.registry, this.app, side.table)
    } catch (error) {
      this.events.emit('app:claim:failed', { error })
    }
  }

  private beatOn(): void {
    const { state } = this
    if (state.kind !== 'running' && state.kind !== 'draining') return
    this.beat()
    state.beat = this.clock.setTimer(() => this.beatOn(), appBeatMs)
  }

  private beat(): void {
    this.say('beat', this.state.kind !== 'running')
  }

  private say(kind: 'beat' | 'goodbye', isDraining: boolean): void {
    const { bus, subjects } = this.broker
    if (!bus.isConnected) return
    const { app, instance, life, hash, atWork: pending } = this
    const node = this.node === undefined ? {} : { node: this.node }
    bus.publish(
      subjects.appBeat,
      encodeBeat({ kind, app, instance, life, hash, pending, isDraining, ...node }),
    )
  }

  private receive(message: BusMessage): void {
    const asked = this.read(message.body)
    if (asked === undefined) return
    const respond = (reply: FromApp): void => this.respond(message, reply)
    const { state } = this
    if (asked.kind === 'probe') return respond({ kind: 'alive', overdue: this.overdue }) // A5
    if (state.kind !== 'running') return respond({ kind: 'away' }) // A2
    if (asked.kind === 'describe')
      respond({ kind: 'table', app: this.app, hash: this.hash, table: state.side.table })
    else if (asked.kind === 'event') void this.hear(state.side, asked, respond)
    else if (asked.kind === 'hook') void this.answer(state.side, asked, respond)
  }

  /** An answer that NATS can't carry is a bug of the handler. */
  private respond(message: BusMessage, reply: FromApp): void {
    try {
      message.respond(encodeFromApp(reply))
    } catch (error) {
      this.events.emit('app:reply:failed', { error })
      if (reply.kind === 'reply')
        message.respond(encodeFromApp({ kind: 'reply', reply: { error: { ...Errors.internal } } }))
    }
  }

  private read(body: Uint8Array): ToApp | undefined {
    try {
      return decodeToApp(body)
    } catch (error) {
      this.events.emit('app:message:bad', { error })
      return undefined
    }
  }

  private async hear(
    side: AppCallbacks,
    { event, scope }: Extract<ToApp, { kind: 'event' }>,
    respond: (reply: FromApp) => void,
  ): Promise<void> {
    this.atWork += 1
    try {
      await this.told.once(`${scope} ${event.id}`, async () => side.hear(event, scope)) // A4
      respond({ kind: 'told', isHeard: true })
    } catch (error) {
      this.events.emit('app:event:error', { kind: event.kind, error })
      respond({ kind: 'told', isHeard: false })
    } finally {
      this.atWork -= 1
    }
  }

  private async answer(
    side: AppCallbacks,
    { request, withinMs }: Extract<ToApp, { kind: 'hook' }>,
    respond: (reply: FromApp) => void,
  ): Promise<void> {
    const deadline = new AbortController()
    let isLate = false
    const timer = this.clock.setTimer(() => {
      isLate = true
      this.overdue += 1
      this.events.emit('app:hook:late', { kind: request.kind })
      deadline.abort()
    }, withinMs)
    this.atWork += 1
    const reply = await this.decide(side, request, deadline.signal)
    this.atWork -= 1
    timer.cancel()
    if (isLate) this.overdue -= 1
    else respond({ kind: 'reply', reply }) // A3
  }

  private async decide(side: AppCallbacks, request: HookRequest, signal: AbortSignal): Promise<HookReply> {
    try {
      return await side.answer(request, { signal, progress: (data) => this.progress(request, data) })
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal === undefined) this.events.emit('app:hook:error', { kind: request.kind, error })
      return refusal ?? { error: { ...Errors.internal } }
    }
  }

  /** At most once, in order: to the gateway that holds the caller. */
  private progress(request: HookRequest, data: Bytes): void {
    if (request.kind !== 'rpc' || !this.broker.bus.isConnected) return
    const { bus, subjects } = this.broker
    const { user, node } = request.caller
    bus.publish(
      subjects.apiOfNode(node),
      encodeApiRequest({ kind: 'progress', user, call: request.call, data }),
    )
  }
}
