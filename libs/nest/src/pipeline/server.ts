/**
 * The transport strategy: handlers come in from Nest's own `ListenersController`, calls from the mesh.
 *
 * V1. Only handlers that the edge has registered are there, whoever else gives this strategy to Nest, and in whatever order.
 * V2. Drain: intake ends first, then handlers in work, then the way to the mesh. Twice is once.
 */
import type { AnswerTable, EventScope, HookEvent, HookKind, HookReply, HookRequest } from '@natter/hooks'
import { InvalidError, TypedEvents } from '@natter/primitives'
import type { Bytes } from '@natter/protocol'
import { Inject, Injectable } from '@nestjs/common'
import { Server, type MessageHandler } from '@nestjs/microservices'
import { NATTER, type Handler } from '../decorators/handler.js'
import type { AppSide, MeshDriver } from '../driver/mesh-driver.js'
import { MESH_DRIVER, RESOLVED_OPTIONS, type ResolvedOptions } from '../natter.options.js'
import { Calls, type MeshEvents } from './calls.js'
import { HandlerTable } from './handler-table.js'

/** `new`: before the last bootstrap hook. `up`: the mesh asks. `draining`: nothing new comes. `down`: left. */
export type MeshStatus = 'new' | 'up' | 'draining' | 'down'

type Listeners = { [K in keyof MeshEvents]: (payload: MeshEvents[K]) => void }

@Injectable()
export class NatterServer extends Server<Listeners, MeshStatus> implements AppSide {
  override readonly transportId = NATTER
  /** Else Nest logs an event's error a second time. */
  override readonly propagatesEventHandlerErrors = true

  private readonly handlers = new HandlerTable()
  private readonly events = new TypedEvents<MeshEvents>((error) => this.logger.error(error))
  private readonly calls: Calls
  private refusals: string[] | undefined
  private state: MeshStatus = 'new'
  private leaving: Promise<void> | undefined

  constructor(
    @Inject(MESH_DRIVER) private readonly driver: MeshDriver,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {
    super()
    this.calls = new Calls(this.handlers, driver, this.events)
    this._status$.next('new')
  }

  get table(): AnswerTable {
    return this.handlers.answers()
  }

  get meshStatus(): MeshStatus {
    return this.state
  }

  get isConnected(): boolean {
    return this.driver.isConnected
  }

  /** Handlers in work. */
  get inFlight(): number {
    return this.calls.inWork
  }

  override on<K extends keyof MeshEvents>(event: K, callback: Listeners[K]): () => void {
    return this.events.on(event, callback)
  }

  /** The {@link MeshDriver}. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- Nest's signature
  override unwrap<T>(): T {
    return this.driver as T
  }

  /** Nest's part of the microservice forms: the edge starts intake, nobody else. */
  override listen(callback: () => void): void {
    callback()
  }

  override close(): Promise<void> {
    return this.leave()
  }

  /** V1. @throws InvalidError `handlers-clash`: every clash, both places named. */
  wire(register: () => void): void {
    this.refusals = []
    register()
    const refusals = this.refusals
    this.refusals = undefined
    if (refusals.length > 0) throw new InvalidError('handlers-clash', refusals.join('\n'))
  }

  override addHandler(
    pattern: unknown,
    callback: MessageHandler,
    _isEventHandler = false,
    extras: { natter?: readonly Handler[] } = {},
  ): void {
    if (this.refusals === undefined) return // V1
    const handler = extras.natter?.find(({ address }) => address === pattern)
    if (handler === undefined) return // a @MessagePattern of somebody else, for any transport
    const refusal = this.handlers.add({ handler, run: callback })
    if (refusal !== undefined) this.refusals.push(refusal)
    else this.messageHandlers.set(handler.address, callback) // not super's: it chains events, and one scope would run another's
  }

  /** Joins the mesh. @throws what the driver's `start` throws. */
  async start(): Promise<void> {
    if (this.state !== 'new') return
    this.enter('up') // M1: the first question may come before `start` resolves
    try {
      await this.driver.start(this)
      this.logger.log(`${this.options.app} is in the mesh, as ${this.options.instance}`)
      if (!this.driver.isHosted) this.warnOfDeaf()
    } catch (error) {
      this.enter('down')
      throw error
    }
  }

  /** Not refused: the same app may run both ways. */
  private warnOfDeaf(): void {
    const deaf = this.handlers.placesOf('node')
    if (deaf.length === 0) return
    this.logger.warn(
      `${deaf.join(', ')}: scope 'node' hears only what happens on the gateway that loads the app (gateway.apps), and none has loaded this one`,
    )
  }

  /** V2. Resolves when all is done; a failure is told and logged, and the process' exit code says it. */
  leave(): Promise<void> {
    this.leaving ??= this.drainAndStop()
    return this.leaving
  }

  private async drainAndStop(): Promise<void> {
    if (this.state !== 'up') return this.enter('down')
    this.enter('draining')
    this.events.emit('drain:start', { inWork: this.calls.inWork })
    try {
      await this.driver.drain()
      await this.untilIdle()
      this.events.emit('drain:end', { inWork: this.calls.inWork })
      await this.driver.stop()
    } catch (error) {
      this.events.emit('drain:fail', { error }) // Nest swallows what a destroy hook throws
      this.logger.error('drain failed')
      this.logger.error(error)
      process.exitCode = 1
      process.once('exit', () => (process.exitCode = 1)) // `useProcessExit` says 0 whatever has happened
    }
    this.enter('down')
  }

  private async untilIdle(): Promise<void> {
    const { drainTimeoutMs } = this.options
    if (await this.calls.untilIdle(drainTimeoutMs)) return
    this.logger.error(`${this.calls.inWork} handlers still at work after ${drainTimeoutMs} ms: left alone`)
  }

  answer<K extends HookKind>(
    request: Extract<HookRequest, { kind: K }>,
    call: { signal: AbortSignal; progress(data: Bytes): void },
  ): Promise<HookReply<K>> {
    return this.calls.answer(request, call)
  }

  hear(event: HookEvent, scope: EventScope): Promise<void> {
    return this.calls.hear(event, scope)
  }

  private enter(state: MeshStatus): void {
    this.state = state
    this._status$.next(state)
  }
}
