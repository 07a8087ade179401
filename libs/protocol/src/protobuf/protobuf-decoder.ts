/**
 * From one incoming Protobuf message to its commands. Field numbers are those of the SDKs' schema (docs/protocol.md). [18]
 *
 * D1. What is not the protocol throws MalformedFrameError, and nothing else ever does.
 * D2. `data` is a copy: the message is only lent.
 * D3. A message is taken as a whole or not at all.
 * D4. A command reads the same as in JSON, key by key: what is absent or zero is no key.
 * D5. A field that comes twice is read as proto3 says: the last number or text wins, messages are merged, lists go on.
 */
import { Limits } from '../limits.js'
import type {
  Bytes,
  Command,
  ConnectRequest,
  FilterNode,
  HistoryRequest,
  StreamPosition,
  SubscribeRequest,
} from '../messages.js'
import { ownCopy } from '../own-copy.js'
import { MalformedFrameError } from '../protocol.errors.js'
import { WireReader, type FieldReader } from './wire-reader.js'

/** While it is being read. */
type Draft<T> = { -readonly [K in keyof T]: T[K] }

/** D4, D5: a zero that follows another value takes it away. */
function put<T, K extends keyof T>(into: T, key: K, value: T[K] | undefined): void {
  if (value !== undefined) into[key] = value
  else if (into[key] !== undefined) delete into[key]
}

/** Maps have no prototype, so that a key such as `__proto__` or `constructor` is a key like any other. */
const emptyMap = <T>(): Record<string, T> => Object.create(null) as Record<string, T>

interface ChannelRequest {
  channel: string
}

function readChannel(reader: WireReader, field: number, into: ChannelRequest): void {
  if (field === 1) into.channel = reader.text() ?? ''
  else reader.skip()
}

interface PublishRequest extends ChannelRequest {
  data?: Bytes
  type?: number
}

function readPublish(reader: WireReader, field: number, into: PublishRequest): void {
  if (field === 1) into.channel = reader.name() ?? ''
  else if (field === 2)
    put(into, 'data', reader.data(ownCopy)) // D2
  else if (field === 3) put(into, 'type', reader.int32())
  else reader.skip()
}

function readDelta(reader: WireReader): string | undefined {
  const delta = reader.text()
  if (delta !== undefined && delta !== 'fossil') throw new MalformedFrameError("delta must be '' or 'fossil'")
  return delta
}

type SubscribeDraft = Draft<Omit<SubscribeRequest, 'tf'>> & { tf?: FilterDraft }

function readSubscribe(reader: WireReader, field: number, into: SubscribeDraft): void {
  switch (field) {
    case 1:
      into.channel = reader.text() ?? ''
      break
    case 2:
      put(into, 'token', reader.text())
      break
    case 3:
      put(into, 'recover', reader.flag())
      break
    case 6:
      put(into, 'epoch', reader.text())
      break
    case 7:
      put(into, 'offset', reader.uint64())
      break
    case 8:
      put(into, 'data', reader.data(ownCopy)) // D2
      break
    case 9:
      put(into, 'positioned', reader.flag())
      break
    case 10:
      put(into, 'recoverable', reader.flag())
      break
    case 11:
      put(into, 'join_leave', reader.flag())
      break
    case 12:
      put(into, 'delta', readDelta(reader))
      break
    case 13:
      into.tf = reader.message(into.tf ?? {}, readFilter(1))
      break
    case 14:
      put(into, 'flag', reader.int64())
      break
    case 15:
      put(into, 'type', reader.int32())
      break
    default:
      reader.skip()
  }
}

type FilterDraft = Draft<Omit<FilterNode, 'vals' | 'nodes'>> & { vals?: string[]; nodes?: FilterDraft[] }

