import { mayHistory } from '@natter/auth'
import { Errors, type HistoryRequest } from '@natter/protocol'
import { inTime } from '../command-deadline.js'
import { CommandError } from '../command-error.js'
import type { Connection } from '../connection.js'
import type { Services } from '../services.js'
import { demand, questionOf } from './question.js'

/** `history` [9]. */
export async function historyCommand(
  services: Services,
  connection: Connection,
  id: number,
  request: HistoryRequest,
): Promise<void> {
  const namespace = demand(mayHistory, questionOf(services, connection, request.channel))
  if (request.reverse === true && request.since?.offset === 0) throw new CommandError(Errors.badRequest)
  const page = services.options.client.historyPage
  const asked = request.limit ?? 0
  const limit = asked < 0 || asked > page ? page : asked
  const query = {
    limit,
    isReverse: request.reverse === true,
    ...(request.since === undefined ? {} : { since: request.since }),
  }
  const result = await inTime(services.clock, (isWanted) =>
    services.history.read(request.channel, namespace, query, isWanted),
  )
  if (result === 'other-epoch') throw new CommandError(Errors.unrecoverablePosition)
  connection.reply({ id, history: result })
}
