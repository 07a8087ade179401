/**
 * All handlers of the application, found once at its start.
 *
 * T1. One handler for each question: a second one is refused, both named. Events go to all that want them.
 * T2. Which of two paths answers for a channel is the same on every start, and never a matter of registration order.
 */
import type { AnswerTable, EventScope, HookEvent, HookRequest, NamespaceHook } from '@natter/hooks'
import { Errors, parseChannelName, type ErrorCode } from '@natter/protocol'
import type { MessageHandler } from '@nestjs/microservices'
import type { AnsweringHandler, Handler, HearingHandler } from '../decorators/handler.js'
import { bySpecificity, matchPath, overlaps } from '../paths/channel-path.js'

/** A handler behind its pipeline. */
export interface Entry<H extends Handler = Handler> {
  readonly handler: H
  readonly run: MessageHandler
}

export interface Found<H extends Handler> {
  readonly entry: Entry<H>
  readonly params: Readonly<Record<string, string>>
}

const noParams: Readonly<Record<string, string>> = Object.freeze({})

export class HandlerTable {
  private readonly answering: Entry<AnsweringHandler>[] = []
  private readonly hearing: Entry<HearingHandler>[] = []
  /** By what `keyOf` says; the most special path first. */
  private readonly routes = new Map<string, Entry<AnsweringHandler>[]>()

  /** What stands against it, as a sentence; undefined = it is in. */
  add({ handler, run }: Entry): string | undefined {
    return handler.use === 'answer' ? this.addAnswering({ handler, run }) : this.addHearing({ handler, run })
  }

  private addAnswering(entry: Entry<AnsweringHandler>): string | undefined {
    const key = keyOf(entry.handler)
    const routes = this.routes.get(key) ?? []
    const other = routes.find((route) => clashes(route.handler, entry.handler))
    if (other !== undefined) return clash(other.handler, entry.handler)
    this.answering.push(entry)
    this.routes.set(
      key,
      [...routes, entry].toSorted((a, b) => byPath(a.handler, b.handler)),
    ) // T2
    return undefined
  }

  private addHearing(entry: Entry<HearingHandler>): string | undefined {
    const { where, address } = entry.handler
    const isTwice = this.hearing.some(({ handler }) => handler.where === where && handler.address === address)
    if (isTwice) return `${where} hears "${address}" twice: is its class in the controllers of two modules?`
    this.hearing.push(entry)
    return undefined
  }

  /** The one that answers, or what the client is told. */
  find(request: HookRequest): Found<AnsweringHandler> | ErrorCode {
    if (request.kind === 'rpc') {
      const [entry] = this.routes.get(`rpc ${request.method}`) ?? []
      return entry === undefined ? Errors.methodNotFound : { entry, params: noParams }
    }
    if (!('namespace' in request)) {
      const [entry] = this.routes.get(request.kind) ?? []
      return entry === undefined ? Errors.notAvailable : { entry, params: noParams }
    }
    const routes = this.routes.get(`${request.kind} ${request.namespace}`)
    if (routes === undefined) return Errors.notAvailable
    const { rest = parseChannelName(request.channel).rest } = request
    for (const entry of routes) {
      const params = matchPath(entry.handler.path!, rest)
      if (params !== undefined) return { entry, params }
    }
    return Errors.unknownChannel
  }

  /** Those that hear this event with this scope, in the order they were registered. */
  hearers(event: HookEvent, scope: EventScope): Found<HearingHandler>[] {
    const namespace = 'namespace' in event ? event.namespace : undefined
    const rest = 'channel' in event ? (event.rest ?? parseChannelName(event.channel).rest) : ''
    return this.hearing.flatMap((entry) => {
      const { handler } = entry
      if (handler.kind !== event.kind || handler.scope !== scope) return []
      if (handler.path === undefined) return [{ entry, params: noParams }]
      const params = handler.namespace === namespace ? matchPath(handler.path, rest) : undefined
      return params === undefined ? [] : [{ entry, params }]
    })
  }

  /** The handlers that hear with this scope, for people. */
  placesOf(scope: EventScope): string[] {
    return this.hearing.filter(({ handler }) => handler.scope === scope).map(({ handler }) => handler.where)
  }

  /** As the mesh is told. */
  answers(): AnswerTable {
    const namespaces: Record<string, NamespaceHook[]> = {}
    const connection: ('connect' | 'refresh')[] = []
    const rpc: Record<string, { idempotent: boolean }> = {}
    for (const { handler } of this.answering) {
      const { kind } = handler
      if (kind === 'rpc') rpc[handler.name!] = { idempotent: handler.isIdempotent ?? false }
      else if (kind === 'connect' || kind === 'refresh') connection.push(kind)
      else {
        const kinds = (namespaces[handler.namespace!] ??= [])
        if (!kinds.includes(kind)) kinds.push(kind)
      }
    }
    return { connection, namespaces, rpc, events: this.events() }
  }

  private events(): AnswerTable['events'] {
    const events = new Map<string, AnswerTable['events'][number]>()
    for (const { handler } of this.hearing) {
      const { kind, scope, namespace } = handler
      events.set(`${kind} ${scope} ${namespace ?? ' '}`, {
        kind,
        scope,
        ...(namespace === undefined ? {} : { namespace }),
      })
    }
    return [...events.values()]
  }
}

function keyOf(handler: AnsweringHandler): string {
  if (handler.kind === 'rpc') return `rpc ${handler.name!}`
  return handler.namespace === undefined ? handler.kind : `${handler.kind} ${handler.namespace}`
}

const byPath = (a: Handler, b: Handler) => (a.path && b.path ? bySpecificity(a.path, b.path) : 0)

function clashes(a: Handler, b: Handler): boolean {
  if (a.path === undefined || b.path === undefined) return true
  return a.path.literals === b.path.literals && overlaps(a.path, b.path)
}

function clash(a: Handler, b: Handler): string {
  if (a.address === b.address)
    return `"${a.address}" is answered by ${a.where} and by ${b.where}: one of them must go.`
  return `${a.where} ("${a.address}") and ${b.where} ("${b.address}") could both answer for one channel: make one path more special.`
}
