import { isJson, type Bytes, type Codec } from '@natter/protocol'

/** What an app answered can't be passed on: a bug of the app, whose client gets error 100. */
export class BrokenAnswerError extends Error {}

const encoder = new TextEncoder()

/** The bytes of a JSON text that an app answered: it is embedded in frames, where anything else would break them. */
export function appJson(text: string | undefined, field: string): Bytes | undefined {
  return text === undefined ? undefined : checkedJson(encoder.encode(text), field)
}

/** @throws BrokenAnswerError when it isn't JSON. */
export function checkedJson(bytes: Bytes, field: string): Bytes {
  if (!isJson(bytes)) throw new BrokenAnswerError(`an app answered ${field} that is not JSON`)
  return bytes
}

/** What an app answered, for one client: JSON where that is all it can be told. @throws BrokenAnswerError */
export const bytesFor = ({ encoding }: Codec, data: Bytes): Bytes =>
  encoding === 'json' ? checkedJson(data, 'data') : data
