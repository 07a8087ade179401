/**
 * What of the configuration may change while the gateway runs, in one place.
 *
 * SE1. It is replaced as a whole: whoever reads it sees all of one configuration, never half of the next.
 * SE2. Nobody keeps a part of it: it is read when it is used. What is dear to make of it is {@link derived}.
 */
import type { Namespace, TokenVerifier } from '@natter/auth'
import type { GatewayOptions } from '../gateway.options.js'
import type { HttpHooksTable } from '../http-hooks/http-hook.js'

export interface GatewaySettings {
  readonly options: GatewayOptions
  /** By name; '' is for channels without one. */
  readonly namespaces: ReadonlyMap<string, Namespace>
  readonly verifier: TokenVerifier
  /** What is asked over HTTP; absent = nothing. */
  readonly httpHooks?: HttpHooksTable
}

export class Settings {
  constructor(private present: GatewaySettings) {}

  get current(): GatewaySettings {
    return this.present
  }

  /** SE1. What was is the caller's to end. */
  replace(next: GatewaySettings): void {
    this.present = next
  }
}

/** What is made of a part of the settings, made anew only where that part is another one. */
export function derived<P, T>(read: () => P, make: (part: P) => T): () => T {
  let part = read()
  let made = make(part)
  return () => {
    const present = read()
    if (present !== part) {
      made = make(present)
      part = present
    }
    return made
  }
}
