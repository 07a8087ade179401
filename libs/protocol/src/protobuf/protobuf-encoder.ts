/**
 * From replies and pushes to Protobuf. Each message is written from its last field to its first (`WireWriter`), so that fields stand
 * in the order of their numbers. Field numbers are those of the SDKs' schema (docs/protocol.md). [18]
 *
 * E1. `data` and its kin go in as the bytes they are, copied once.
 * E2. A result is there even when it is empty: that it is there is what it says.
 */
import type {
  ClientInfo,
  ConnectResult,
  ErrorReply,
  HistoryResult,
  Publication,
  Push,
  Reply,
  SubscribePush,
  SubscribeResult,
} from '../messages.js'
import { WireWriter } from './wire-writer.js'

/** One for all: a frame is begun and ended without a pause. */
const writer = new WireWriter()

function message<T>(field: number, value: T, write: (value: T) => void): void {
  const mark = writer.written
  write(value)
  writer.closeMessage(field, mark) // E2
}

function list<T>(field: number, values: readonly T[] | undefined, write: (value: T) => void): void {
  if (values === undefined) return
  for (let index = values.length - 1; index >= 0; index -= 1) message(field, values[index] as T, write)
}

function map<T>(
  field: number,
  entries: Readonly<Record<string, T>> | undefined,
  write: (value: T) => void,
): void {
  if (entries === undefined) return
  const keys = Object.keys(entries)
  for (let index = keys.length - 1; index >= 0; index -= 1) {
    const key = keys[index] as string
    const mark = writer.written
    write(entries[key] as T)
    writer.entryText(1, key)
    writer.closeMessage(field, mark)
  }
}

function writeError({ code, message: text, temporary }: ErrorReply): void {
  writer.flag(3, temporary)
  writer.text(2, text)
  writer.number(1, code)
}

function writeInfo(info: ClientInfo): void {
  writer.data(4, info.chanInfo)
  writer.data(3, info.connInfo)
  writer.text(2, info.client)
  writer.text(1, info.user)
}

const writeTag = (value: string): void => writer.entryText(2, value)

function writePublication(pub: Publication): void {
  writer.number(9, pub.time)
  writer.flag(8, pub.delta)
  map(7, pub.tags, writeTag)
  writer.number(6, pub.offset)
  if (pub.info) message(5, pub.info, writeInfo)
  writer.data(4, pub.data)
}

function writeSubscribeResult(result: SubscribeResult): void {
  writer.flag(13, result.delta)
  writer.flag(12, result.was_recovering)
  writer.data(11, result.data)
  writer.flag(10, result.positioned)
  writer.number(9, result.offset)
  writer.flag(8, result.recovered)
  list(7, result.publications, writePublication)
  writer.text(6, result.epoch)
  writer.flag(3, result.recoverable)
  writer.number(2, result.ttl)
  writer.flag(1, result.expires)
}

const writeSubscription = (result: SubscribeResult): void => message(2, result, writeSubscribeResult)

function writeConnectResult(result: ConnectResult): void {
  writer.number(11, result.time)
  writer.text(10, result.node)
  writer.text(9, result.session)
  writer.flag(8, result.pong)
  writer.number(7, result.ping)
  map(6, result.subs, writeSubscription)
  writer.data(5, result.data)
  writer.number(4, result.ttl)
  writer.flag(3, result.expires)
  writer.text(2, result.version)
  writer.text(1, result.client)
}

/** The same as the result, under other numbers. */
function writeConnectPush(result: ConnectResult): void {
  writer.number(11, result.time)
  writer.text(10, result.node)
  writer.text(9, result.session)
  writer.flag(8, result.pong)
  writer.number(7, result.ping)
  writer.number(6, result.ttl)
  writer.flag(5, result.expires)
  map(4, result.subs, writeSubscription)
  writer.data(3, result.data)
  writer.text(2, result.version)
  writer.text(1, result.client)
}

function writeSubscribePush(push: SubscribePush): void {
  writer.data(7, push.data)
  writer.flag(6, push.positioned)
  writer.number(5, push.offset)
  writer.text(4, push.epoch)
  writer.flag(1, push.recoverable)
}

function writeLifetime({ expires, ttl }: { expires?: boolean; ttl?: number }): void {
  writer.number(2, ttl)
  writer.flag(1, expires)
}

function writeRefreshResult(result: Extract<Reply, { refresh: unknown }>['refresh']): void {
  writer.number(4, result.ttl)
  writer.flag(3, result.expires)
  writer.text(2, result.version)
  writer.text(1, result.client)
}

function writeHistoryResult({ publications, epoch, offset }: HistoryResult): void {
  writer.number(3, offset)
  writer.text(2, epoch)
  list(1, publications, writePublication)
}

const writeClient = (info: ClientInfo): void => message(2, info, writeInfo)
const writePresence = ({ presence }: { presence: Readonly<Record<string, ClientInfo>> }): void =>
  map(1, presence, writeClient)

function writeCounts(counts: { num_clients: number; num_users: number }): void {
  writer.number(2, counts.num_users)
  writer.number(1, counts.num_clients)
}

const writeData = ({ data }: { data?: Uint8Array }): void => writer.data(1, data)
const writeNothing = (): void => {}

function writeOutcome(reply: Reply): void {
  if ('publish' in reply) message(8, reply.publish, writeNothing)
  else if ('error' in reply) message(2, reply.error, writeError)
  else if ('connect' in reply) message(5, reply.connect, writeConnectResult)
  else if ('subscribe' in reply) message(6, reply.subscribe, writeSubscribeResult)
  else if ('unsubscribe' in reply) message(7, reply.unsubscribe, writeNothing)
  else if ('presence' in reply) message(9, reply.presence, writePresence)
  else if ('presence_stats' in reply) message(10, reply.presence_stats, writeCounts)
  else if ('history' in reply) message(11, reply.history, writeHistoryResult)
  else if ('rpc' in reply) message(13, reply.rpc, writeData)
  else if ('refresh' in reply) message(14, reply.refresh, writeRefreshResult)
  else message(15, reply.sub_refresh, writeLifetime)
}

const writeWho = ({ info }: { info: ClientInfo }): void => message(1, info, writeInfo)

function writeUnsubscribe({ code, reason }: { code: number; reason: string }): void {
  writer.text(3, reason)
  writer.number(2, code)
}

function writeDisconnect({ code, reason }: { code: number; reason: string }): void {
  writer.text(2, reason)
  writer.number(1, code)
}

function writePush(push: Push): void {
  if ('pub' in push) message(4, push.pub, writePublication)
  else if ('join' in push) message(5, push.join, writeWho)
  else if ('leave' in push) message(6, push.leave, writeWho)
  else if ('unsubscribe' in push) message(7, push.unsubscribe, writeUnsubscribe)
  else if ('message' in push) message(8, push.message, writeData)
  else if ('subscribe' in push) message(9, push.subscribe, writeSubscribePush)
  else if ('connect' in push) message(10, push.connect, writeConnectPush)
  else if ('disconnect' in push) message(11, push.disconnect, writeDisconnect)
  else message(12, push.refresh, writeLifetime)
  if ('channel' in push) writer.text(2, push.channel)
}

export function encodeReply(reply: Reply): Uint8Array {
  writer.begin()
  writeOutcome(reply)
  writer.number(1, reply.id)
  return writer.endDelimited()
}

export function encodePush(push: Push): Uint8Array {
  writer.begin()
  message(4, push, writePush)
  return writer.endDelimited()
}
