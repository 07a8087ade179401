import { decodeUtf8 } from './utf8.js'

interface KnownName {
  bytes: Uint8Array
  text: string
}

/** Of the name of a channel: longer ones are refused anyway. */
const maxKnownBytes = 255
/** Clients publish into few channels, again and again: their names needn't be decoded, nor hashed by each map behind, each time. */
const knownNames: (KnownName | undefined)[] = Array.from({ length: 1_024 }, () => undefined)

/** The text of the bytes from `start` to `end`. Undefined: empty, or more than ASCII. */
export function asciiName(bytes: Uint8Array, start: number, end: number): string | undefined {
  let hash = 0
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] as number
    if (byte > 0x7e) return undefined
    hash = (Math.imul(hash, 31) + byte) | 0
  }
  if (start === end) return undefined
  const place = (hash ^ (hash >>> 10)) & (knownNames.length - 1)
  const known = knownNames[place]
  if (known !== undefined && isSame(known.bytes, bytes, start, end)) return known.text
  const name = bytes.slice(start, end)
  const text = decodeUtf8(name)
  if (name.length <= maxKnownBytes) knownNames[place] = { bytes: name, text }
  return text
}

function isSame(name: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (name.length !== end - start) return false
  for (let at = start; at < end; at += 1) if (bytes[at] !== name[at - start]) return false
  return true
}
