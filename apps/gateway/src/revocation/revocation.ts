/** What is written down of who may not come in any more, and how. */
import { createHash } from 'node:crypto'

interface Held {
  /** Milliseconds since 1970; absent = for good. */
  readonly expiresAtMs?: number
}

export type Revocation = Held &
  (
    | { readonly kind: 'block'; readonly user: string; readonly isLifted?: true }
    | { readonly kind: 'token'; readonly tokenId: string }
    /** All tokens of the user issued before that, milliseconds since 1970. */
    | { readonly kind: 'before'; readonly user: string; readonly issuedBeforeMs: number }
  )

export type RevocationKind = Revocation['kind']

/** Each has one key, under which the newest counts. The name is hashed: users and tokens may have any. */
export function keyOf(kind: RevocationKind, name: string): string {
  return `${kind}.${createHash('sha256').update(name).digest('base64url')}`
}

export const nameOf = (revocation: Revocation): string =>
  revocation.kind === 'token' ? revocation.tokenId : revocation.user

export function encodeRevocation(revocation: Revocation): Uint8Array {
  return Buffer.from(JSON.stringify(revocation), 'utf8')
}

/** Undefined when it is none that this version knows. */
export function decodeRevocation(value: Uint8Array): Revocation | undefined {
  const read = parse(value)
  if (read === undefined || !isTimeOrAbsent(read['expiresAtMs'])) return undefined
  const { kind, user, tokenId, issuedBeforeMs } = read
  switch (kind) {
    case 'block':
      return isName(user) ? (read as unknown as Revocation) : undefined
    case 'token':
      return isName(tokenId) ? (read as unknown as Revocation) : undefined
    case 'before':
      return isName(user) && Number.isFinite(issuedBeforeMs) ? (read as unknown as Revocation) : undefined
    default:
      return undefined
  }
}

function parse(value: Uint8Array): Record<string, unknown> | undefined {
  try {
    const read: unknown = JSON.parse(Buffer.from(value).toString('utf8'))
    return typeof read === 'object' && read !== null ? (read as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

const isName = (value: unknown): boolean => typeof value === 'string' && value !== ''

const isTimeOrAbsent = (value: unknown): boolean => value === undefined || Number.isFinite(value)
