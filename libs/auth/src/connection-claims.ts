/** From the payload of a token whose signature holds to what the mesh believes of it (docs/protocol.md, 12.1). */
import { findJsonField, inspectText, isJson, type Bytes } from '@natter/protocol'
import type { ConnectionClaims, TokenVerdict } from './token-verifier.js'

type Payload = Readonly<Record<string, unknown>>

const invalid = (reason: string): TokenVerdict => ({ outcome: 'invalid', reason })

const isSeconds = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && value * 1000 <= Number.MAX_SAFE_INTEGER

/** `text` is the payload's own text: `info` is passed on as it was written, whatever its numbers look like. */
export function readConnectionClaims(payload: Payload, text: string): TokenVerdict {
  if (payload['channel'] !== undefined) return invalid('claim-channel') // a subscription token
  const user = payload['sub'] ?? ''
  if (typeof user !== 'string' || !inspectText(user).isWellFormed) return invalid('claim-sub')
  const expiry = payload['expire_at'] ?? payload['exp'] ?? 0
  if (!isSeconds(expiry)) return invalid('claim-expire_at')
  const connInfo = readInfo(payload, text)
  if (connInfo === 'malformed') return invalid('claim-b64info')
  const claims: ConnectionClaims = { user }
  if (expiry !== 0) claims.expiresAtMs = Math.trunc(expiry * 1000)
  if (connInfo !== undefined) claims.connInfo = connInfo
  return { outcome: 'valid', claims }
}

function readInfo(payload: Payload, text: string): Bytes | 'malformed' | undefined {
  const encoded = payload['b64info'] ?? ''
  if (encoded !== '') return typeof encoded === 'string' ? decodeInfo(encoded) : 'malformed'
  const span = findJsonField(text, 'info')
  if (span === undefined || payload['info'] === null) return undefined
  return new TextEncoder().encode(text.slice(span.start, span.end))
}

/** It is embedded in JSON frames, where anything but JSON would break every client that sees it. */
function decodeInfo(encoded: string): Bytes | 'malformed' {
  try {
    const bytes = Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0))
    return isJson(bytes) ? bytes : 'malformed'
  } catch {
    return 'malformed'
  }
}
