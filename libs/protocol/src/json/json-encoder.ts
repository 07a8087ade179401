/**
 * From replies and pushes to JSON text, by concatenation: `data` and its kin go in as the text they are.
 *
 * E1. Zero values are left out, but for the fields that the wire always has [2.2].
 * E2. A frame is one line: no raw newline gets in with embedded JSON.
 * E3. Every name that a user chose goes through `JSON.stringify`, also as a key.
 */
import type {
  Bytes,
  ClientInfo,
  ConnectResult,
  ErrorReply,
  HistoryResult,
  Publication,
  Push,
  Reply,
  SubscribeResult,
} from '../messages.js'
import { decodeUtf8, encodeUtf8 } from '../utf8.js'
import { toSingleLine } from './json-text.js'

/** Members start with a comma each; the first one's is cut when they become an object. */
const object = (members: string): string => (members === '' ? '{}' : `{${members.slice(1)}}`)
const member = (name: string, json: string): string => `,"${name}":${json}`

const text = (name: string, value: string | undefined): string =>
  value ? member(name, JSON.stringify(value)) : ''
const number = (name: string, value: number | undefined): string => (value ? member(name, String(value)) : '')
const flag = (name: string, value: boolean | undefined): string => (value ? member(name, 'true') : '')
const raw = (name: string, value: Bytes | undefined): string =>
  value && value.length > 0 ? member(name, toSingleLine(value)) : ''

function map<T>(entries: Readonly<Record<string, T>>, encode: (value: T) => string): string {
  let members = ''
  for (const [key, value] of Object.entries(entries)) members += `,${JSON.stringify(key)}:${encode(value)}`
  return object(members)
}

function mapUnlessEmpty<T>(
  name: string,
  entries: Readonly<Record<string, T>> | undefined,
  encode: (value: T) => string,
): string {
  const json = entries ? map(entries, encode) : '{}'
  return json === '{}' ? '' : member(name, json)
}

const clientInfo = (info: ClientInfo): string =>
  object(
    member('user', JSON.stringify(info.user)) +
      member('client', JSON.stringify(info.client)) +
      raw('conn_info', info.connInfo) +
      raw('chan_info', info.chanInfo),
  )

const publication = (pub: Publication): string =>
  object(
    raw('data', pub.data) +
      (pub.info ? member('info', clientInfo(pub.info)) : '') +
      number('offset', pub.offset) +
      mapUnlessEmpty('tags', pub.tags, JSON.stringify) +
      flag('delta', pub.delta) +
      number('time', pub.time),
  )

const publications = (list: readonly Publication[]): string => `[${list.map(publication).join(',')}]`

const error = ({ code, message, temporary }: ErrorReply): string =>
  object(number('code', code) + text('message', message) + flag('temporary', temporary))

const subscribeResult = (result: SubscribeResult): string =>
  object(
    flag('expires', result.expires) +
      number('ttl', result.ttl) +
      flag('recoverable', result.recoverable) +
      text('epoch', result.epoch) +
      (result.publications?.length ? member('publications', publications(result.publications)) : '') +
      flag('recovered', result.recovered) +
      number('offset', result.offset) +
      flag('positioned', result.positioned) +
      raw('data', result.data) +
      flag('was_recovering', result.was_recovering) +
      flag('delta', result.delta),
  )

const connectResult = (result: ConnectResult): string =>
  object(
    text('client', result.client) +
      text('version', result.version) +
      flag('expires', result.expires) +
      number('ttl', result.ttl) +
      raw('data', result.data) +
      mapUnlessEmpty('subs', result.subs, subscribeResult) +
      number('ping', result.ping) +
      flag('pong', result.pong) +
      text('session', result.session) +
      text('node', result.node) +
      number('time', result.time),
  )

const lifetime = ({ expires, ttl }: { expires?: boolean; ttl?: number }): string =>
  flag('expires', expires) + number('ttl', ttl)

const codeAndReason = ({ code, reason }: { code: number; reason: string }): string =>
  object(number('code', code) + text('reason', reason))

const historyResult = (result: HistoryResult): string =>
  object(
    member('publications', publications(result.publications)) +
      member('epoch', JSON.stringify(result.epoch)) +
      member('offset', String(result.offset)),
  )

/** The one result of a reply, as a member named by its method. */
function outcome(reply: Reply): string {
  if ('error' in reply) return member('error', error(reply.error))
  if ('connect' in reply) return member('connect', connectResult(reply.connect))
  if ('subscribe' in reply) return member('subscribe', subscribeResult(reply.subscribe))
  if ('unsubscribe' in reply) return member('unsubscribe', '{}')
  if ('publish' in reply) return member('publish', '{}')
  if ('presence' in reply)
    return member('presence', object(member('presence', map(reply.presence.presence, clientInfo))))
  if ('presence_stats' in reply) {
    const { num_clients: clients, num_users: users } = reply.presence_stats
    return member('presence_stats', `{"num_clients":${clients},"num_users":${users}}`)
  }
  if ('history' in reply) return member('history', historyResult(reply.history))
  if ('rpc' in reply) return member('rpc', object(raw('data', reply.rpc.data)))
  if ('sub_refresh' in reply) return member('sub_refresh', object(lifetime(reply.sub_refresh)))
  const { client, version } = reply.refresh
  return member(
    'refresh',
    object(text('client', client) + text('version', version) + lifetime(reply.refresh)),
  )
}

/** The acknowledgement of a publish is most of all replies. */
export const encodeReply = (reply: Reply): string =>
  'publish' in reply && reply.id !== 0
    ? `{"id":${reply.id},"publish":{}}`
    : object(number('id', reply.id) + outcome(reply))

function pushed(push: Push): string {
  if ('pub' in push) return member('pub', publication(push.pub))
  if ('join' in push) return member('join', `{"info":${clientInfo(push.join.info)}}`)
  if ('leave' in push) return member('leave', `{"info":${clientInfo(push.leave.info)}}`)
  if ('subscribe' in push) return member('subscribe', subscribeResult(push.subscribe))
  if ('unsubscribe' in push) return member('unsubscribe', codeAndReason(push.unsubscribe))
  if ('message' in push) return member('message', object(raw('data', push.message.data)))
  if ('connect' in push) return member('connect', connectResult(push.connect))
  if ('disconnect' in push) return member('disconnect', codeAndReason(push.disconnect))
  return member('refresh', object(lifetime(push.refresh)))
}

/** Without the reply around it: what a unidirectional client gets. [16] */
export const encodeBarePush = (push: Push): string =>
  object(('channel' in push ? text('channel', push.channel) : '') + pushed(push))

export const encodePush = (push: Push): string => `{"push":${encodeBarePush(push)}}`

/** The text of the JSON, as a JSON string: [8] wants it so where patches, which are no JSON, may come instead. */
export const quote = (json: Bytes): Bytes => encodeUtf8(JSON.stringify(decodeUtf8(json)))
