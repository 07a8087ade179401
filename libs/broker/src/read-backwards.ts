import type { Log, StoredMessage } from './broker.js'

const PAGE = 256

/**
 * The newest messages of a subject, from reads that only go forwards: a window in front of what is known, twice as wide each
 * time it holds too little, half as wide each time it holds more than a page. An empty stretch costs the logarithm of its
 * length; a dense one never more than a page per step.
 *
 * @param firstSeq below it nothing is kept
 */
export async function readBackwards(
  read: Log['read'],
  source: { stream: string; subject: string; firstSeq: number },
  to: number,
  limits: { count: number; bytes: number },
): Promise<StoredMessage[]> {
  const found: StoredMessage[] = []
  const room = { count: limits.count, bytes: limits.bytes }
  let high = to
  let width = Math.max(1, limits.count)
  while (high >= source.firstSeq && room.count > 0) {
    const low = Math.max(source.firstSeq, high - width + 1)
    const range = { from: low, to: high, limit: PAGE, maxBytes: Math.max(limits.bytes, 1) }
    const { messages, isComplete } = await read(source.stream, source.subject, range)
    if (!isComplete) {
      const reached = messages.at(-1)?.seq ?? low
      width = Math.max(1, Math.ceil(Math.min(high - reached, high - low + 1) / 2))
      continue
    }
    if (!takeNewest(messages, found, room)) break
    high = low - 1
    width *= 2
  }
  return found
}

/** False when the room is used up. The very first message is taken whatever its size. */
function takeNewest(
  messages: readonly StoredMessage[],
  found: StoredMessage[],
  room: { count: number; bytes: number },
): boolean {
  for (const message of messages.toReversed()) {
    if (room.count === 0 || (found.length > 0 && message.body.length > room.bytes)) return false
    found.push(message)
    room.count -= 1
    room.bytes -= message.body.length
  }
  return true
}
