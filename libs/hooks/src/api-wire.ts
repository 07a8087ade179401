/** How `ApiRequest` and `ApiReply` travel: as envelopes. A gateway decodes what `ApiClient` encodes. */
import { InvalidError } from '@natter/primitives'

import type { ApiReply, ApiRequest } from './api.js'
import { decodeEnvelope, encodeEnvelope } from './envelope.js'

export function encodeApiRequest(request: ApiRequest): Uint8Array {
  if (!('data' in request)) return encodeEnvelope(request)
  const { data, ...head } = request
  return encodeEnvelope(head, data)
}

/** Not looked at beyond its being an envelope with a kind: whoever serves it checks what it needs. @throws InvalidError `bad-envelope`. */
export function decodeApiRequest(body: Uint8Array): ApiRequest {
  const { head, data } = decodeEnvelope(body)
  if (!('kind' in head)) throw new InvalidError('bad-envelope', 'A request of an app has no kind')
  return (data === undefined ? head : { ...head, data }) as ApiRequest
}

export function encodeApiReply(reply: ApiReply): Uint8Array {
  return encodeEnvelope(reply)
}

/** @throws InvalidError `bad-envelope`. */
export function decodeApiReply(body: Uint8Array): ApiReply {
  const { head } = decodeEnvelope(body)
  if ('result' in head || 'error' in head) return head as ApiReply
  throw new InvalidError('bad-envelope', 'A gateway answered neither a result nor an error')
}
