/**
 * How hooks travel: the JSON of everything but the data, a newline, the data as it came. JSON text holds no raw newline, so the
 * first one ends it; without data there is none.
 */
import { InvalidError } from '@natter/primitives'
import type { Bytes } from '@natter/protocol'

const newline = 0x0a

/** @param head Plain JSON values. Its own `data` field, where it has one, is what `data` becomes at the other end. */
export function encodeEnvelope(head: object, data?: Bytes): Uint8Array {
  const text = Buffer.from(JSON.stringify(head), 'utf8')
  return data === undefined ? text : Buffer.concat([text, Buffer.of(newline), data])
}

/**
 * `head` is what the other side wrote, and not looked at; `data` is a copy: the bytes of a message are the driver's.
 *
 * @throws InvalidError `bad-envelope`.
 */
export function decodeEnvelope(body: Uint8Array): { head: object; data: Bytes | undefined } {
  const end = body.indexOf(newline)
  const head = parse(end < 0 ? body : body.subarray(0, end))
  return { head, data: end < 0 ? undefined : body.slice(end + 1) }
}

function parse(text: Uint8Array): object {
  try {
    const head: unknown = JSON.parse(Buffer.from(text.buffer, text.byteOffset, text.length).toString('utf8'))
    if (typeof head === 'object' && head !== null) return head
  } catch {
    // told below
  }
  throw new InvalidError(
    'bad-envelope',
    'A message between gateway and app is not one: are their versions the same?',
  )
}
