/** JSON that passes through: what backends sent as `data` goes on byte for byte, and so does what they read. */
import { isJson, jsonFields, type Bytes } from '@natter/protocol'

/** A JSON text that is put into an answer as it is. */
export class RawJson {
  constructor(readonly text: string) {}

  /** Undefined where the bytes are no JSON, or there are none. */
  static of(bytes: Bytes | undefined): RawJson | undefined {
    if (bytes === undefined || !isJson(bytes)) return undefined
    return new RawJson(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'))
  }
}

/** The text of a value that may hold {@link RawJson}. Members that are undefined are left out. */
export function toJson(value: unknown): string {
  if (value instanceof RawJson) return value.text
  if (Array.isArray(value)) return `[${value.map((one) => toJson(one ?? null)).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members: string[] = []
  for (const [name, member] of Object.entries(value)) {
    if (member !== undefined) members.push(`${JSON.stringify(name)}:${toJson(member)}`)
  }
  return `{${members.join(',')}}`
}

/** The text of a JSON object, and its members. */
export interface JsonObject {
  readonly text: string
  readonly members: Readonly<Record<string, unknown>>
}

/** Undefined where it is none; nothing at all counts as `{}`. */
export function parseObject(text: string): JsonObject | undefined {
  if (text.trim() === '') return { text: '{}', members: {} }
  try {
    const members: unknown = JSON.parse(text)
    const isObject = typeof members === 'object' && members !== null && !Array.isArray(members)
    return isObject ? { text, members: members as Record<string, unknown> } : undefined
  } catch {
    return undefined
  }
}

/** The text of one member, as it stands; undefined = there is none. */
export function memberText({ text, members }: JsonObject, name: string): string | undefined {
  if (!Object.hasOwn(members, name)) return undefined
  const span = jsonFields(text).get(name)
  return span && text.slice(span.start, span.end)
}
