/**
 * `natter.publish` [9.18]: a publish that its client may repeat, as an rpc of the gateway itself, since the command `publish` has no
 * place for a key.
 *
 * O1. Who may publish, what an app says of it, and the order of a connection's publications are those of `publish`; both are one line.
 * O2. The key counts for one user in one channel, and never meets an id that data, apps or hooks name: it has a mark of its own.
 * O3. Anonymous clients are one user, and one could take another's key: for them the data are part of it, so that nobody's publication
 *     is taken for another one.
 * O4. What isn't kept has no place, and a repeat is a second publication: the answer is `{}`.
 */
import { acceptsData, mayPublish } from '@natter/auth'
import { publicationMessageId } from '@natter/broker'
import { Errors, isJson, jsonFields, type Bytes } from '@natter/protocol'
import { CommandError } from '../command-error.js'
import type { Connection } from '../connection.js'
import type { Services } from '../services.js'
import { lastTurn } from '../turns.js'
import { isAsked, storeAsked } from './asked-publish.js'
import { placed, type Place } from './place.js'
import { demand, questionOf } from './question.js'

export const publishOnceMethod = 'natter.publish'

const maxKeyLength = 128

interface PublishOnce {
  readonly channel: string
  readonly data: Bytes
  readonly key: string
}

/** Its reply is `{ offset, epoch }`: of the first time. */
export async function publishOnce(
  services: Services,
  connection: Connection,
  id: number,
  body: Bytes | undefined,
): Promise<void> {
  const request = parse(body)
  const last = lastTurn(services.hub.subscription(connection, request.channel))
  if (last?.isJoining === true) {
    await last.settled // it may permit it
    services.revocations.demandRead()
  }
  if (!connection.isConnected) return
  const messageId = messageIdOf(connection, request)
  const place = isAsked(services, connection, questionOf(services, connection, request.channel).channel)
    ? await storeAsked(services, connection, { ...request, messageId })
    : await storeAtOnce(services, connection, request, messageId)
  if (place === undefined || !connection.isConnected) return
  connection.reply({ id, rpc: { data: bytes(JSON.stringify(place)) } })
}

function storeAtOnce(
  services: Services,
  connection: Connection,
  { channel, data }: PublishOnce,
  messageId: string,
): Promise<Place> {
  const namespace = demand(mayPublish, questionOf(services, connection, channel))
  if (!acceptsData(namespace, data)) throw new CommandError(Errors.badRequest)
  const { user, meta } = connection.senderOf(data)
  return placed(services.publisher, { channel, namespace, data, sender: { user, meta, messageId } })
}

/** O2, O3. */
function messageIdOf({ user }: Connection, { channel, data, key }: PublishOnce): string {
  const value = user === '' ? `once ${key} ${text(data)}` : `once ${key}`
  return publicationMessageId({ user, channel, value })
}

/** @throws CommandError 107: not exactly `channel`, `data` and `key`. Data are passed on as they were written. */
function parse(body: Bytes | undefined): PublishOnce {
  if (body === undefined || !isJson(body)) throw new CommandError(Errors.badRequest)
  const written = text(body)
  const fields = jsonFields(written)
  const raw = (name: string): string | undefined => {
    const span = fields.get(name)
    return span === undefined ? undefined : written.slice(span.start, span.end)
  }
  const [channel, key, data] = [textOf(raw('channel')), textOf(raw('key')), raw('data')]
  if (
    channel === undefined ||
    key === undefined ||
    data === undefined ||
    fields.size !== 3 ||
    key.length > maxKeyLength
  )
    throw new CommandError(Errors.badRequest)
  return { channel, key, data: bytes(data) }
}

/** Of a JSON value that is a text with something in it. */
function textOf(json: string | undefined): string | undefined {
  const value: unknown = json === undefined ? undefined : JSON.parse(json)
  return typeof value === 'string' && value !== '' ? value : undefined
}

const text = (data: Bytes): string => new TextDecoder().decode(data)
const bytes = (data: string): Bytes => new TextEncoder().encode(data)
