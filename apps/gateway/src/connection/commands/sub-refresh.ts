import { Errors } from '@natter/protocol'
import { CommandError } from '../command-error.js'
import type { Connection } from '../connection.js'
import type { Services } from '../services.js'
import { isUnsupported } from '../unsupported.js'

/** `sub_refresh` [9.14]: no subscription here has a token that its client could renew. */
export function subRefreshCommand(
  { hub, events }: Pick<Services, 'hub' | 'events'>,
  connection: Connection,
  { channel, token = '', type }: { channel: string; token?: string; type?: number },
): never {
  if (isUnsupported({ events }, 'sub_refresh', type)) throw new CommandError(Errors.notAvailable)
  if (hub.subscription(connection, channel) === undefined) throw new CommandError(Errors.permissionDenied)
  throw new CommandError(token === '' ? Errors.badRequest : Errors.notAvailable)
}
