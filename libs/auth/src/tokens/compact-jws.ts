/** The text of a token, taken apart. Nothing here says whether it is to be believed. */
import { Limits } from '@natter/protocol'
import { algorithms, type Algorithm } from './algorithms.js'

export interface CompactJws {
  readonly algorithm: Algorithm
  /** As its header calls it. */
  readonly algorithmName: string
  /** Which key its header says that it was signed with. */
  readonly keyId?: string
  /** What was signed: ASCII. */
  readonly signed: string
  readonly signature: Uint8Array
}

/** Three parts of base64url and nothing else: one token has one text. */
const shape = /^[\w-]+\.[\w-]*\.[\w-]*$/

/** A text says why it can't be one that we know. */
export function parseJws(token: string): CompactJws | 'too-long' | 'malformed' | 'algorithm' {
  if (token.length > Limits.maxTokenBytes) return 'too-long'
  if (!shape.test(token)) return 'malformed'
  const header = parseHeader(token.slice(0, token.indexOf('.')))
  if (header === undefined) return 'malformed'
  const algorithm = algorithms.get(header.algorithmName)
  if (algorithm === undefined) return 'algorithm'
  const end = token.lastIndexOf('.')
  const signature = Buffer.from(token.slice(end + 1), 'base64url')
  return { algorithm, ...header, signed: token.slice(0, end), signature }
}

/** The payload's own text. Undefined: it isn't UTF-8. */
export function payloadOf({ signed }: CompactJws): string | undefined {
  try {
    return strict.decode(Buffer.from(signed.slice(signed.indexOf('.') + 1), 'base64url'))
  } catch {
    return undefined
  }
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** One that has to be understood (`crit`) and isn't is none. */
function parseHeader(part: string): Pick<CompactJws, 'algorithmName' | 'keyId'> | undefined {
  const header = parseObject(Buffer.from(part, 'base64url').toString())
  if (header === undefined || typeof header['alg'] !== 'string' || 'crit' in header) return undefined
  const { alg: algorithmName, kid } = header
  return typeof kid === 'string' ? { algorithmName, keyId: kid } : { algorithmName }
}

export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(text) as unknown
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
