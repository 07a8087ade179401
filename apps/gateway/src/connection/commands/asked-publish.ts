/**
 * Publications that an app, or what it said before, decides about: a slower way than `publish.ts`, taken where it has to be.
 *
 * A1. Apps are asked about several publications of a connection at once; what they allow is handed to the log in the order of the
 *     commands, for each channel (`PublishOrder`).
 * A2. Names, limits and the data's form hold before anybody is asked; what an app puts in the data's place has to hold them too.
 * A3. Who has gone meanwhile publishes nothing.
 * A4. What is to be stored once is so for one user in one channel: nobody swallows another's publication. Ids that clients choose begin
 *     with `"` or `#`, those of apps with `api`, keys of `natter.publish` with `once`.
 */
import { acceptsData, canAskPublish, mayPublish, type Namespace } from '@natter/auth'
import { Errors, type Bytes, type ChannelName } from '@natter/protocol'
import { publicationMessageId } from '@natter/broker'
import { BrokenAnswerError, bytesFor } from '../../hooks/app-json.js'
import { callerOf } from '../../hooks/caller.js'
import type { PublishDecision } from '../../hooks/hooks.js'
import type { Sender } from '../../publishing/publisher.js'
import { inTime } from '../command-deadline.js'
import { CommandError } from '../command-error.js'
import type { Connection, PublicationMarks } from '../connection.js'
import type { Services } from '../services.js'
import { placed, type Place } from './place.js'
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
  request: AskedPublication,
): Promise<void> {
  if ((await storeAsked(services, connection, request)) !== undefined) connection.reply({ id, publish: {} })
}

interface AskedPublication {
  readonly channel: string
  readonly data?: Bytes
  /** The client's own, where its command has one; an app's word goes before it. */
  readonly messageId?: string
}

/** Where it was stored; undefined = nothing was published, since the client has gone. */
export async function storeAsked(
  services: Services,
  connection: Connection,
  request: AskedPublication,
): Promise<Place | undefined> {
  const { channel, messageId } = request
  const place = services.publishOrder.enter(connection, channel)
  try {
    const { namespace, data, said } = await inTime(services.clock, async () => {
      const verdict = await decide(services, connection, request)
      await place.before
      return verdict
    })
    services.revocations.demandRead()
    if (!connection.isConnected) return undefined // A3
    const chanInfo = services.hub.subscription(connection, channel)?.info.chanInfo
    const sender = senderOf(connection, { channel, data, chanInfo, said, messageId })
    const stored = placed(services.publisher, { channel, namespace, data, sender })
    place.done() // it is with the log: the next one may follow
    return await stored
  } finally {
    place.done()
  }
}

async function decide(
  services: Services,
  connection: Connection,
  { channel, data }: { channel: string; data?: Bytes },
): Promise<{ namespace: Namespace; data: Bytes; said?: PublishDecision }> {
  const { hooks, hub, clock, options } = services
  const question = questionOf(services, connection, channel)
  const subscription = hub.subscription(connection, channel)
  const isDemanded = hooks.isDemanded('publish', question.channel.namespace)
  const grant = question.isSubscribed ? subscription?.terms?.grant : undefined
  const namespace = demand(isDemanded || grant !== undefined ? canAskPublish : mayPublish, question)
  if (data === undefined || !acceptsData(namespace, data)) throw new CommandError(Errors.badRequest) // A2
  const granted = grant?.take(clock.now())
  if (granted === 'deny') throw new CommandError(Errors.permissionDenied)
  if (granted === 'allow') return { namespace, data }
  if (!isDemanded) return { namespace: demand(mayPublish, question), data }
  const caller = callerOf(connection, options.name)
  const said = await hooks.ask<'publish'>(
    { kind: 'publish', caller, namespace: namespace.name, channel, data },
    connection,
  )
  if (said.data === undefined) return { namespace, data, said }
  return { namespace, data: rewritten(namespace, bytesFor(connection.wire.codec, said.data)), said }
}

interface Publishing {
  readonly channel: string
  readonly data: Bytes
  readonly chanInfo: Bytes | undefined
  readonly said: PublishDecision | undefined
  readonly messageId: string | undefined
}

/** A4. */
function senderOf(connection: Connection, { channel, data, chanInfo, said, messageId }: Publishing): Sender {
  const { tags, delta, skipsHistory: isPassing, idempotencyKey: key } = said ?? {}
  const isMarked = tags !== undefined || delta === true || isPassing === true
  const marks: PublicationMarks = {
    ...(tags === undefined ? {} : { tags }),
    ...(delta === true ? { delta } : {}),
    ...(isPassing === true ? { isPassing } : {}),
  }
  const { user, meta } = connection.senderOf(data, chanInfo, isMarked ? marks : undefined)
  if (isPassing === true) return { user, meta, isPassing }
  if (key === undefined) return messageId === undefined ? { user, meta } : { user, meta, messageId }
  return { user, meta, messageId: publicationMessageId({ user, channel, value: `hook ${key}` }) }
}

function rewritten(namespace: Namespace, data: Bytes): Bytes {
  if (!acceptsData(namespace, data))
    throw new BrokenAnswerError('an app answered data that its namespace does not take')
  return data
}
