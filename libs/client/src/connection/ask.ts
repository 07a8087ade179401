import type { Centrifuge } from 'centrifuge'
import { clientError, notConnected } from '../errors/client-errors.js'

/** Asks the server, once there is a connection, and says in our words what went wrong. */
export type Ask = <T>(question: () => Promise<T>) => Promise<T>

/**
 * @param patienceMs How long to wait for a connection; then it is certain that nothing was asked (`not-connected`), which the SDK's own
 *   timeout leaves open.
 */
export function asker(sdk: Pick<Centrifuge, 'state' | 'ready'>, patienceMs: number): Ask {
  return async (question) => {
    if ((sdk.state as string) !== 'connected') await sdk.ready(patienceMs).catch(refuse)
    return await question().catch(rethrow)
  }
}

const refuse = (cause: unknown): never => {
  throw notConnected(cause)
}

const rethrow = (error: unknown): never => {
  throw clientError(error)
}
