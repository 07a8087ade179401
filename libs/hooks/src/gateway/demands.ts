import type { Registry } from '@natter/broker'
import type { TypedEvents } from '@natter/primitives'
import { appsKey, decodeApps, type AppsRecord } from '../apps-record.js'
import type { AnswerTable, EventKind, EventScope, HookKind, HookRequest, NamespaceHook } from '../hooks.js'
import type { HookCallerEvents } from './hook-caller.events.js'

type EventName = { kind: EventKind; namespace?: string }

/**
 * What apps have said they answer, and so must be asked: the record `apps`, watched.
 *
 * D1. Known before anybody is let in: `start` fails when it can't be read. A record that is gone or broken later changes nothing:
 *     what was demanded stays so.
 * D2. Each question is a look into a map, made anew when the record changes.
 */
export class Demands {
  /** The record as it was read last. */
  private value: Uint8Array | undefined
  private index = indexOf(new Map())
  private watch: { stop(): void } | undefined

  constructor(
    private readonly registry: Registry,
    private readonly events: TypedEvents<HookCallerEvents>,
  ) {}

  /**
   * @throws UnavailableError when the record can't be read now.
   * @throws InvalidError `bad-apps-record`.
   */
  async start(): Promise<void> {
    await this.read() // D1
    this.watch = await this.registry.watch(appsKey, ({ value }) => {
      try {
        this.adopt(value)
      } catch (error) {
        this.events.emit('apps:bad-record', { error }) // D1
      }
    })
  }

  stop(): void {
    this.watch?.stop()
  }

  /** Reads the record now. @throws as `start`. */
  async read(): Promise<void> {
    const entry = await this.registry.get(appsKey)
    if (entry !== undefined) this.adopt(entry.value)
  }

  hasConnection(kind: 'connect' | 'refresh'): boolean {
    return this.index.connection.has(kind)
  }

  hasNamespace(kind: NamespaceHook, namespace: string): boolean {
    const { namespaces } = this.index
    return namespaces.size > 0 && namespaces.has(`${kind} ${namespace}`) // asked of every publish
  }

  rpcState(method: string): 'none' | 'unknown' | 'known' {
    if (this.index.rpc.size === 0) return 'none'
    return this.index.rpc.has(method) ? 'known' : 'unknown'
  }

  ownerOf(request: HookRequest): string | undefined {
    const { connection, namespaces, rpc } = this.index
    if (request.kind === 'rpc') return rpc.get(request.method)?.app
    if (request.kind === 'connect' || request.kind === 'refresh') return connection.get(request.kind)
    return namespaces.get(`${request.kind} ${request.namespace}`)
  }

  /** Whether a second instance may be asked while the first hasn't answered. A publish hook may have effects. */
  mayAskTwice(request: HookRequest): boolean {
    if (request.kind === 'rpc') return this.index.rpc.get(request.method)?.idempotent ?? false
    return request.kind !== ('publish' satisfies HookKind)
  }

  scopesOf(event: EventName): EventScope[] {
    return [...new Set(this.listeners(event).map(({ scope }) => scope))]
  }

  /** The apps that declared it, each once for each scope. */
  listeners({ kind, namespace }: EventName): readonly { app: string; scope: EventScope }[] {
    return this.index.events.get(`${kind} ${namespace ?? '*'}`) ?? []
  }

  private adopt(value: Uint8Array): void {
    if (this.value !== undefined && Buffer.compare(this.value, value) === 0) return
    const record = decodeApps(value) // D1: what throws here has changed nothing, and is read again the next time
    this.index = indexOf(record) // D2
    this.value = value
    this.events.emit('apps:change', { apps: [...record.keys()] })
  }
}

interface Index {
  connection: Map<string, string>
  /** By `<kind> <namespace>`. */
  namespaces: Map<string, string>
  rpc: Map<string, { app: string; idempotent: boolean }>
  /** By `<kind> <namespace>`, `*` where it has none. */
  events: Map<string, { app: string; scope: EventScope }[]>
}

function indexOf(record: AppsRecord): Index {
  const index: Index = { connection: new Map(), namespaces: new Map(), rpc: new Map(), events: new Map() }
  for (const [app, table] of record) addTo(index, app, table)
  return index
}

function addTo(index: Index, app: string, table: AnswerTable): void {
  for (const kind of table.connection) index.connection.set(kind, app)
  for (const [namespace, kinds] of Object.entries(table.namespaces))
    for (const kind of kinds) index.namespaces.set(`${kind} ${namespace}`, app)
  for (const [method, { idempotent }] of Object.entries(table.rpc)) index.rpc.set(method, { app, idempotent })
  for (const { kind, scope, namespace } of table.events) {
    const key = `${kind} ${namespace ?? '*'}`
    const known = index.events.get(key) ?? []
    if (!known.some((one) => one.app === app && one.scope === scope)) known.push({ app, scope })
    index.events.set(key, known)
  }
}
