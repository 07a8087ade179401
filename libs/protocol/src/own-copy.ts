import type { Bytes } from './messages.js'

const pieceBytes = 8_192
/** Longer ones get memory of their own. */
const maxPooledBytes = 1_024
let piece = new Uint8Array(pieceBytes)
let used = 0

/** What of a lent message is kept. Short ones share a piece of memory: one of its own costs more than all the reading. */
export function ownCopy(bytes: Uint8Array, start: number, end: number): Bytes {
  const length = end - start
  if (length > maxPooledBytes) return bytes.slice(start, end)
  if (used + length > pieceBytes) {
    piece = new Uint8Array(pieceBytes)
    used = 0
  }
  const copy = piece.subarray(used, used + length)
  copy.set(bytes.subarray(start, end))
  used += length
  return copy
}
