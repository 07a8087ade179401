import type { Log, StreamMessage, StreamState } from '@natter/broker'

export interface Page {
  messages: StreamMessage[]
  /** More than these were there. */
  hasMore: boolean
  /** Read after the messages: what it says of the stream's identity and start holds for all of them. */
  state: StreamState
}

export async function readPage(
  log: Log,
  stream: string,
  range: { from: number; limit: number; maxBytes: number },
): Promise<Page> {
  const { messages, pending } = await log.readStream(stream, range)
  return { messages, hasMore: messages.length > 0 && pending > 0, state: await log.state(stream) }
}
