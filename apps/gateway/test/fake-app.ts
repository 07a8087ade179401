import type {
  EventKind,
  EventScope,
  HookDecisions,
  HookEvent,
  HookKind,
  HookRequest,
  NamespaceHook,
} from '@natter/hooks'
import type { Hooks } from '../src/hooks/hooks.js'

type Asked<K extends HookKind> = Extract<HookRequest, { kind: K }>
type Answer<K extends HookKind> = (request: Asked<K>) => HookDecisions[K] | Promise<HookDecisions[K]>

/** What an app answers: connection hooks by their kind, others by `<kind> <namespace>` and `rpc <method>`. */
export type Answers = {
  connect?: Answer<'connect'>
  refresh?: Answer<'refresh'>
} & { [name in `subscribe ${string}`]?: Answer<'subscribe'> } & {
  [name in `publish ${string}`]?: Answer<'publish'>
} & { [name in `presence ${string}`]?: Answer<'presence'> } & {
  [name in `history ${string}`]?: Answer<'history'>
} & { [name in `rpc ${string}`]?: Answer<'rpc'> }

/** An app at the end of no wire: what a gateway does with answers, not how they travel. */
export class FakeApp implements Hooks {
  readonly asked: HookRequest[] = []
  readonly told: HookEvent[] = []

  /** @param events By `<kind>` or `<kind> <namespace>`. */
  constructor(
    readonly answers: Answers,
    private readonly events: readonly string[] = [],
  ) {}

  isDemanded(kind: NamespaceHook, namespace: string): boolean {
    return `${kind} ${namespace}` in this.answers
  }

  demandsConnection(kind: 'connect' | 'refresh'): boolean {
    return kind in this.answers
  }

  rpcState(method: string): 'none' | 'unknown' | 'known' {
    if (!Object.keys(this.answers).some((name) => name.startsWith('rpc '))) return 'none'
    return `rpc ${method}` in this.answers ? 'known' : 'unknown'
  }

  async ask<K extends HookKind>(request: Asked<K>): Promise<HookDecisions[K]> {
    this.asked.push(request)
    const answers = this.answers as Record<string, ((request: unknown) => unknown) | undefined>
    const answer = answers[nameOf(request)]
    if (answer === undefined) throw new Error(`${nameOf(request)} was asked and not demanded`)
    return (await answer(request)) as HookDecisions[K]
  }

  wants(kind: EventKind, namespace?: string): readonly EventScope[] {
    return this.events.includes(namespace === undefined ? kind : `${kind} ${namespace}`) ? ['group'] : []
  }

  tell(event: HookEvent): void {
    this.told.push(event)
  }

  resume(): Promise<void> {
    return Promise.resolve()
  }

  of<K extends HookKind>(kind: K): Asked<K>[] {
    return this.asked.filter((request): request is Asked<K> => request.kind === kind)
  }
}

function nameOf(request: HookRequest): string {
  if (request.kind === 'rpc') return `rpc ${request.method}`
  return 'namespace' in request ? `${request.kind} ${request.namespace}` : request.kind
}

/** An answer that waits until somebody lets it go. */
export function held<T>(): { answer: Promise<T>; give: (value: T) => void; fail: (error: unknown) => void } {
  let give: (value: T) => void = () => {}
  let fail: (error: unknown) => void = () => {}
  const answer = new Promise<T>((resolve, reject) => {
    give = resolve
    fail = reject
  })
  answer.catch(() => {}) // whoever asks hears of it
  return { answer, give, fail }
}
