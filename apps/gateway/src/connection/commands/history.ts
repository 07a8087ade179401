import { Errors, type HistoryRequest } from '@natter/protocol'
import { inTime } from '../command-deadline.js'
import { CommandError } from '../command-error.js'
import type { Connection } from '../connection.js'
import { canBeShown } from '../publications.js'
import type { Services } from '../services.js'
import { demandFromApp } from './question.js'

/** `history` [9]. */
export async function historyCommand(
  services: Services,
  connection: Connection,
  id: number,
  request: HistoryRequest,
): Promise<void> {
  if (request.reverse === true && request.since?.offset === 0) throw new CommandError(Errors.badRequest)
  const page = services.options.client.historyPage
  const asked = request.limit ?? 0
  const limit = asked < 0 || asked > page ? page : asked
  const query = {
    limit,
    isReverse: request.reverse === true,
    ...(request.since === undefined ? {} : { since: request.since }),
  }
  const result = await inTime(services.clock, async (isWanted) => {
    const namespace = await demandFromApp(services, connection, 'history', request.channel)
    return services.history.read(request.channel, namespace, query, isWanted)
  })
  if (result === 'other-epoch') throw new CommandError(Errors.unrecoverablePosition)
  if (canBeShown(connection, result.publications)) connection.reply({ id, history: result })
}
