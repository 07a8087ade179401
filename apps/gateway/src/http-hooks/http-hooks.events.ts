import type { HttpHookKind } from './http-hook.js'

/** What happens between a gateway and the addresses that answer hooks over HTTP. Logs and metrics listen. */
export interface HttpHookEvents {
  /** What came of one: `refused` by the address, `failed` = no answer that could be used, `busy` = too many are in flight there. */
  'http-hook:answer': {
    hook: HttpHookKind
    /** Which address: `default`, or its name among `proxies.named`. */
    name: string
    outcome: 'decided' | 'refused' | 'failed' | 'busy'
    tookMs: number
  }
  /** Why one failed, whose client got error 100. `address` is without user, password and query; `why` holds nothing of the answer. */
  'http-hook:failed': {
    hook: HttpHookKind
    name: string
    address: string
    /** `<hook> <reason>`: lines of the same are told a few times in a second. */
    code: string
    why: string
  }
  /** Its answers have a field that nobody knows, and that is passed over. Told once for each. */
  'http-hook:unknown-field': { hook: HttpHookKind; name: string; field: string }
  /** An app wants to answer what the configuration has an address for: the address is asked. Told once for each. */
  'http-hook:shadows-app': { what: string; advice: string }
}
