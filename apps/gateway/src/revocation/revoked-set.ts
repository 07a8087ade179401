/**
 * Who may not come in any more, as this node knows it.
 *
 * RV1. A verdict costs a look into at most three maps, and nothing where nothing is held. What has expired counts no more, whether it was
 *      cleared away or not.
 * RV2. All is told again after a reconnect, in a round of its own; what isn't told in it has gone meanwhile. Until the round is complete what
 *      was known before counts as well.
 */
import type { Revocation, RevocationKind } from './revocation.js'

export type Verdict = 'good' | 'blocked' | 'revoked' | 'invalidated'

/** About whom is asked. */
export interface Subject {
  /** '' = anonymous: no rule is about those. */
  readonly user: string
  /** A token said so. */
  readonly isByToken: boolean
  readonly tokenId?: string | undefined
  /** Milliseconds since 1970; absent = nobody knows, so it may be any time. */
  readonly issuedAtMs?: number | undefined
}

interface Held {
  readonly round: number
  /** Infinity = for good. */
  readonly expiresAtMs: number
}

interface HeldBefore extends Held {
  readonly issuedBeforeMs: number
}

export class RevokedSet {
  private readonly blocked = new Map<string, Held>()
  private readonly tokens = new Map<string, Held>()
  private readonly before = new Map<string, HeldBefore>()
  private round = 0

  get size(): number {
    return this.blocked.size + this.tokens.size + this.before.size
  }

  get sizes(): Readonly<Record<RevocationKind, number>> {
    return { block: this.blocked.size, token: this.tokens.size, before: this.before.size }
  }

  has(kind: RevocationKind, name: string): boolean {
    return this.of(kind).has(name)
  }

  /** RV1 */
  verdict({ user, isByToken, tokenId, issuedAtMs }: Subject, nowMs: number): Verdict {
    if (isHeld(this.blocked.get(user), nowMs)) return 'blocked'
    if (!isByToken) return 'good'
    if (tokenId !== undefined && isHeld(this.tokens.get(tokenId), nowMs)) return 'revoked'
    const before = this.before.get(user)
    const isBefore = before !== undefined && (issuedAtMs === undefined || issuedAtMs < before.issuedBeforeMs)
    return isBefore && isHeld(before, nowMs) ? 'invalidated' : 'good'
  }

  put(revocation: Revocation): void {
    const { round } = this
    const held = { round, expiresAtMs: revocation.expiresAtMs ?? Number.POSITIVE_INFINITY }
    switch (revocation.kind) {
      case 'block':
        if (revocation.isLifted === true) this.blocked.delete(revocation.user)
        else this.blocked.set(revocation.user, held)
        return
      case 'token':
        return void this.tokens.set(revocation.tokenId, held)
      case 'before': {
        const { user, issuedBeforeMs } = revocation
        return void this.before.set(user, { ...held, issuedBeforeMs })
      }
    }
  }

  /** RV2. All is about to be told again. */
  beginRound(): void {
    this.round += 1
  }

  /** RV2. It has been. */
  endRound(): void {
    this.keep(({ round }) => round === this.round)
  }

  dropExpired(nowMs: number): void {
    this.keep(({ expiresAtMs }) => expiresAtMs > nowMs)
  }

  private keep(isKept: (held: Held) => boolean): void {
    for (const map of [this.blocked, this.tokens, this.before]) {
      for (const [name, held] of map) if (!isKept(held)) map.delete(name)
    }
  }

  private of(kind: RevocationKind): ReadonlyMap<string, Held> {
    return { block: this.blocked, token: this.tokens, before: this.before }[kind]
  }
}

const isHeld = (held: Held | undefined, nowMs: number): boolean =>
  held !== undefined && held.expiresAtMs > nowMs
