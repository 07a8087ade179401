/**
 * The contract of an application: which channels, methods and events it answers, and the schemas that its decorators were given.
 *
 * K1. The same application is the same contract, whatever the order of its modules.
 * K2. What no decorator says is anything, and is told as a gap: nothing is guessed from TypeScript's types, which are gone.
 */
import { shapeOf, type ChannelContract, type Contract, type RpcContract, type Schema } from '@natter/contract'
import { InvalidError } from '@natter/primitives'
import type { AnsweringHandler, Handler } from '../decorators/handler.js'
import { NATTER_OPTIONS } from '../natter.module.js'
import type { StandardSchema } from '../pipeline/standard-schema.js'
import { eventsOf } from './events-of.js'
import { findHandlers, type AppModule } from './find-handlers.js'
import { describeSchema, type Side } from './json-schema.js'

export interface Gap {
  /** `rpc report.build request`, as in comparisons. */
  readonly path: string
  /** Why anything goes there, and what would change that. */
  readonly message: string
}

export interface AppContract {
  readonly contract: Contract
  readonly gaps: readonly Gap[]
}

/**
 * Of the module that is given to `NestFactory`. Nothing is started: no provider is made, and no mesh is needed.
 *
 * @throws InvalidError `handlers-clash`: what its start would refuse too; `no-handlers`: it has none.
 */
export async function contractOf(module: AppModule): Promise<AppContract> {
  const { app = 'app', handlers } = await findHandlers(module, NATTER_OPTIONS)
  if (handlers.length === 0)
    throw new InvalidError(
      'no-handlers',
      'The module has no handlers of the mesh: name the one that has the controllers, or imports those that have.',
    )
  const reading = new Reading()
  const sorted = handlers.toSorted((a, b) => order(a.address, b.address) || order(a.where, b.where)) // K1
  const contract: Contract = {
    app,
    connect: reading.connect(sorted),
    channels: reading.channels(sorted.filter(isAnswering)),
    rpc: reading.rpc(sorted.filter(isAnswering)),
    events: reading.events(sorted),
  }
  return { contract, gaps: reading.gaps.toSorted((a, b) => order(a.path, b.path)) }
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
const isAnswering = (handler: Handler): handler is AnsweringHandler => handler.use === 'answer'

const bytes: Schema = { type: 'string', contentEncoding: 'binary' }

class Reading {
  readonly gaps: Gap[] = []

  connect(handlers: readonly Handler[]): Schema {
    const handler = handlers.find(({ kind }) => kind === 'connect')
    return handler?.schema === undefined ? {} : this.sent(handler, 'connect data')
  }

  rpc(handlers: readonly AnsweringHandler[]): Record<string, RpcContract> {
    const methods = handlers.filter(({ kind }) => kind === 'rpc')
    return Object.fromEntries(
      methods.map((handler) => {
        const name = handler.name ?? ''
        const request = this.sent(handler, `rpc ${name} request`)
        return [name, { request, reply: this.result(handler, `rpc ${name} reply`, 'reply') }]
      }),
    )
  }

  /** Paths that differ in the names of their parameters are one: of the handlers that answer there, the first names it. */
  channels(handlers: readonly AnsweringHandler[]): Record<string, ChannelContract> {
    const byShape = new Map<string, AnsweringHandler[]>()
    for (const handler of handlers) {
      if (handler.path === undefined) continue
      const shape = shapeOf(patternOf(handler))
      byShape.set(shape, [...(byShape.get(shape) ?? []), handler])
    }
    return Object.fromEntries(
      [...byShape.values()].map((own) => {
        const pattern = own.map(patternOf).toSorted()[0]!
        return [pattern, this.channel(`channel ${pattern}`, own)]
      }),
    )
  }

  private channel(path: string, handlers: readonly AnsweringHandler[]): ChannelContract {
    const find = (kind: string) => handlers.find((handler) => handler.kind === kind)
    const [publish, subscribe] = [find('publish'), find('subscribe')]
    return {
      publication: this.publication(publish, `${path} publication`),
      ...(publish === undefined ? {} : { publish: this.sent(publish, `${path} publish`) }),
      ...(subscribe === undefined ? {} : { subscribe: this.subscription(subscribe, `${path} subscribe`) }),
      isPresenceAnswered: find('presence') !== undefined,
      isHistoryAnswered: find('history') !== undefined,
    }
  }

  private publication(publish: AnsweringHandler | undefined, path: string): Schema {
    if (publish !== undefined) return this.result(publish, path, 'stores')
    return this.gap(path, 'anything: no @OnPublish says what is stored')
  }

  /** Clients seldom say anything: no gap where nothing is declared. */
  private subscription(handler: AnsweringHandler, path: string): Schema {
    return handler.schema === undefined ? {} : this.sent(handler, path)
  }

  events(handlers: readonly Handler[]): Record<string, Schema> {
    const heard = handlers
      .filter(({ kind }) => kind === 'message')
      .map((one) => this.sent(one, `event (${one.where})`))
    return eventsOf(heard)
  }

  private sent(handler: Handler, path: string): Schema {
    if (handler.encoding === 'bytes') return bytes
    return this.described(handler.schema, 'input', path, `${handler.where} has no schema`)
  }

  private result(handler: AnsweringHandler, path: string, option: 'reply' | 'stores'): Schema {
    if (handler.encoding === 'bytes') return bytes
    return this.described(
      handler.result,
      'output',
      path,
      `${handler.where} has no schema in its option "${option}"`,
    )
  }

  /** K2. */
  private described(schema: StandardSchema | undefined, side: Side, path: string, absent: string): Schema {
    if (schema === undefined) return this.gap(path, `anything: ${absent}`)
    const { schema: found, gap } = describeSchema(schema, side)
    return gap === undefined ? found : this.gap(path, `anything: ${gap}`)
  }

  private gap(path: string, message: string): Schema {
    this.gaps.push({ path, message })
    return {}
  }
}

/** As clients write it: `chat::room`; without a namespace `news`, or `:#:user`. */
function patternOf({ namespace = '', path }: AnsweringHandler): string {
  const text = path?.text ?? ''
  return namespace === '' && !text.includes(':') ? text : `${namespace}:${text}`
}
