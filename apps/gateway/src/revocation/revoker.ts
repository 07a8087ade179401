/**
 * What takes somebody's way in back: one function for each method of the API. Each resolves when it is written down; it holds on every gateway
 * from then on, see `revocations.ts`.
 *
 * RW1. Each may be done twice without harm.
 * RW2. What a user's tokens were invalidated for is never taken back by a later call: the later moment and the later end count.
 * RW3. At most `maxHeld` are held in a mesh; one more is refused, and nothing is dropped for it. What is held already can be changed.
 */
import type { Records } from '@natter/broker'
import { InvalidError, UnavailableError, type Clock, type TypedEvents } from '@natter/primitives'
import type { GatewayEvents } from '../gateway.events.js'
import { decodeRevocation, encodeRevocation, keyOf, nameOf, type Revocation } from './revocation.js'
import type { RevokedSet } from './revoked-set.js'

/** Fewer than the port holds: gateways that write at once may pass it by a few. */
export const maxHeld = 100_000
export const maxNameBytes = 512
/** A lifted block is told to those who are there; who comes later doesn't have to hear it. */
const liftedForMs = 300_000
/** Somebody else wrote in between; more often than this is no accident. */
const maxRounds = 20

export interface RevokerParts {
  records: Pick<Records, 'get' | 'put'>
  held: Pick<RevokedSet, 'size' | 'has'>
  clock: Clock
  events: TypedEvents<GatewayEvents>
}

/**
 * All throw InvalidError `bad-request`, UnavailableError (not done: `revocations-full`, `nats-away`, …) and UnknownOutcomeError. Times are
 * milliseconds since 1970; an end that is absent is never, one that has passed is refused.
 */
export class Revoker {
  constructor(private readonly parts: RevokerParts) {}

  async blockUser(user: string, expiresAtMs?: number): Promise<void> {
    await this.write({ kind: 'block', user, ...this.end(expiresAtMs) })
  }

  /** One who isn't blocked may be unblocked too. */
  async unblockUser(user: string): Promise<void> {
    const expiresAtMs = this.parts.clock.now() + liftedForMs
    await this.write({ kind: 'block', user, isLifted: true, expiresAtMs })
  }

  /** @param tokenId Its `jti`. */
  async revokeToken(tokenId: string, expiresAtMs?: number): Promise<void> {
    await this.write({ kind: 'token', tokenId, ...this.end(expiresAtMs) })
  }

  /** @param issuedBeforeMs Tokens of this very moment stay good; absent = now. */
  async invalidateUserTokens(
    user: string,
    {
      issuedBeforeMs = this.parts.clock.now(),
      expiresAtMs,
    }: { issuedBeforeMs?: number; expiresAtMs?: number } = {},
  ): Promise<void> {
    demand(Number.isFinite(issuedBeforeMs), 'The moment before which tokens are invalid is a number')
    const asked = { kind: 'before', user, issuedBeforeMs, ...this.end(expiresAtMs) } as const
    this.demandRoom(asked)
    const { records, clock } = this.parts
    const key = keyOf('before', user)
    for (let round = 0; round < maxRounds; round += 1) {
      const found = await records.get(key)
      const present = found && decodeRevocation(found.value)
      const wanted = widened(asked, present, clock.now()) // RW2
      if (await this.put(wanted, found?.revision ?? 0)) return
    }
    throw new UnavailableError('too-many-writers', 'Others change this at the same time: not done, try again')
  }

  private end(expiresAtMs: number | undefined): { expiresAtMs?: number } {
    if (expiresAtMs === undefined) return {}
    const isAhead = Number.isFinite(expiresAtMs) && expiresAtMs > this.parts.clock.now()
    demand(isAhead, 'The end of a revocation lies in the future')
    return { expiresAtMs }
  }

  private async write(revocation: Revocation): Promise<void> {
    this.demandRoom(revocation)
    await this.put(revocation)
  }

  /** False where another revision than `after` is there. */
  private async put(revocation: Revocation, after?: number): Promise<boolean> {
    const { expiresAtMs } = revocation
    const key = keyOf(revocation.kind, nameOf(revocation))
    const stored = await this.parts.records.put(key, encodeRevocation(revocation), {
      ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
      ...(after === undefined ? {} : { after }),
    })
    if (stored !== undefined) this.parts.events.emit('revocation:write', revocation)
    return stored !== undefined
  }

  /** RW3 */
  private demandRoom(revocation: Revocation): void {
    const name = nameOf(revocation)
    demand(typeof name === 'string' && name !== '', 'Name the user, or the id of the token')
    demand(
      Buffer.byteLength(name) <= maxNameBytes,
      `A user or a token’s id has at most ${maxNameBytes} bytes here`,
    )
    const { held } = this.parts
    const isLifting = revocation.kind === 'block' && revocation.isLifted === true
    if (isLifting || held.size < maxHeld || held.has(revocation.kind, name)) return
    const sentence = `${maxHeld} revocations are held already: not done. Give them an end, and wait for it or take some back`
    throw new UnavailableError('revocations-full', sentence)
  }
}

type Before = Extract<Revocation, { kind: 'before' }>

function widened(asked: Before, present: Revocation | undefined, nowMs: number): Before {
  const isOver = present?.expiresAtMs !== undefined && present.expiresAtMs <= nowMs
  if (present?.kind !== 'before' || present.user !== asked.user || isOver) return asked
  const { kind, user } = asked
  const issuedBeforeMs = Math.max(asked.issuedBeforeMs, present.issuedBeforeMs)
  if (asked.expiresAtMs === undefined || present.expiresAtMs === undefined)
    return { kind, user, issuedBeforeMs }
  return { kind, user, issuedBeforeMs, expiresAtMs: Math.max(asked.expiresAtMs, present.expiresAtMs) }
}

function demand(isRight: boolean, sentence: string): asserts isRight {
  if (!isRight) throw new InvalidError('bad-request', sentence)
}
