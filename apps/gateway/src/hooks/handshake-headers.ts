/**
 * Which headers of a connection apps are shown: only those that are on the list, by their lower-case names.
 *
 * A1. A connection without any costs nothing.
 * A2. What a client says about headers in its connect command (browsers can't set real ones) never replaces what its request said.
 *     Which of them are only said stays known.
 * A3. What is kept of a client's words is bounded: a header that doesn't fit is left out.
 */
export type Headers = Readonly<Record<string, string>>

const maxBytes = 4_096

/** Undefined when none of them is there (A1). */
export function pickHeaders(allowed: readonly string[], headers: Headers | undefined): Headers | undefined {
  let picked: Record<string, string> | undefined
  for (const name of allowed) {
    const value = headers?.[name]
    if (value !== undefined) (picked ??= {})[name] = value
  }
  return picked
}

export function mergeHeaders(
  allowed: readonly string[],
  real: Headers | undefined,
  emulated: Headers | undefined,
): Headers | undefined {
  if (emulated === undefined) return real
  const lower: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(emulated)) lower[name.toLowerCase()] ??= value
  const said: Record<string, string> = {}
  let leftBytes = maxBytes
  for (const name of allowed) {
    const value = lower[name]
    if (value === undefined || real?.[name] !== undefined) continue // A2
    leftBytes -= Buffer.byteLength(value)
    if (leftBytes < 0) break // A3
    said[name] = value
  }
  if (Object.keys(said).length === 0) return real
  const merged = { ...said, ...real }
  saidIn.set(merged, new Set(Object.keys(said)))
  return merged
}

/** A2. Few clients say any. */
const saidIn = new WeakMap<Headers, ReadonlySet<string>>()

/** Whether the client only says that its request had this header. */
export const isOnlySaid = (headers: Headers, name: string): boolean => saidIn.get(headers)?.has(name) === true
