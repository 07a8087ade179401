import type {
  EventKind,
  EventScope,
  HookDecisions,
  HookEvent,
  HookKind,
  HookRequest,
  NamespaceHook,
} from '@natter/hooks'

/** What commands need of the apps; `HookCaller` of `@natter/hooks` is one, {@link noHooks} a mesh without apps. */
export interface Hooks {
  /** Whether an app decides this for channels of the namespace ('' = of none). */
  isDemanded(kind: NamespaceHook, namespace: string): boolean
  demandsConnection(kind: 'connect' | 'refresh'): boolean
  /** `none`: no app answers any rpc. */
  rpcState(method: string): 'none' | 'unknown' | 'known'
  /**
   * @throws ClientError what the app refused, or 100 and 111 (temporary) where nobody answered in time.
   * @throws DisconnectError the app ends the connection.
   */
  ask<K extends HookKind>(request: Extract<HookRequest, { kind: K }>): Promise<HookDecisions[K]>
  /** In which ways apps want to hear of it; empty: nobody does. */
  wants(kind: EventKind, namespace?: string): readonly EventScope[]
  tell(event: HookEvent): unknown
  /**
   * The way to NATS is back: what must be asked may have changed.
   *
   * @throws UnavailableError it can't be read now: call it again.
   */
  resume(): Promise<void>
}

export const noHooks: Hooks = {
  isDemanded: () => false,
  demandsConnection: () => false,
  rpcState: () => 'none',
  ask: () => Promise.reject(new Error('an app was asked where none was demanded')),
  wants: () => [],
  tell() {},
  resume: () => Promise.resolve(),
}
