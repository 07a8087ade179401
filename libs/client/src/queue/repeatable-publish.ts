import { UnavailableError, UnknownOutcomeError } from '@natter/primitives'
import type { Centrifuge } from 'centrifuge'
import { clientError, RefusedError } from '../errors/client-errors.js'
import type { Attempt, Outgoing, Published } from './publish-queue.js'

/** The gateways' own method: a publish with a key. docs/protocol.md 9 */
export const publishMethod = 'natter.publish'

/** One attempt to publish, for the queue. */
export function repeatable(sdk: Pick<Centrifuge, 'rpc'>): (outgoing: Outgoing) => Promise<Attempt> {
  return async ({ channel, data, key }) => {
    try {
      const reply = await sdk.rpc(publishMethod, { channel, data, key })
      return { kind: 'stored', published: publishedOf(reply.data as StreamPlace | undefined) }
    } catch (error) {
      const known = clientError(error)
      return isAgain(known) ? { kind: 'again' } : { kind: 'refused', error: known }
    }
  }
}

/** What nobody answered, and "not now"; anything else would fail the same way. */
const isAgain = (error: Error): boolean =>
  error instanceof RefusedError
    ? error.isTemporary
    : error instanceof UnavailableError || error instanceof UnknownOutcomeError

type StreamPlace = Partial<NonNullable<Published['position']>>

function publishedOf({ offset, epoch }: StreamPlace = {}): Published {
  return offset === undefined || epoch === undefined ? {} : { position: { offset, epoch } }
}
