/**
 * Whoever decides: addresses over HTTP for what the configuration has one for, apps for the rest.
 *
 * O1. For each verb of a namespace, each method of rpc, and for connect and refresh it is one of the two. Where both would, the
 *     configuration of the gateway stands, and that is logged once.
 * O2. What isn't an answer that can be used is error 100 (temporary), never a yes: no answer in time, another status than 200, anything
 *     but the JSON of `answer.ts`.
 * O3. At most `maxInFlight` requests of one hook are in flight; one more is answered 111 at once.
 * O4. `ask` rejects with ClientError or DisconnectError alone.
 * O5. Nothing that is told (events, errors) holds a header, a password, a query, or a part of an answer but names of fields.
 */
import { ClientError, DisconnectError, type HookEvent, type HookRequest } from '@natter/hooks'
import type { Clock } from '@natter/primitives'
import { Errors, type ErrorCode } from '@natter/protocol'
import type {
  AllHooks,
  AskedKind,
  AskedRequest,
  Asker,
  ChannelHook,
  Decisions,
  Hooks,
} from '../hooks/hooks.js'
import { parseAnswer, type Answer } from './answer.js'
import type { HttpHookEvents } from './http-hooks.events.js'
import {
  addressOf,
  noHttpHooks,
  rpcNamespaceOf,
  type HttpHook,
  type HttpHookKind,
  type HttpHooksTable,
} from './http-hook.js'
import { PostError, Poster, type Posted } from './post.js'
import { requestBody, type HttpRequest } from './request-body.js'
import { requestHeaders } from './request-headers.js'

/** O3. */
export const maxInFlight = 1_000

/** So many different things are told once; an address that makes up names can't fill memory. */
const maxToldOnce = 200

/** Without an effect of its own: whoever answers may be asked twice. */
const harmless: ReadonlySet<HttpHookKind> = new Set(['connect', 'refresh', 'subscribe', 'sub_refresh'])

type Outcome = HttpHookEvents['http-hook:answer']['outcome']

export interface HttpHooksParts {
  apps: Hooks
  /** As they are configured now. */
  table(): HttpHooksTable | undefined
  clock: Clock
  events: Emitter
}

/** What takes these events, whatever it takes beside. */
interface Emitter {
  emit<K extends keyof HttpHookEvents>(name: K, event: HttpHookEvents[K]): void
}

export class HttpHooks implements AllHooks {
  private readonly poster: Poster
  /** By kind and name. */
  private readonly inFlight = new Map<string, number>()
  private readonly toldOnce = new Set<string>()
  private isStopped = false

  constructor(private readonly parts: HttpHooksParts) {
    this.poster = new Poster(parts.clock)
  }

  /** Requests that wait for an answer. */
  get pending(): number {
    let count = 0
    for (const one of this.inFlight.values()) count += one
    return count
  }

  isDemanded(kind: ChannelHook, namespace: string): boolean {
    if (this.isOverHttp(kind, namespace)) return true
    return kind !== 'sub_refresh' && this.parts.apps.isDemanded(kind, namespace)
  }

  isOverHttp(kind: 'refresh' | ChannelHook, namespace = ''): boolean {
    const { channels, refresh } = this.table
    if (kind === 'refresh') return refresh !== undefined
    return channels.size > 0 && channels.has(`${kind} ${namespace}`) // asked of every publish
  }

  demandsConnection(kind: 'connect' | 'refresh'): boolean {
    return this.table[kind] !== undefined || this.parts.apps.demandsConnection(kind)
  }

  rpcState(method: string): 'none' | 'unknown' | 'known' {
    const { rpc } = this.table
    if (rpc.size === 0) return this.parts.apps.rpcState(method)
    if (rpc.has(rpcNamespaceOf(method))) return 'known'
    return this.parts.apps.rpcState(method) === 'known' ? 'known' : 'unknown'
  }

  wants: Hooks['wants'] = (kind, namespace) => this.parts.apps.wants(kind, namespace)

  tell(event: HookEvent): unknown {
    return this.parts.apps.tell(event)
  }

  resume(): Promise<void> {
    return this.parts.apps.resume()
  }

  async ask<K extends AskedKind>(
    request: Extract<AskedRequest, { kind: K }>,
    asker: Asker,
  ): Promise<Decisions[K]> {
    const hook = this.hookFor(request)
    if (hook === undefined) return (await this.parts.apps.ask(request as HookRequest)) as Decisions[K]
    this.tellShadowed(request)
    const answer = await this.answerOf(hook, request as HttpRequest, asker)
    if ('decision' in answer) return answer.decision as Decisions[K]
    if ('disconnect' in answer) throw new DisconnectError(answer.disconnect.code, answer.disconnect.reason)
    const { code, message, temporary = false } = answer.error
    throw new ClientError(code, message, { temporary })
  }

  /** What is under way fails, and nobody is told of that. */
  stop(): void {
    this.isStopped = true
    this.poster.stop()
  }