/** Whether it makes sense is not the codec's to say; how deep it goes is, because its readers recurse. */
function readFilter(depth: number): FieldReader<FilterDraft> {
  if (depth > Limits.maxFilterDepth) throw new MalformedFrameError('a tags filter is nested too deep')
  return (reader, field, into) => {
    if (field === 1) put(into, 'op', reader.text())
    else if (field === 2) put(into, 'key', reader.text())
    else if (field === 3) put(into, 'cmp', reader.text())
    else if (field === 4) put(into, 'val', reader.text())
    else if (field === 5) (into.vals ??= []).push(reader.text() ?? '')
    else if (field === 6) (into.nodes ??= []).push(reader.message({}, readFilter(depth + 1)))
    else reader.skip()
  }
}

interface Entry<T> {
  key: string
  value: T
}

/** `data` of it is not read, as in JSON: only a subscribe command's reaches an app. */
function readSubscription(reader: WireReader, field: number, into: Entry<SubscribeDraft>): void {
  if (field === 1) into.key = reader.text() ?? ''
  else if (field === 2) reader.message(into.value, readSubscribe)
  else reader.skip()
}

function readHeader(reader: WireReader, field: number, into: Entry<string>): void {
  if (field === 1) into.key = reader.text() ?? ''
  else if (field === 2) into.value = reader.text() ?? ''
  else reader.skip()
}

type ConnectDraft = Draft<Omit<ConnectRequest, 'subs' | 'headers'>> & {
  subs?: Record<string, SubscribeRequest>
  headers?: Record<string, string>
}

function readConnect(reader: WireReader, field: number, into: ConnectDraft): void {
  if (field === 1) put(into, 'token', reader.text())
  else if (field === 2)
    put(into, 'data', reader.data(ownCopy)) // D2
  else if (field === 3) {
    const entry: Entry<SubscribeDraft> = { key: '', value: { channel: '' } }
    const { key, value } = reader.message(entry, readSubscription)
    const { data: _, ...subscription } = value
    ;(into.subs ??= emptyMap())[key] = { ...subscription, channel: key }
  } else if (field === 4) put(into, 'name', reader.text())
  else if (field === 5) put(into, 'version', reader.text())
  else if (field === 6) {
    const { key, value } = reader.message({ key: '', value: '' }, readHeader)
    const headers = (into.headers ??= emptyMap())
    if (value === '') delete headers[key]
    else headers[key] = value
  } else reader.skip()
}

function readPosition(reader: WireReader, field: number, into: StreamPosition): void {
  if (field === 1) into.offset = reader.uint64() ?? 0
  else if (field === 2) into.epoch = reader.text() ?? ''
  else reader.skip()
}

function readHistory(reader: WireReader, field: number, into: HistoryRequest): void {
  if (field === 1) into.channel = reader.text() ?? ''
  else if (field === 7) put(into, 'limit', reader.int32())
  else if (field === 8) into.since = reader.message(into.since ?? { offset: 0, epoch: '' }, readPosition)
  else if (field === 9) put(into, 'reverse', reader.flag())
  else reader.skip()
}

function readRpc(reader: WireReader, field: number, into: { data?: Bytes; method?: string }): void {
  if (field === 1)
    put(into, 'data', reader.data(ownCopy)) // D2
  else if (field === 2) put(into, 'method', reader.text())
  else reader.skip()
}

function readSend(reader: WireReader, field: number, into: { data?: Bytes }): void {
  if (field === 1)
    put(into, 'data', reader.data(ownCopy)) // D2
  else reader.skip()
}

function readRefresh(reader: WireReader, field: number, into: { token?: string }): void {
  if (field === 1) put(into, 'token', reader.text())
  else reader.skip()
}

interface SubRefreshRequest extends ChannelRequest {
  token?: string
  type?: number
}

function readSubRefresh(reader: WireReader, field: number, into: SubRefreshRequest): void {
  if (field === 1) into.channel = reader.text() ?? ''
  else if (field === 2) put(into, 'token', reader.text())
  else if (field === 3) put(into, 'type', reader.int32())
  else reader.skip()
}

