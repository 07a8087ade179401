/**
 * Publications that an app, or what it said before, decides about: a slower way than `publish.ts`, taken where it has to be.
 *
 * A1. Apps are asked about several publications of a connection at once; what they allow is handed to the log in the order of the
 *     commands, for each channel (`PublishOrder`).
 * A2. Names, limits and the data's form hold before anybody is asked; what an app puts in the data's place has to hold them too.
 * A3. Who has gone meanwhile publishes nothing.
 */
import { acceptsData, canAskPublish, mayPublish, type Namespace } from '@natter/auth'
import { Errors, type Bytes, type ChannelName } from '@natter/protocol'
import { BrokenAnswerError, bytesFor } from '../../hooks/app-json.js'
import { callerOf } from '../../hooks/caller.js'
import { inTime } from '../command-deadline.js'
import { CommandError } from '../command-error.js'
import type { Connection } from '../connection.js'
import type { Services } from '../services.js'
import { demand, questionOf } from './question.js'

/** Whether a publication has to come this way. */
export function isAsked(
  services: Services,
  connection: Connection,
  { name, namespace }: ChannelName,
): boolean {
  if (services.publishOrder.isWaiting(connection, name)) return true // A1: nobody overtakes
  const { terms, info } = services.hub.subscription(connection, name) ?? {}
  if (terms?.grant !== undefined || info?.chanInfo !== undefined) return true
  return services.hooks.isDemanded('publish', namespace)
}

export async function publishAsked(
  services: Services,
  connection: Connection,
  id: number,
  request: { channel: string; data?: Bytes },
): Promise<void> {
  const { channel } = request
  const place = services.publishOrder.enter(connection, channel)
  try {
    const { namespace, data } = await inTime(services.clock, async () => {
      const verdict = await decide(services, connection, request)
      await place.before
      return verdict
    })
    services.revocations.demandRead()
    if (!connection.isConnected) return // A3
    const sender = connection.senderOf(data, services.hub.subscription(connection, channel)?.info.chanInfo)
    const stored = new Promise<void>((resolve, failed) => {
      services.publisher.publish(channel, namespace, data, sender, { published: () => resolve(), failed })
    })
    place.done() // it is with the log: the next one may follow
    await stored
    connection.reply({ id, publish: {} })
  } finally {
    place.done()
  }
}

async function decide(
  services: Services,
  connection: Connection,
  { channel, data }: { channel: string; data?: Bytes },
): Promise<{ namespace: Namespace; data: Bytes }> {
  const { hooks, hub, clock, options } = services
  const question = questionOf(services, connection, channel)
  const subscription = hub.subscription(connection, channel)
  const isDemanded = hooks.isDemanded('publish', question.channel.namespace)
  const grant = question.isSubscribed ? subscription?.terms?.grant : undefined
  const namespace = demand(isDemanded || grant !== undefined ? canAskPublish : mayPublish, question)
  if (data === undefined || !acceptsData(namespace, data)) throw new CommandError(Errors.badRequest) // A2
  const said = grant?.take(clock.now())
  if (said === 'deny') throw new CommandError(Errors.permissionDenied)
  if (said === 'allow') return { namespace, data }
  if (!isDemanded) return { namespace: demand(mayPublish, question), data }
  const caller = callerOf(connection, options.name)
  const decision = await hooks.ask({ kind: 'publish', caller, namespace: namespace.name, channel, data })
  if (decision.data === undefined) return { namespace, data }
  return { namespace, data: rewritten(namespace, bytesFor(connection.wire.codec, decision.data)) }
}

function rewritten(namespace: Namespace, data: Bytes): Bytes {
  if (!acceptsData(namespace, data))
    throw new BrokenAnswerError('an app answered data that its namespace does not take')
  return data
}
