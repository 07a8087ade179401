/**
 * The apps of an in-memory mesh, and how they are asked: what `AppInstance` and `HookCaller` of `@natter/hooks` do over NATS.
 *
 * A1. What an app has said it answers is demanded from then on: while no instance is there, the answer is error 100 (temporary), never a yes.
 * A2. A hook is asked once, of the least busy instance, and has `deadlineMs` of virtual time.
 */
import { answers, ClientError, DisconnectError, ownerOf, withApp, type AppsRecord } from '@natter/hooks'
import type {
  EventKind,
  EventScope,
  HookDecisions,
  HookKind,
  HookReply,
  HookRequest,
  NamespaceHook,
} from '@natter/hooks'
import type { Clock } from '@natter/primitives'
import { Errors, type Bytes, type ErrorCode } from '@natter/protocol'
import type { AppSide } from '../mesh-driver.js'
import type { AtWork } from './at-work.js'

export interface Instance {
  readonly app: string
  readonly side: AppSide
  /** Hooks it is asked now. */
  pending: number
}

type Asked<K extends HookKind> = Extract<HookRequest, { kind: K }>

const deadlineMs = 3_000

export class Apps {
  private record: AppsRecord = new Map()
  private readonly instances = new Set<Instance>()

  constructor(
    private readonly clock: Clock,
    private readonly atWork: AtWork,
  ) {}

  /** @throws InvalidError `handler-taken`. */
  join(app: string, side: AppSide): Instance {
    this.record = withApp(this.record, app, side.table)
    const instance = { app, side, pending: 0 }
    this.instances.add(instance)
    return instance
  }

  /** It is asked and told nothing more. */
  leave(instance: Instance): void {
    this.instances.delete(instance)
  }

  isDemanded(kind: NamespaceHook, namespace: string): boolean {
    return this.tables.some(
      ({ namespaces }) => Object.hasOwn(namespaces, namespace) && namespaces[namespace]!.includes(kind),
    )
  }

  demandsConnection(kind: 'connect' | 'refresh'): boolean {
    return this.tables.some((table) => table.connection.includes(kind))
  }

  /** Why nobody can be asked; undefined = an app answers it. */
  rpcProblem(method: string): ErrorCode | undefined {
    const methods = this.tables.flatMap((table) => Object.keys(table.rpc))
    if (methods.length === 0) return Errors.notAvailable
    return methods.includes(method) ? undefined : Errors.methodNotFound
  }

  /** The apps that declared an event, each once for each scope. */
  listeners(kind: EventKind, namespace: string | undefined): { app: string; scope: EventScope }[] {
    return [...this.record].flatMap(([app, { events }]) =>
      events
        .filter((event) => event.kind === kind && event.namespace === namespace)
        .map(({ scope }) => ({ app, scope })),
    )
  }

  instancesOf(app: string): Instance[] {
    return [...this.instances].filter((instance) => instance.app === app)
  }

  /**
   * @throws ClientError what the app refused; 100 (temporary) when nobody is there or answers in time.
   * @throws DisconnectError the app ends the connection.
   */
  async ask<K extends HookKind>(
    request: Asked<K>,
    progress: (data: Bytes) => void = () => undefined,
  ): Promise<HookDecisions[K]> {
    const app = ownerOf(this.record, request)
    const there = app === undefined ? [] : this.instancesOf(app)
    const [instance] = there
      .filter(({ side }) => answers(side.table, request))
      .toSorted((a, b) => a.pending - b.pending)
    if (instance === undefined) throw refusal(Errors.internal) // A1
    const reply = await this.atWork.run(nameOf(request), () => this.askOne<K>(instance, request, progress))
    if ('decision' in reply) return reply.decision
    if ('disconnect' in reply) throw new DisconnectError(reply.disconnect.code, reply.disconnect.reason)
    const { code, message, temporary = false, details } = reply.error
    throw new ClientError(code, message, { temporary, details })
  }

  /** A2. */
  private async askOne<K extends HookKind>(
    instance: Instance,
    request: Asked<K>,
    progress: (data: Bytes) => void,
  ): Promise<HookReply<K>> {
    const waiting = new AbortController()
    const tell = (data: Bytes) => waiting.signal.aborted || progress(data)
    instance.pending += 1
    const late = new Promise<HookReply<K>>((resolve) => {
      waiting.signal.addEventListener('abort', () => resolve({ error: { ...Errors.internal } }))
    })
    const timer = this.clock.setTimer(() => waiting.abort(), deadlineMs)
    try {
      return await Promise.race([
        instance.side.answer<K>(request, { signal: waiting.signal, progress: tell }),
        late,
      ])
    } finally {
      timer.cancel()
      instance.pending -= 1
    }
  }

  private get tables() {
    return [...this.record.values()]
  }
}

export const refusal = ({ code, message, temporary }: ErrorCode): ClientError =>
  new ClientError(code, message, { temporary: temporary === true })

function nameOf(request: HookRequest): string {
  if (request.kind === 'rpc') return `rpc ${request.method}`
  return 'channel' in request ? `${request.kind} ${request.channel}` : request.kind
}
