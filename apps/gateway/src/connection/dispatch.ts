import { Disconnects, Errors, Limits, MalformedFrameError, type Command } from '@natter/protocol'
import { UnavailableError } from '@natter/primitives'
import { answerError } from './command-error.js'
import { historyCommand } from './commands/history.js'
import { presenceCommand, presenceStatsCommand } from './commands/presence.js'
import { publishCommand } from './commands/publish.js'
import { rpcCommand, sendCommand } from './commands/rpc.js'
import { subscribeCommand } from './commands/subscribe.js'
import { subRefreshCommand } from './commands/subscription-token.js'
import { unsubscribeCommand } from './commands/unsubscribe.js'
import type { Connection } from './connection.js'
import { connect, refresh } from './handshake.js'
import type { MessageHandler } from './intake.js'
import type { Services } from './services.js'

/**
 * From messages to commands; when, is the intake's matter. [3]
 *
 * D1. Commands of a connection start in the order they came; those that wait for NATS finish later, out of order, so that
 *     a slow channel does not hold back the others. What must not overtake (an unsubscribe its subscribe, a publish the
 *     subscribe that permits it) waits for the subscription's answer, not for all that it missed.
 * D2. Whatever a handler throws becomes one reply, or the end of the connection: no command stays unanswered, nothing reaches the process.
 * D3. Work per connection is bounded: past `maxInFlight` the answer is 111, and so it is past what a user may send over all connections;
 *     leaving a channel always works, as SDKs that may not leave end the connection. How much it may send at all: intake.ts.
 * D4. While nobody knows who has been revoked meanwhile, nothing is begun: commands wait, and are put off when that takes too long
 *     (revocation/revocations.ts). What isn't a question is taken, and who leaves may (D3).
 */
export function createMessageHandler(services: Services): MessageHandler {
  return {
    decode: (connection, message) => decode(services, connection, message),
    take: (connection, command) => {
      if (services.revocations.isRefusing) putOff(services, connection, command)
      else take(services, connection, command)
    },
  }
}

function decode(services: Services, connection: Connection, message: Uint8Array): readonly Command[] {
  try {
    return connection.wire.codec.decode(message)
  } catch (error) {
    if (!(error instanceof MalformedFrameError))
      services.events.emit('command:error', { method: 'decode', code: 3501, cause: error })
    connection.disconnect(Disconnects.badRequest)
    return []
  }
}

function take(services: Services, connection: Connection, command: Command): void {
  switch (connection.kind) {
    case 'awaiting':
      if (command.method !== 'connect') return connection.disconnect(Disconnects.badRequest)
      connection.startConnecting()
      return run(
        services,
        connection,
        command.id,
        'connect',
        connect(services, connection, command.id, command.request),
      )
    case 'connecting':
      if (command.method === 'connect' || command.method === 'pong')
        return connection.disconnect(Disconnects.badRequest)
      if (connection.hold(command, services.options.client.maxInFlight) === 'full') {
        services.events.emit('limit:exceeded', { limit: 'commands-held' })
        connection.disconnect(Disconnects.tooManyRequests)
      }
      return
    case 'connected':
      return dispatch(services, connection, command)
    case 'refused':
      return connection.disconnect(Disconnects.badRequest)
    case 'closed':
  }
}

/** D4. */
function putOff(services: Services, connection: Connection, command: Command): void {
  const { kind } = connection
  const isQuestion = !['pong', 'unknown', 'unsubscribe'].includes(command.method)
  const isFirst = kind === 'awaiting' && command.method === 'connect'
  if (!isQuestion || (!isFirst && kind !== 'connected')) return take(services, connection, command)
  if (isFirst) {
    connection.startConnecting()
    connection.refused()
  }
  if (command.method === 'send') return // at most once
  answerError(services, connection, command.id, command.method, notRead())
}

const notRead = (): UnavailableError =>
  new UnavailableError('revocations-unread', 'It isn’t known now who was revoked. Try again.')

export function dispatch(services: Services, connection: Connection, command: Command): void {
  if (!connection.isConnected) return // closed by a command before this one: nothing more is handled
  if (command.method === 'pong') {
    if (!services.heartbeat.onPong(connection)) connection.disconnect(Disconnects.badRequest)
    return
  }
  if (connection.inFlight >= services.options.client.maxInFlight) {
    services.events.emit('limit:exceeded', { limit: 'commands-in-flight' })
    return refuse(services, connection, command) // D3
  }
  if (command.method !== 'unsubscribe' && !services.limits.takeCommand(connection.user))
    return refuse(services, connection, command) // D3
  try {
    const work = handle(services, connection, command)
    if (work !== undefined) run(services, connection, command.id, command.method, work)
  } catch (error) {
    answerError(services, connection, command.id, command.method, error) // D2
  }
}

function refuse({ events }: Services, connection: Connection, { id, method }: Command): void {
  events.emit('command:error', { method, code: Errors.tooManyRequests.code, cause: undefined })
  if (method !== 'send') connection.reply({ id, error: Errors.tooManyRequests })
}

function handle(
  services: Services,
  connection: Connection,
  command: Exclude<Command, { method: 'pong' }>,
): Promise<void> | undefined {
  const { id } = command
  if ('request' in command && 'channel' in command.request) {
    const { channel } = command.request
    if (channel === '') return void connection.disconnect(Disconnects.badRequest) // [3.6]
    if (isTooLong(channel)) services.events.emit('limit:exceeded', { limit: 'channel-name' }) // refused with the names that are none
  }
  switch (command.method) {
    case 'subscribe':
      return subscribeCommand(services, connection, id, command.request)
    case 'unsubscribe':
      return unsubscribeCommand(services, connection, id, command.request.channel)
    case 'publish':
      return publishCommand(services, connection, id, command.request)
    case 'presence':
      return presenceCommand(services, connection, id, command.request.channel)
    case 'presence_stats':
      return presenceStatsCommand(services, connection, id, command.request.channel)
    case 'history':
      return historyCommand(services, connection, id, command.request)
    case 'refresh':
      return refresh(services, connection, id, command.request.token ?? '')
    case 'rpc':
      return rpcCommand(services, connection, id, command.request)
    case 'send':
      return void sendCommand(services, connection, command.request.data)
    case 'sub_refresh':
      return subRefreshCommand(services, connection, id, command.request)
    case 'connect':
    case 'unknown':
      return void connection.disconnect(Disconnects.badRequest)
  }
}

/** No character has more than three bytes. */
const isTooLong = (channel: string): boolean =>
  channel.length * 3 > Limits.maxChannelBytes && Buffer.byteLength(channel) > Limits.maxChannelBytes

/** D2. */
function run(
  services: Services,
  connection: Connection,
  id: number,
  method: string,
  work: Promise<void>,
): void {
  connection.inFlight += 1
  work
    .catch((error: unknown) => answerError(services, connection, id, method, error))
    .finally(() => {
      connection.inFlight -= 1
    })
    .catch(() => {})
}
