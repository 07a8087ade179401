import type { Bytes } from '@natter/protocol'

/** An id longer than this is none: it would only be hashed. */
const maxIdLength = 256

/**
 * The text or number at a path (an unescaped JSON pointer) of a JSON document, as text; undefined when there is none, or when it
 * is something else. Numbers and texts never collide: a number keeps a mark. A number that JavaScript can't tell from its
 * neighbour is none: two messages would have one id, and one of them would be lost.
 */
export function readPointer(document: Bytes, path: readonly string[]): string | undefined {
  let value: unknown = parse(document)
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  if (typeof value === 'number') return Number.isSafeInteger(value) ? `#${value}` : undefined
  return typeof value === 'string' && value.length > 0 && value.length <= maxIdLength
    ? `"${value}`
    : undefined
}

function parse(document: Bytes): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(document))
  } catch {
    return undefined
  }
}
