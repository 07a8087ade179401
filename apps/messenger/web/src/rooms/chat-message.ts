import type { PublicationContext } from 'centrifuge'

/**
 * What the page publishes. `id` is the namespace's `message_id`: sent again with the same id, it is stored once. Name and time are
 * the server's to say.
 */
export interface MessageData {
  id: string
  text: string
}

/** A message as a room keeps it. */
export interface StoredMessage {
  /** `user/id`: an id is its sender's own, nobody can take the place of another's message by copying it. */
  key: string
  id: string
  user: string
  name: string
  text: string
  at: number
  /** Its place in the room. */
  offset: number
}

/** As the server counts and refuses; said here before it is too late. */
export const MAX_CHARACTERS = 2_000

/** The code of a refusal that is none: the message was a question to the bot, and what is said with the code is its answer. */
export const ANSWERED = 1200

export const keyOf = (user: string, id: string): string => `${user}/${id}`

/** Not `crypto.randomUUID`: that is missing where the page comes by plain HTTP from another machine. */
export function newMessageId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Undefined for what is not a message of ours: a channel is open to other programs too. */
export function readMessage({ data, info, offset }: PublicationContext): StoredMessage | undefined {
  if (typeof data !== 'object' || data === null || offset === undefined) return undefined
  const { id, text, name, at } = data as Partial<Record<'id' | 'text' | 'name' | 'at', unknown>>
  if (typeof id !== 'string' || typeof text !== 'string') return undefined
  const user = info?.user ?? ''
  return {
    key: keyOf(user, id),
    id,
    user,
    name: nameFrom(info?.connInfo) ?? (typeof name === 'string' ? name : 'Somebody'),
    text,
    at: typeof at === 'number' && Number.isFinite(at) ? at : 0,
    offset,
  }
}

/** The name in the token, which the server signed, comes before the one in the message, which anybody can write. */
export function nameFrom(connInfo: unknown): string | undefined {
  if (typeof connInfo !== 'object' || connInfo === null || !('name' in connInfo)) return undefined
  return typeof connInfo.name === 'string' && connInfo.name !== '' ? connInfo.name : undefined
}
