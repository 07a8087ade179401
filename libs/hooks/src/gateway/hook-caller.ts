import type { Broker } from '@natter/broker'
import { InvalidError, systemClock, TypedEvents, type Clock } from '@natter/primitives'
import { Errors, type ErrorCode } from '@natter/protocol'
import type {
  EventKind,
  EventScope,
  HookDecisions,
  HookEvent,
  HookKind,
  HookRequest,
  NamespaceHook,
} from '../hooks.js'
import { ClientError, DisconnectError } from '../refusals.js'
import { problemOf } from './decision-shape.js'
import { Demands } from './demands.js'
import { Directory } from './directory.js'
import { EventTeller } from './event-teller.js'
import type { HookCallerEvents } from './hook-caller.events.js'
import { askApp, type Answer } from './question.js'
import type { Told } from './telling.js'

export interface HookCallerOptions {
  broker: Broker
  /** This gateway's name: the apps that it loads hear with scope `node` of its sockets. Absent = it loads none. */
  node?: string
  /** How long a client's command waits for an app. Default 3,000. */
  deadlineMs?: number
  /** Hooks in flight at a time; beyond that the answer is 111. Default 1,000. */
  maxInFlight?: number
  /** Events of one app, kind and namespace that wait to be told; beyond that the oldest is dropped. Default 10,000. */
  maxWaitingEvents?: number
  clock?: Clock
  events?: TypedEvents<HookCallerEvents>
  random?: () => number
}

/** An instance of an app, as this gateway knows it. */
export interface KnownInstance {
  app: string
  name: string
  /** The gateway that loaded it; undefined = it runs by itself. */
  node: string | undefined
  isReady: boolean
  isOut: boolean
}

/**
 * A gateway's way to the apps: what must be asked, whom, and what came of it.
 *
 * H1. A hook that an app has claimed is never answered yes without it: no instance, no answer in time, a broken answer are error 100
 *     (temporary).
 * H2. At most `maxInFlight` hooks are in flight; one more is answered 111 at once.
 * H3. `ask` rejects with ClientError or DisconnectError alone.
 * H4. With one of three instances hung, nothing fails after its first two timeouts (`instances.ts`).
 */
export class HookCaller {
  readonly events: TypedEvents<HookCallerEvents>
  private readonly clock: Clock
  private readonly demands: Demands
  private readonly directory: Directory
  private readonly teller: EventTeller
  private readonly deadlineMs: number
  private readonly maxInFlight: number
  private inFlight = 0

  constructor(options: HookCallerOptions) {
    const { broker, clock = systemClock, events = new TypedEvents(), random = Math.random } = options
    this.events = events
    this.clock = clock
    this.deadlineMs = options.deadlineMs ?? 3_000
    this.maxInFlight = options.maxInFlight ?? 1_000
    this.demands = new Demands(broker.registry, events)
    this.directory = new Directory(broker, clock, events, { random, onReady: () => this.teller.wake() })
    this.teller = new EventTeller({
      directory: this.directory,
      demands: this.demands,
      clock,
      events,
      random,
      maxWaiting: options.maxWaitingEvents ?? 10_000,
      node: options.node,
    })
  }

  /**
   * Resolves when it is known what must be asked; who is there is known a round trip later.
   *
   * @throws UnavailableError the record of the apps can't be read now.
   * @throws InvalidError `bad-apps-record`.
   */
  async start(): Promise<void> {
    await this.demands.start()
    this.directory.start()
  }

  /** Events that still wait are dropped. Hooks in flight end as they would have. */
  stop(): void {
    this.teller.stop()
    this.directory.stop()
    this.demands.stop()
  }

  /**
   * After each reconnect to NATS, before commands are accepted.
   *
   * @throws UnavailableError the record of the apps can't be read now: call it again.
   */
  async resume(): Promise<void> {
    this.directory.resume()
    await this.demands.read()
  }

  /** Whether an app decides this for channels of the namespace ('' = of none). */
  isDemanded(kind: NamespaceHook, namespace: string): boolean {
    return this.demands.hasNamespace(kind, namespace)
  }

  demandsConnection(kind: 'connect' | 'refresh'): boolean {
    return this.demands.hasConnection(kind)
  }

  /** `none`: no app answers any rpc. */
  rpcState(method: string): 'none' | 'unknown' | 'known' {
    return this.demands.rpcState(method)
  }

  /** Instances that are there, of all apps. `isReady`: they are asked. `isOut`: left out since two hooks in a row timed out. */
  get instances(): readonly KnownInstance[] {
    return this.directory.instances.map(({ app, name, node, table, isDraining, standing }) => ({
      app,
      name,
      node,
      isReady: table !== undefined && !isDraining,
      isOut: standing.kind === 'out',
    }))
  }

