/** Values of handlers as bytes, and back. */
import { ClientError } from '@natter/hooks'
import { InvalidError } from '@natter/primitives'
import { Errors, type Bytes } from '@natter/protocol'

/** `json`: values, encoded for you. `bytes`: a `Uint8Array`, untouched. */
export type Encoding = 'json' | 'bytes'

/** @throws InvalidError `not-json`, `not-bytes`. */
export function encodeValue(value: unknown, encoding: Encoding): Bytes {
  if (encoding === 'json') return Buffer.from(jsonOf(value), 'utf8')
  if (value instanceof Uint8Array) return value
  throw new InvalidError('not-bytes', "Under encoding 'bytes' a value is a Uint8Array.")
}

/** @throws InvalidError `not-json`: nothing, a function, a cycle, bytes. */
export function jsonOf(value: unknown): string {
  if (value instanceof Uint8Array)
    throw new InvalidError('not-json', "A Uint8Array isn't JSON. Say encoding: 'bytes' to send it as it is.")
  const text = stringify(value)
  if (text === undefined) throw new InvalidError('not-json', `A ${typeof value} has no JSON.`)
  return text
}

function stringify(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch (cause) {
    throw new InvalidError('not-json', 'The value has no JSON: it holds itself, or a bigint.', { cause })
  }
}

/** @throws ClientError 107: the client sent what isn't JSON. */
export function decodeValue(data: Bytes | undefined, encoding: Encoding): unknown {
  if (data === undefined || encoding === 'bytes') return data
  try {
    return JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.length).toString('utf8')) as unknown
  } catch (cause) {
    throw new ClientError(Errors.badRequest.code, 'the data is not JSON', { cause })
  }
}
