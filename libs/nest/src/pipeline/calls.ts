/**
 * One call after the other, from the mesh through a handler's pipeline and back.
 *
 * A1. A question gets one answer: a decision or a refusal, never a rejection.
 * A2. Nothing of a bug reaches the client but error 100; it is told and logged here, once.
 * A3. An event is over when each of its handlers has done it, or has said that a repeat is useless.
 */
import { ClientError, DisconnectError, refusalOf } from '@natter/hooks'
import type { Caller, EventScope, HookEvent, HookKind, HookReply, HookRequest } from '@natter/hooks'
import { InvalidError, UnavailableError, type TypedEvents } from '@natter/primitives'
import type { Bytes } from '@natter/protocol'
import { Logger } from '@nestjs/common'
import type { AnsweringHandler, Handler } from '../decorators/handler.js'
import type { MeshDriver } from '../driver/mesh-driver.js'
import { clientErrorOf, UnforeseenError } from './client-errors.js'
import { MeshContext } from './context.js'
import { Deny, replyOf } from './decisions.js'
import type { Entry, Found, HandlerTable } from './handler-table.js'
import { encodeValue } from './json.js'
import { settle } from './settle.js'
import { pathOf, type StandardSchema } from './standard-schema.js'

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

const never = new AbortController().signal

export class Calls {
  /** Handlers in work. */
  inWork = 0
  private idle: (() => void) | undefined
  private readonly logger = new Logger('Natter')

  constructor(
    private readonly handlers: HandlerTable,
    private readonly driver: Pick<MeshDriver, 'disconnect'>,
    private readonly events: TypedEvents<MeshEvents>,
  ) {}

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
      const error = this.judge(thrown, found.entry, request.caller) // A1
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

  /** A3. Temporary or unknown: again. Permanent: given up. */
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

  /** A2. */
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

  /** Whether all ended in time. 0 ms = don't wait. */
  untilIdle(timeoutMs: number): Promise<boolean> {
    if (this.inWork === 0) return Promise.resolve(true)
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), timeoutMs)
      this.idle = () => {
        clearTimeout(timer)
        resolve(true)
      }
    })
  }

  private done(): void {
    this.inWork -= 1
    if (this.inWork === 0) this.idle?.()
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
