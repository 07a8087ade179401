import { createHash } from 'node:crypto'

/**
 * The `Nats-Msg-Id` of a publication that its client may repeat: bound to user and channel, so that nobody can swallow
 * another one's publication by guessing its id. Hashed, because no text that a user chooses becomes a header's value.
 */
export function publicationMessageId(parts: { user: string; channel: string; value: string }): string {
  const framed = JSON.stringify([parts.user, parts.channel, parts.value]) // an array: no two triples have one text
  return createHash('sha256').update(framed).digest('base64url')
}
