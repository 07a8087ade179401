/**
 * The transport strategy: handlers come in from Nest's own `ListenersController`, calls from the mesh.
 *
 * V1. Only handlers that the edge has registered are there, whoever else gives this strategy to Nest, and in whatever order.
 * V2. A question gets one answer: a decision or a refusal, never a rejection.
 * V3. Nothing of a bug reaches the client but error 100; it is logged here, once.
 * V4. Drain: intake ends first, then handlers in work, then the way to the mesh. Twice is once.
 */
import { ClientError, DisconnectError, refusalOf } from '@natter/hooks'
import type {
  AnswerTable,
  Caller,
  EventScope,
  HookEvent,
  HookKind,
  HookReply,
  HookRequest,
} from '@natter/hooks'
import { InvalidError, TypedEvents, UnavailableError } from '@natter/primitives'
import type { Bytes } from '@natter/protocol'
import { Inject, Injectable } from '@nestjs/common'
import { Server, type MessageHandler } from '@nestjs/microservices'
import { NATTER, type AnsweringHandler, type Handler } from '../decorators/handler.js'
import type { AppSide, MeshDriver } from '../driver/mesh-driver.js'
import { MESH_DRIVER, RESOLVED_OPTIONS, type ResolvedOptions } from '../natter.options.js'
import { clientErrorOf, UnforeseenError } from './client-errors.js'
import { MeshContext } from './context.js'
import { Deny, replyOf } from './decisions.js'
import { HandlerTable, type Entry, type Found } from './handler-table.js'
import { encodeValue } from './json.js'
import { settle } from './settle.js'
import { pathOf, type StandardSchema } from './standard-schema.js'

/** `new`: before the last bootstrap hook. `up`: the mesh asks. `draining`: nothing new comes. `down`: left. */
export type MeshStatus = 'new' | 'up' | 'draining' | 'down'

export interface MeshEvents {
  /** A handler threw what nobody foresaw. `where`: its class and method. */
  'handler:fail': { where: string; address: string; client: string | undefined; error: unknown }
  /** An event was given up, because its handler says that a repeat is useless. */
  'event:drop': { where: string; address: string; id: string; error: unknown }
  'drain:start': { inWork: number }
  /** `inWork` > 0: so many were still at work when the time was over. */
  'drain:end': { inWork: number }
  'drain:fail': { error: unknown }
}

type Listeners = { [K in keyof MeshEvents]: (payload: MeshEvents[K]) => void }

const never = new AbortController().signal

@Injectable()
export class NatterServer extends Server<Listeners, MeshStatus> implements AppSide {
  override readonly transportId = NATTER
  /** Else Nest logs an event's error a second time. */
  override readonly propagatesEventHandlerErrors = true

  private readonly handlers = new HandlerTable()
  private readonly events = new TypedEvents<MeshEvents>((error) => this.logger.error(error))
  private refusals: string[] | undefined
  private state: MeshStatus = 'new'
  private inWork = 0
  private idle: (() => void) | undefined
  private leaving: Promise<void> | undefined

  constructor(
    @Inject(MESH_DRIVER) private readonly driver: MeshDriver,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {
    super()
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
    return this.inWork
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
    } catch (error) {
      this.enter('down')
      throw error
    }
  }

  /** V4. Resolves when all is done; a failure is told and logged, and the process' exit code says it. */
  leave(): Promise<void> {
    this.leaving ??= this.drainAndStop()
    return this.leaving
  }

