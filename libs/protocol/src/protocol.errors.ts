import { InvalidError } from '@natter/primitives'

/** A message that is not what the codec reads. The connection is closed with 3501; nothing of the message was handled. */
export class MalformedFrameError extends InvalidError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('malformed-frame', message, options)
  }
}
