/**
 * What of the configuration may change while the gateway runs, in one place.
 *
 * SE1. It is replaced as a whole: whoever reads it sees all of one configuration, never half of the next.
 * SE2. Nobody keeps a part of it: it is read when it is used. What is dear to make of it is {@link derived}.
 * SE3. A verifier that was replaced is closed when what it was asked is answered.
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
  private readonly leaving = new Set<TokenVerifier>()
  private isClosed = false

  constructor(private present: GatewaySettings) {}

  get current(): GatewaySettings {
    return this.present
  }

  /** SE1. */
  replace(next: GatewaySettings): void {
    const { verifier } = this.present
    this.present = next
    if (verifier !== next.verifier) void this.retire(verifier)
    if (this.isClosed) this.close()
  }

  /** The end: who waits for a server of keys is told that nobody can tell. */
  close(): void {
    this.isClosed = true
    for (const verifier of [this.present.verifier, ...this.leaving]) verifier.close()
  }

  /** SE3 */
  private async retire(verifier: TokenVerifier): Promise<void> {
    this.leaving.add(verifier)
    await verifier.idle()
    this.leaving.delete(verifier)
    verifier.close()
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