  /** Hooks that wait for an answer. */
  get pending(): number {
    return this.inFlight
  }

  /**
   * Asks the app whose hook this is.
   *
   * @throws ClientError what the app refused; 100 (temporary) when no instance is there, none answered in time, or the answer is
   *   broken; 111 (temporary) when too many hooks are in flight; 104 and 108 for an rpc that no app answers.
   * @throws DisconnectError the app ends the connection.
   */
  async ask<K extends HookKind>(request: Extract<HookRequest, { kind: K }>): Promise<HookDecisions[K]> {
    const unknown = this.rpcErrorOf(request)
    if (unknown !== undefined) throw clientError(unknown)
    const fromMs = this.clock.now()
    const answer = await this.answerOf(request)
    const tookMs = this.clock.now() - fromMs
    const told = (outcome: HookCallerEvents['hook:answer']['outcome']): void =>
      this.events.emit('hook:answer', { kind: request.kind, outcome, tookMs })
    if (answer.kind !== 'reply') {
      told(answer.kind)
      throw this.errorOf(request.kind, answer)
    }
    const { reply } = answer
    if ('decision' in reply) {
      const problem = problemOf(request.kind, reply.decision)
      told(problem === undefined ? 'decided' : 'failed')
      if (problem === undefined) return reply.decision as HookDecisions[K]
      throw this.errorOf(request.kind, { kind: 'failed', error: badDecision(request.kind, problem) })
    }
    told('refused')
    if ('disconnect' in reply) throw new DisconnectError(reply.disconnect.code, reply.disconnect.reason)
    const { code, message, temporary = false, details } = reply.error
    throw new ClientError(code, message, { temporary, details })
  }

  /** In which ways apps want to hear of it; empty: nobody does, and it needn't be told. */
  wants(kind: EventKind, namespace?: string): EventScope[] {
    return this.demands.scopesOf({ kind, ...(namespace === undefined ? {} : { namespace }) })
  }

  /**
   * Tells an event: `group` once to one instance of each app that declares it, again elsewhere until it was heard; `all` to every
   * instance that is there, again to it while it is there. Resolves when that is over, and never rejects: `dropped` when one of the
   * apps did not hear it and never will. `node` is told as `all`, to the instances that this gateway loaded, of its own sockets; it is
   * not waited for.
   */
  tell(event: HookEvent): Promise<Told> {
    return this.teller.tell(event)
  }

  /** Before a stop: resolves when no event is on its way any more, after `withinMs` at the latest. */
  untilTold(withinMs: number): Promise<void> {
    return this.teller.untilTold(withinMs)
  }

  private async answerOf(request: HookRequest): Promise<Answer | { kind: 'busy' }> {
    if (this.inFlight >= this.maxInFlight) return { kind: 'busy' } // H2
    const app = this.demands.ownerOf(request)
    if (app === undefined) return { kind: 'absent' }
    this.inFlight += 1
    try {
      return await askApp(this.questionOf(request, app))
    } finally {
      this.inFlight -= 1
    }
  }

  private rpcErrorOf(request: HookRequest): ErrorCode | undefined {
    return request.kind === 'rpc' ? rpcErrors[this.demands.rpcState(request.method)] : undefined
  }

  private questionOf(request: HookRequest, app: string): Parameters<typeof askApp>[0] {
    const { directory, clock, deadlineMs, events } = this
    const { kind } = request
    return {
      directory,
      clock,
      app,
      request,
      deadlineMs,
      isHarmless: this.demands.mayAskTwice(request),
      onAsk: ({ name }, attempt) => events.emit('hook:ask', { kind, app, instance: name, attempt }),
      onTimeout: ({ name }) => events.emit('hook:timeout', { kind, app, instance: name }),
    }
  }

  /** H1, H3 */
  private errorOf(
    kind: HookKind,
    answer: Exclude<Answer, { kind: 'reply' }> | { kind: 'busy' },
  ): ClientError {
    if (answer.kind === 'busy') return clientError(Errors.tooManyRequests)
    if (answer.kind === 'failed') this.events.emit('hook:failed', { kind, error: answer.error })
    return clientError(Errors.internal)
  }
}

const rpcErrors: Record<ReturnType<Demands['rpcState']>, ErrorCode | undefined> = {
  none: Errors.notAvailable,
  unknown: Errors.methodNotFound,
  known: undefined,
}

function badDecision(kind: HookKind, problem: string): InvalidError {
  return new InvalidError(
    'bad-decision',
    `An app's answer to a ${kind} hook can't be used: ${problem}. Mend the app`,
  )
}

const clientError = ({ code, message, temporary }: ErrorCode): ClientError =>
  new ClientError(code, message, { temporary: temporary ?? false })