type Request = Exclude<Command, { method: 'pong' | 'unknown' }>
type Method = Request['method']

/** What a command said by the time its last field was read. Requests of which [3.5] takes another are read and dropped. */
interface Envelope {
  id: number
  /** The first in the order of [3.5], `send` aside: it is the one that needs no id. */
  taken: Request | undefined
  send: { data?: Bytes } | undefined
}

/** The order in which a request is taken when several are set. [3.5] */
const order: readonly Method[] = [
  'connect',
  'subscribe',
  'unsubscribe',
  'publish',
  'presence',
  'presence_stats',
  'history',
  'rpc',
  'send',
  'refresh',
  'sub_refresh',
]

function take<T extends object>(
  reader: WireReader,
  into: Envelope,
  method: Method,
  start: () => T,
  read: FieldReader<T>,
): void {
  const { taken } = into
  const isAgain = taken?.method === method
  const request = reader.message(isAgain ? (taken.request as T) : start(), read) // D5
  if (isAgain || (taken && rank(taken.method) < rank(method))) return
  into.taken = { id: 0, method, request } as unknown as Request
}

const rank = (method: Method): number => order.indexOf(method)
const ofChannel = (): ChannelRequest => ({ channel: '' })
const empty = (): object => ({})

function readCommand(reader: WireReader, field: number, into: Envelope): void {
  switch (field) {
    case 1:
      into.id = reader.uint32() ?? 0
      break
    case 4:
      take(reader, into, 'connect', empty, readConnect)
      break
    case 5:
      take(reader, into, 'subscribe', ofChannel, readSubscribe)
      break
    case 6:
      take(reader, into, 'unsubscribe', ofChannel, readChannel)
      break
    case 7:
      take(reader, into, 'publish', ofChannel, readPublish)
      break
    case 8:
      take(reader, into, 'presence', ofChannel, readChannel)
      break
    case 9:
      take(reader, into, 'presence_stats', ofChannel, readChannel)
      break
    case 10:
      take(reader, into, 'history', ofChannel, readHistory)
      break
    case 12:
      into.send = reader.message(into.send ?? {}, readSend) // D5
      break
    case 13:
      take(reader, into, 'rpc', empty, readRpc)
      break
    case 14:
      take(reader, into, 'refresh', empty, readRefresh)
      break
    case 15:
      take(reader, into, 'sub_refresh', ofChannel, readSubRefresh)
      break
    default:
      reader.skip()
  }
}

/** [3.4] Without an id only `send` is a request; anything else is the answer to a ping. */
function commandOf({ id, taken, send }: Envelope): Command {
  const isSend = send !== undefined && (id === 0 || taken === undefined || rank(taken.method) > rank('send'))
  if (isSend) return { id, method: 'send', request: send }
  if (id === 0) return { id, method: 'pong' }
  if (taken === undefined) return { id, method: 'unknown' }
  taken.id = id
  return taken
}

/** Each command has its length before it. */
export function decodeProtobuf(message: Uint8Array): Command[] {
  if (message.length === 0) throw new MalformedFrameError('the message is empty')
  const reader = new WireReader(message)
  const commands: Command[] = []
  while (!reader.isAtEnd)
    commands.push(commandOf(reader.delimited({ id: 0, taken: undefined, send: undefined }, readCommand)))
  return commands
}

/** How many commands a message says it holds: their lengths alone are looked at, so that it costs next to nothing to ask first. */
export function countProtobuf(message: Uint8Array): number {
  let count = 0
  for (let at = 0; at < message.length; count += 1) {
    let length = 0
    let factor = 1
    for (let byte = 0x80; byte >= 0x80; at += 1) {
      byte = message[at] ?? 0
      length += (byte & 0x7f) * factor
      factor *= 0x80
    }
    at += length
  }
  return count
}