  private async drainAndStop(): Promise<void> {
    if (this.state !== 'up') return this.enter('down')
    this.enter('draining')
    this.events.emit('drain:start', { inWork: this.inWork })
    try {
      await this.driver.drain()
      await this.untilIdle()
      this.events.emit('drain:end', { inWork: this.inWork })
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

  private untilIdle(): Promise<void> {
    if (this.inWork === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.logger.error(
          `${this.inWork} handlers still at work after ${this.options.drainTimeoutMs} ms: left alone`,
        )
        resolve()
      }, this.options.drainTimeoutMs)
      this.idle = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async answer<K extends HookKind>(
    request: Extract<HookRequest, { kind: K }>,
    call: { signal: AbortSignal; progress(data: Bytes): void },
  ): Promise<HookReply<K>> {
    const found = this.handlers.find(request)
    if ('code' in found) return { error: { ...found } }
    this.inWork += 1
    try {
      return (await this.ask(found, request, call)) as HookReply<K>
    } catch (thrown) {
      const error = this.judge(thrown, found.entry, request.caller) // V2
      return refusalOf(error)!
    } finally {
      this.done()
    }
  }

  private async ask(
    { entry, params }: Found<AnsweringHandler>,
    request: HookRequest,
    { signal, progress }: { signal: AbortSignal; progress(data: Bytes): void },
  ): Promise<HookReply> {
    const { handler, run } = entry
    const context = new MeshContext(request, params, signal, handler.encoding)
    const isRpc = handler.kind === 'rpc'
    const result = await settle(await run(context, context), {
      signal,
      mayBeEmpty: isRpc,
      progress: (value) => isRpc && progress(encodeValue(value, handler.encoding)),
    })
    return replyOf(handler.kind, await checked(handler, result, context), handler.encoding)
  }

  async hear(event: HookEvent, scope: EventScope): Promise<void> {
    const found = this.handlers.hearers(event, scope)
    const outcomes = await Promise.all(found.map((one) => this.tell(one, event)))
    const failed = outcomes.find((outcome) => outcome !== undefined)
    if (failed !== undefined) throw failed
  }

  /** The error that a repeat may mend; undefined = done. */
  private async tell({ entry, params }: Found<Handler>, event: HookEvent): Promise<Error | undefined> {
    const { handler, run } = entry
    this.inWork += 1
    try {
      const context = new MeshContext(event, params, never, handler.encoding)
      await settle(await run(context, context), {
        signal: never,
        mayBeEmpty: true,
        progress: () => undefined,
      })
      return undefined
    } catch (thrown) {
      const caller = 'caller' in event ? event.caller : undefined
      return await this.judgeEvent(this.judge(thrown, entry, caller), entry, event)
    } finally {
      this.done()
    }
  }

  /** Temporary or unknown: again. Permanent: given up. */
  private async judgeEvent(error: ClientError | DisconnectError, { handler }: Entry, event: HookEvent) {
    if (event.kind === 'message' && error instanceof DisconnectError) {
      const { code, reason } = error
      await this.driver.disconnect(event.caller.user, { client: event.caller.client, code, reason })
      return undefined
    }
    if (error instanceof ClientError && error.temporary && event.kind !== 'message')
      return new UnavailableError('event-failed', `${handler.where} failed: tell it again.`, { cause: error })
    const { where, address } = handler
    this.events.emit('event:drop', { where, address, id: event.id, error })
    if (!(error instanceof UnforeseenError))
      this.logger.warn(`${where} gave up ${address} ${event.id}: ${error.message}`)
    return undefined
  }

  /** V3. */
  private judge(
    thrown: unknown,
    { handler }: Entry,
    caller: Caller | undefined,
  ): ClientError | DisconnectError {
    const error = clientErrorOf(thrown)
    if (error instanceof UnforeseenError) {
      const { where, address } = handler
      this.events.emit('handler:fail', { where, address, client: caller?.client, error: error.cause })
      this.logger.error(
        `${where} failed (${address}${caller === undefined ? '' : `, client ${caller.client}`})`,
      )
      this.logger.error(error.cause)
    }
    return error
  }

  private done(): void {
    this.inWork -= 1
    if (this.inWork === 0) this.idle?.()
  }

  private enter(state: MeshStatus): void {
    this.state = state
    this._status$.next(state)
  }
}

/** The result as the handler's own schema makes it. A stored value that is what the client sent must fit too. */
async function checked(handler: AnsweringHandler, result: unknown, context: MeshContext): Promise<unknown> {
  const { result: schema } = handler
  if (schema === undefined || result instanceof Deny || (handler.kind === 'publish' && result === false))
    return result
  const isAsSent = handler.kind === 'publish' && (result === undefined || result === true)
  return fitting(schema, isAsSent ? context.data : result, handler.where)
}

async function fitting(schema: StandardSchema, value: unknown, where: string): Promise<unknown> {
  const outcome = await schema['~standard'].validate(value)
  if (outcome.issues === undefined) return outcome.value
  const issues = outcome.issues.slice(0, 16).map((issue) => `${pathOf(issue)}: ${issue.message}`)
  throw new InvalidError('bad-result', `${where} returned what its own schema refuses. ${issues.join('; ')}`)
}
