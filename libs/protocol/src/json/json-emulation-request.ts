import type { EmulationRequest } from '../messages.js'
import { MalformedFrameError } from '../protocol.errors.js'
import { decodeUtf8, encodeUtf8 } from '../utf8.js'
import { readString } from './fields.js'
import { isObject } from './json-text.js'

/**
 * The JSON form of what a client of an HTTP transport posts to `/emulation`: `data` is a string that holds the commands. [15]
 *
 * @throws MalformedFrameError
 */
export function decodeJsonEmulationRequest(body: Uint8Array): EmulationRequest {
  let fields: unknown
  try {
    fields = JSON.parse(decodeUtf8(body))
  } catch (cause) {
    throw new MalformedFrameError('the body is not JSON', { cause })
  }
  if (!isObject(fields)) throw new MalformedFrameError('the body must be a JSON object')
  return {
    node: readString(fields, 'node') ?? '',
    session: readString(fields, 'session') ?? '',
    data: encodeUtf8(readString(fields, 'data') ?? ''),
  }
}