  private get table(): HttpHooksTable {
    return this.parts.table() ?? noHttpHooks
  }

  private hookFor(request: AskedRequest): HttpHook | undefined {
    const { table } = this
    switch (request.kind) {
      case 'connect':
      case 'refresh':
        return table[request.kind]
      case 'rpc':
        return table.rpc.get(rpcNamespaceOf(request.method))
      default:
        return table.channels.get(`${request.kind} ${request.namespace}`)
    }
  }

  private async answerOf(
    hook: HttpHook,
    request: HttpRequest,
    asker: Asker,
  ): Promise<Exclude<Answer, { problem: string }>> {
    const { clock } = this.parts
    const key = `${hook.kind} ${hook.name}`
    const inFlight = this.inFlight.get(key) ?? 0
    if (inFlight >= maxInFlight) return this.busy(hook) // O3
    this.inFlight.set(key, inFlight + 1)
    const fromMs = clock.now()
    try {
      const answer = await this.post(hook, request, asker)
      const isFailed = 'problem' in answer
      this.tellAnswer(hook, isFailed ? 'failed' : 'decision' in answer ? 'decided' : 'refused', fromMs)
      return isFailed ? { error: Errors.internal } : answer // O2
    } finally {
      this.leave(key)
    }
  }

  private busy(hook: HttpHook): { error: ErrorCode } {
    this.tellAnswer(hook, 'busy', this.parts.clock.now())
    return { error: Errors.tooManyRequests }
  }

  private leave(key: string): void {
    const left = (this.inFlight.get(key) ?? 1) - 1
    if (left > 0) this.inFlight.set(key, left)
    else this.inFlight.delete(key)
  }

  /** Never rejects. */
  private async post(hook: HttpHook, request: HttpRequest, asker: Asker): Promise<Answer> {
    const { kind, endpoint: url, timeoutMs } = hook
    try {
      const body = requestBody(request, asker, hook)
      const headers = requestHeaders(hook, request.caller.headers, body)
      const isHarmless = harmless.has(kind)
      const posted = await this.poster.post({ url, headers, body, timeoutMs, isHarmless })
      return this.read(hook, posted, asker)
    } catch (error) {
      const [reason, why] =
        error instanceof PostError ? [error.reason, error.message] : ['request', 'the request can’t be made']
      return this.failed(hook, reason, why)
    }
  }

  private read(hook: HttpHook, { status, body }: Posted, asker: Asker): Answer {
    if (status !== 200)
      return (
        hook.byStatus.get(status) ??
        this.failed(hook, `status-${status}`, `it answered with status ${status}`)
      )
    const answer = parseAnswer(hook.kind, body, {
      canTakeBytes: asker.wire.codec.encoding !== 'json',
      onUnknown: (field) => this.tellUnknown(hook, field),
    })
    return 'problem' in answer ? this.failed(hook, 'answer', `the answer ${answer.problem}`) : answer
  }

  private failed(hook: HttpHook, reason: string, why: string): { problem: string } {
    const { kind, name } = hook
    if (!this.isStopped)
      this.parts.events.emit('http-hook:failed', {
        hook: kind,
        name,
        address: addressOf(hook),
        code: `${kind} ${reason}`,
        why,
      })
    return { problem: why }
  }

  private tellAnswer({ kind: hook, name }: HttpHook, outcome: Outcome, fromMs: number): void {
    if (this.isStopped) return
    const tookMs = this.parts.clock.now() - fromMs
    this.parts.events.emit('http-hook:answer', { hook, name, outcome, tookMs })
  }

  private tellUnknown({ kind: hook, name }: HttpHook, field: string): void {
    const short = field.slice(0, 80)
    this.once(`${hook} ${name} ${short}`, () =>
      this.parts.events.emit('http-hook:unknown-field', { hook, name, field: short }),
    )
  }

  /** O1. */
  private tellShadowed(request: AskedRequest): void {
    const what = this.shadowed(request)
    if (what === undefined) return
    const advice =
      'An app answers it too, and is not asked: take it out of the app, or out of the configuration of the gateways'
    this.once(`app ${what}`, () => this.parts.events.emit('http-hook:shadows-app', { what, advice }))
  }

  private shadowed(request: AskedRequest): string | undefined {
    const { apps } = this.parts
    switch (request.kind) {
      case 'sub_refresh':
        return undefined
      case 'connect':
      case 'refresh':
        return apps.demandsConnection(request.kind) ? request.kind : undefined
      case 'rpc':
        return apps.rpcState(request.method) === 'known' ? `rpc ${request.method}` : undefined
      default:
        return apps.isDemanded(request.kind, request.namespace)
          ? `${request.kind} of ${request.namespace === '' ? 'channels without a namespace' : request.namespace}`
          : undefined
    }
  }

  private once(key: string, tell: () => void): void {
    if (this.toldOnce.has(key) || this.toldOnce.size >= maxToldOnce) return
    this.toldOnce.add(key)
    tell()
  }
}
