export interface HttpApiEvents {
  /** The API for backends is there, on a port of its own. */
  'http-api:listen': { host: string; port: number }
  /** A command was answered; `code` 0 = done, else that of the error. `cause` only where nobody foresaw it. */
  'http-api:reply': { method: string; code: number; cause: unknown }
  /** A request was not looked at further. Nothing that it said is told. */
  'http-api:refuse': { reason: 'unauthorized' | 'wrong-verb' | 'unknown-method' | 'malformed' | 'busy' }
  /** Other gateways did not say that they did what they were asked, though they were asked several times. */
  'http-api:unheard': { kind: string; nodes: readonly string[] }
}
