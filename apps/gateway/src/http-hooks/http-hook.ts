import type { Refusal } from '@natter/hooks'

/** What is answered over HTTP. */
export type HttpHookKind = 'connect' | 'refresh' | 'subscribe' | 'publish' | 'sub_refresh' | 'rpc'

/** An address that answers one kind of hook, and how it is asked. Frozen; another object with each reading of the configuration. */
export interface HttpHook {
  readonly kind: HttpHookKind
  /** `default`, or its name among `proxies.named`. */
  readonly name: string
  /** May hold a user, a password and keys: never told to anybody, see {@link addressOf}. */
  readonly endpoint: URL
  readonly timeoutMs: number
  /** In lower case, as all names of headers here. Of what the connection's own request said. */
  readonly realHeaders: readonly string[]
  /** Of what a client says in its connect command. */
  readonly saidHeaders: readonly string[]
  /** Secret. */
  readonly staticHeaders: Readonly<Record<string, string>>
  readonly includesMeta: boolean
  /** Data always goes as base64. */
  readonly isBinary: boolean
  /** What statuses other than 200 mean; of the others all mean error 100. */
  readonly byStatus: ReadonlyMap<number, Refusal>
}

/** Which hooks there are. */
export interface HttpHooksTable {
  readonly connect?: HttpHook
  readonly refresh?: HttpHook
  /** By `<kind> <namespace>`. */
  readonly channels: ReadonlyMap<string, HttpHook>
  /** By the part of the method before its first colon; '' = methods without one. */
  readonly rpc: ReadonlyMap<string, HttpHook>
}

export const noHttpHooks: HttpHooksTable = Object.freeze({ channels: new Map(), rpc: new Map() })

/** Without user, password and query, who may be secret. */
export const addressOf = ({ endpoint: { origin, pathname } }: HttpHook): string => `${origin}${pathname}`

/** The namespace of a method. */
export function rpcNamespaceOf(method: string): string {
  const colon = method.indexOf(':')
  return colon === -1 ? '' : method.slice(0, colon)
}
