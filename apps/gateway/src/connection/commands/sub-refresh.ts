import { Errors } from '@natter/protocol'
import { CommandError } from '../command-error.js'
import type { Connection } from '../connection.js'
import type { Services } from '../services.js'

/** `sub_refresh` [9.14]: no subscription here has a token that its client could renew. */
export function subRefreshCommand(
  { hub }: Pick<Services, 'hub'>,
  connection: Connection,
  { channel, token = '' }: { channel: string; token?: string },
): never {
  if (hub.subscription(connection, channel) === undefined) throw new CommandError(Errors.permissionDenied)
  throw new CommandError(token === '' ? Errors.badRequest : Errors.notAvailable)
}
