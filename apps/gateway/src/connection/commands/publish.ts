import { acceptsData, mayPublish } from '@natter/auth'
import { Errors, type Bytes } from '@natter/protocol'
import type { PublicationEnd } from '../../publishing/publisher.js'
import { answerError, CommandError } from '../command-error.js'
import type { Connection } from '../connection.js'
import type { Services } from '../services.js'
import { isUnsupported } from '../unsupported.js'
import { isAsked, publishAsked } from './asked-publish.js'
import { lastTurn } from '../turns.js'
import { demand, questionOf } from './question.js'

interface PublishRequest {
  channel: string
  data?: Bytes
  type?: number
}

/**
 * `publish` [9]: answered after the log stored it (durable) or after it was sent (ephemeral). A promise only where it has to wait for
 * the subscription that may permit it (D1 of dispatch), or for an app.
 */
export function publishCommand(
  services: Services,
  connection: Connection,
  id: number,
  request: PublishRequest,
): Promise<void> | undefined {
  const last = lastTurn(services.hub.subscription(connection, request.channel))
  if (last?.isJoining === true) {
    return last.settled.then(() => {
      services.revocations.demandRead()
      return publish(services, connection, id, request)
    })
  }
  return publish(services, connection, id, request)
}

function publish(
  services: Services,
  connection: Connection,
  id: number,
  request: PublishRequest,
): Promise<void> | undefined {
  if (!connection.isConnected) return undefined // it went away meanwhile, and its identity with it
  const { channel, data } = request
  if (isUnsupported(services, 'publish', request.type)) throw new CommandError(Errors.notAvailable)
  const question = questionOf(services, connection, channel)
  if (isAsked(services, connection, question.channel)) return publishAsked(services, connection, id, request)
  const namespace = demand(mayPublish, question)
  if (data === undefined || !acceptsData(namespace, data)) throw new CommandError(Errors.badRequest)
  const reply = new PublishReply(services, connection, id)
  try {
    services.publisher.publish(channel, namespace, data, connection.senderOf(data), reply)
  } catch (error) {
    reply.failed(error) // D2 of dispatch
  }
  return undefined
}

/** The reply that a client is owed; until then the command is in flight. */
class PublishReply implements PublicationEnd {
  constructor(
    private readonly services: Services,
    private readonly connection: Connection,
    private readonly id: number,
  ) {
    connection.inFlight += 1
  }

  published(): void {
    this.connection.inFlight -= 1
    this.connection.reply({ id: this.id, publish: {} })
  }

  failed(error: unknown): void {
    this.connection.inFlight -= 1
    answerError(this.services, this.connection, this.id, 'publish', error)
  }
}
