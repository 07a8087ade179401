import type { EmulationRequest } from '../messages.js'
import { WireReader } from './wire-reader.js'

function readField(reader: WireReader, field: number, into: EmulationRequest): void {
  if (field === 1) into.node = reader.text() ?? ''
  else if (field === 2) into.session = reader.text() ?? ''
  else if (field === 3) into.data = reader.data((bytes, start, end) => bytes.subarray(start, end)) ?? nothing
  else reader.skip()
}

const nothing = new Uint8Array(0)

/**
 * Reads the body of a POST with the type `application/octet-stream`. What is absent is empty. `data` is a part of `body`, not a copy.
 *
 * @throws MalformedFrameError when the body is no such message.
 */
export const decodeEmulationRequest = (body: Uint8Array): EmulationRequest =>
  new WireReader(body).fields({ node: '', session: '', data: nothing }, readField)
