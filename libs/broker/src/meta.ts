/**
 * The `Natter-Meta` header: everything about a publication that isn't its data, as one line of JSON in ASCII. What users and
 * apps choose is escaped inside it, so it can neither end the line nor become another header.
 */
import type { ClientInfo } from '@natter/protocol'

export interface PublicationMeta {
  /** Whether the body is the text of one JSON value, or bytes. */
  kind: 'json' | 'bin'
  /** The publisher, when a client published. */
  info?: ClientInfo
  tags?: Readonly<Record<string, string>>
  /** When the publisher made it, milliseconds since 1970, where that differs from when it was stored. */
  timeMs?: number
  /** What the publication is about, in namespaces that keep the newest per key. */
  key?: string
  /** Its publisher lets it be told as what it changes in the one before it. */
  delta?: boolean
  /** It was not to be kept, in a channel that is: told to who is there, at no place in the channel. */
  isPassing?: boolean
  /** Its publisher's own number for it, which rises as long as `epoch` is the same. */
  version?: { number: number; epoch: string }
  /** The id under which it is stored once, where somebody may look for it in the log. */
  messageId?: string
}

/** Bytes as text where they are text: shorter, and readable in the log. */
type WireBytes = string | { b: string }

interface WireMeta {
  k: 'json' | 'bin'
  i?: { u: string; c: string; ci?: WireBytes; hi?: WireBytes }
  t?: Readonly<Record<string, string>>
  at?: number
  y?: string
  d?: 1
  e?: 1
  m?: string
  v?: [number, string]
}

const beginnings = (['json', 'bin'] as const).map((kind) => ({ kind, start: `{"k":"${kind}"` }))
const NOT_ASCII = /[^\x20-\x7e]/g
const strictText = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function encodeMeta(meta: PublicationMeta): string {
  const wire: WireMeta = { k: meta.kind }
  if (meta.info !== undefined) wire.i = encodeInfo(meta.info)
  if (meta.tags !== undefined) wire.t = meta.tags
  if (meta.timeMs !== undefined) wire.at = meta.timeMs
  if (meta.key !== undefined) wire.y = meta.key
  if (meta.delta === true) wire.d = 1
  if (meta.isPassing === true) wire.e = 1
  if (meta.messageId !== undefined) wire.m = meta.messageId
  if (meta.version !== undefined) wire.v = [meta.version.number, meta.version.epoch]
  return JSON.stringify(wire).replace(NOT_ASCII, escapeUnit)
}

/** Undefined when the text is none of ours; never throws, because anybody may have written it. */
export function decodeMeta(text: string | undefined): PublicationMeta | undefined {
  const wire = parseObject(text)
  if (wire === undefined || (wire['k'] !== 'json' && wire['k'] !== 'bin')) return undefined
  const meta: PublicationMeta = { kind: wire['k'] }
  const info = decodeInfo(wire['i'])
  if (info !== undefined) meta.info = info
  const tags = wire['t']
  if (isTextRecord(tags)) meta.tags = tags
  if (typeof wire['at'] === 'number') meta.timeMs = wire['at']
  if (typeof wire['y'] === 'string') meta.key = wire['y']
  if (wire['d'] === 1) meta.delta = true
  if (wire['e'] === 1) meta.isPassing = true
  if (typeof wire['m'] === 'string') meta.messageId = wire['m']
  const version = decodeVersion(wire['v'])
  if (version !== undefined) meta.version = version
  return meta
}

/**
 * Only the kind, without reading the rest: `encodeMeta` writes it first. Undefined when the text is none of ours. Text that begins as
 * ours and then breaks is taken at its first word.
 */
export function kindOfMeta(text: string | undefined): PublicationMeta['kind'] | undefined {
  if (text === undefined) return undefined
  for (const { kind, start } of beginnings) {
    if (text.startsWith(start) && (text[start.length] === ',' || text[start.length] === '}')) return kind
  }
  return decodeMeta(text)?.kind
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function encodeInfo(info: ClientInfo): NonNullable<WireMeta['i']> {
  const wire: NonNullable<WireMeta['i']> = { u: info.user, c: info.client }
  if (info.connInfo !== undefined) wire.ci = encodeBytes(info.connInfo)
  if (info.chanInfo !== undefined) wire.hi = encodeBytes(info.chanInfo)
  return wire
}

function decodeInfo(value: unknown): ClientInfo | undefined {
  if (!isObject(value) || typeof value['u'] !== 'string' || typeof value['c'] !== 'string') return undefined
  const info: ClientInfo = { user: value['u'], client: value['c'] }
  const connInfo = decodeBytes(value['ci'])
  if (connInfo !== undefined) info.connInfo = connInfo
  const chanInfo = decodeBytes(value['hi'])
  if (chanInfo !== undefined) info.chanInfo = chanInfo
  return info
}

function decodeVersion(value: unknown): PublicationMeta['version'] {
  if (!Array.isArray(value)) return undefined
  const [number, epoch] = value as unknown[]
  return typeof number === 'number' && typeof epoch === 'string' ? { number, epoch } : undefined
}

function encodeBytes(bytes: Uint8Array): WireBytes {
  try {
    return strictText.decode(bytes)
  } catch {
    return { b: Buffer.from(bytes).toString('base64') }
  }
}

function decodeBytes(value: unknown): Uint8Array | undefined {
  if (typeof value === 'string') return Buffer.from(value, 'utf8')
  if (isObject(value) && typeof value['b'] === 'string') return Buffer.from(value['b'], 'base64')
  return undefined
}

function parseObject(text: string | undefined): Record<string, unknown> | undefined {
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTextRecord(value: unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every((entry) => typeof entry === 'string')
}
