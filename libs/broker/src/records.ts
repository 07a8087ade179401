/** What all implementations of `Records` agree on. */
import { InvalidError, UnavailableError } from '@natter/primitives'

/** Keys that a mesh may hold. */
export const maxRecords = 110_000
/** Results of requests that may be repeated: many, small and short-lived. */
export const maxIdempotencyRecords = 200_000
/** Key and value. */
export const maxRecordBytes = 4_096
/** Clocks differ: a record stays so much longer than it holds. */
const graceMs = 60_000
/** Farther away is never: what NATS can count to. */
const foreverMs = 100 * 365 * 24 * 3_600_000

const KEY = /^[-/_=A-Za-z0-9]+(?:\.[-/_=A-Za-z0-9]+)*$/
/** A key of ours among them. */
export const markKey = 'mark'

/** @throws InvalidError `bad-key`. */
export function demandKey(key: string): void {
  if (KEY.test(key) && key !== markKey) return
  throw new InvalidError('bad-key', `'${key}' can't be the key of a record`)
}

/** How long it is kept, in whole seconds; undefined = for ever. */
export function secondsToKeep(expiresAtMs: number | undefined, nowMs: number): number | undefined {
  if (expiresAtMs === undefined || expiresAtMs - nowMs > foreverMs) return undefined
  return Math.ceil((Math.max(0, expiresAtMs - nowMs) + graceMs) / 1_000)
}

export const recordsFull = (cause?: unknown, most: number = maxRecords): UnavailableError =>
  new UnavailableError(
    'records-full',
    `The mesh holds ${most} records already: not stored. Take some back, or wait until others expire`,
    { cause },
  )

export const recordTooLarge = (cause?: unknown): InvalidError =>
  new InvalidError('message-too-large', `A record has ${maxRecordBytes} bytes at most`, { cause })
