/** JSON as text and as UTF-8 bytes: the two shapes in which it passes through without being rewritten. */
import type { Bytes } from '../messages.js'
import { decodeUtf8 } from '../utf8.js'

/** Shared: decoding whole inputs leaves no state behind. */
const lenient = new TextDecoder('utf-8', { ignoreBOM: true })

function parsed(bytes: Bytes): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(decodeUtf8(bytes)) }
  } catch {
    return undefined
  }
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Whether the bytes are one JSON value in UTF-8: what `data` to a JSON client has to be. */
export const isJson = (bytes: Bytes): boolean => parsed(bytes) !== undefined

/** Whether the bytes are one JSON object in UTF-8. */
export const isJsonObject = (bytes: Bytes): boolean => isObject(parsed(bytes)?.value)

/**
 * The text of a JSON value for use inside a frame. Frames are separated by newlines; in valid JSON a raw newline or carriage
 * return is only ever space between tokens, so a space says the same.
 */
export function toSingleLine(json: Bytes): string {
  const text = lenient.decode(json)
  return text.includes('\n') || text.includes('\r') ? text.replaceAll(/[\n\r]/g, ' ') : text
}
