/**
 * From one incoming JSON message to its commands.
 *
 * D1. What is not the protocol throws MalformedFrameError, and nothing else ever does.
 * D2. `data` is the client's own bytes: the text between the separators, as it was sent.
 * D3. A message is taken as a whole or not at all.
 */
import type {
  Bytes,
  Command,
  CommandMethod,
  ConnectRequest,
  FilterNode,
  HistoryRequest,
  SubscribeRequest,
} from '../messages.js'
import { MalformedFrameError } from '../protocol.errors.js'
import { Limits } from '../limits.js'
import { decodeUtf8, encodeUtf8 } from '../utf8.js'
import {
  present,
  readBoolean,
  readInteger,
  readList,
  readMap,
  readObject,
  readString,
  type JsonObject,
} from './fields.js'
import { isObject } from './json-text.js'
import { readPlainPublishes } from './plain-publish.js'
import { findJsonField } from './raw-fields.js'

const UINT32 = { min: 0, max: 0xffff_ffff }
const INT32 = { min: -0x8000_0000, max: 0x7fff_ffff }
const INT64 = { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }
const UINT64 = { min: 0, max: Number.MAX_SAFE_INTEGER }

type Method = Exclude<CommandMethod, 'pong' | 'unknown'>

/** One part of the message: its text, for what is passed on unread, and what it says. */
interface Line {
  text: string
  fields: JsonObject
}

/** The bytes of the request's `data` as they came (D2). */
function readData({ text, fields }: Line, method: Method): Bytes | undefined {
  const data = readObject(fields, method)?.['data']
  if (data === undefined || data === null) return undefined
  const request = findJsonField(text, method)
  const span = request && findJsonField(text, 'data', request.start)
  return span && encodeUtf8(text.slice(span.start, span.end))
}

function readSubscribe(request: JsonObject): SubscribeRequest {
  const delta = readString(request, 'delta')
  if (delta !== undefined && delta !== 'fossil') throw new MalformedFrameError("delta must be '' or 'fossil'")
  return {
    channel: readString(request, 'channel') ?? '',
    ...present({
      token: readString(request, 'token'),
      recover: readBoolean(request, 'recover'),
      epoch: readString(request, 'epoch'),
      offset: readInteger(request, 'offset', UINT64),
      positioned: readBoolean(request, 'positioned'),
      recoverable: readBoolean(request, 'recoverable'),
      join_leave: readBoolean(request, 'join_leave'),
      delta,
      flag: readInteger(request, 'flag', INT64),
      tf: readFilter(request['tf']),
      type: readInteger(request, 'type', INT32),
    }),
  }
}

/** Whether it makes sense is not the codec's to say; how deep it goes is, because its readers recurse. */
function readFilter(value: unknown, depth = 1): FilterNode | undefined {
  if (value === undefined || value === null) return undefined
  if (!isObject(value)) throw new MalformedFrameError('a tags filter must be an object')
  if (depth > Limits.maxFilterDepth) throw new MalformedFrameError('a tags filter is nested too deep')
  return present({
    op: readString(value, 'op'),
    key: readString(value, 'key'),
    cmp: readString(value, 'cmp'),
    val: readString(value, 'val'),
    vals: readList(value, 'vals', (text) => {
      if (typeof text !== 'string') throw new MalformedFrameError('vals must hold strings')
      return text
    }),
    nodes: readList(value, 'nodes', (node) => readFilter(node, depth + 1) ?? {}),
  })
}

/** `data` of the subscriptions is not read: only a subscribe command's reaches an app. */
function readConnect(request: JsonObject): ConnectRequest {
  return present({
    token: readString(request, 'token'),
    subs: readMap(request, 'subs', (subs, channel) => ({
      ...readSubscribe(readObject(subs, channel) ?? {}),
      channel,
    })),
    name: readString(request, 'name'),
    version: readString(request, 'version'),
    headers: readMap(request, 'headers', readString),
  })
}

function readHistory(request: JsonObject): HistoryRequest {
  const since = readObject(request, 'since')
  return {
    ...readChannel(request),
    ...present({
      limit: readInteger(request, 'limit', INT32),
      since: since && {
        offset: readInteger(since, 'offset', UINT64) ?? 0,
        epoch: readString(since, 'epoch') ?? '',
      },
      reverse: readBoolean(request, 'reverse'),
    }),
  }
}

const readChannel = (request: JsonObject): { channel: string } => ({
  channel: readString(request, 'channel') ?? '',
})

const readToken = (request: JsonObject): { token?: string } =>
  present({ token: readString(request, 'token') })

/** The order of the keys is the order in which a request is taken when several are set [3.5]. */
const requests: Readonly<Record<Method, (id: number, request: JsonObject, line: Line) => Command>> = {
  connect: (id, request, line) => ({
    id,
    method: 'connect',
    request: { ...readConnect(request), ...present({ data: readData(line, 'connect') }) },
  }),
  subscribe: (id, request, line) => ({
    id,
    method: 'subscribe',
    request: { ...readSubscribe(request), ...present({ data: readData(line, 'subscribe') }) },
  }),
  unsubscribe: (id, request) => ({ id, method: 'unsubscribe', request: readChannel(request) }),
  publish: (id, request, line) => ({
    id,
    method: 'publish',
    request: {
      ...readChannel(request),
      ...present({ data: readData(line, 'publish'), type: readInteger(request, 'type', INT32) }),
    },
  }),
  presence: (id, request) => ({ id, method: 'presence', request: readChannel(request) }),
  presence_stats: (id, request) => ({ id, method: 'presence_stats', request: readChannel(request) }),
  history: (id, request) => ({ id, method: 'history', request: readHistory(request) }),
  rpc: (id, request, line) => ({
    id,
    method: 'rpc',
    request: present({ method: readString(request, 'method'), data: readData(line, 'rpc') }),
  }),
  send: (id, _request, line) => ({
    id,
    method: 'send',
    request: present({ data: readData(line, 'send') }),
  }),
  refresh: (id, request) => ({ id, method: 'refresh', request: readToken(request) }),
  sub_refresh: (id, request) => ({
    id,
    method: 'sub_refresh',
    request: {
      ...readChannel(request),
      ...readToken(request),
      ...present({ type: readInteger(request, 'type', INT32) }),
    },
  }),
}

const methods = Object.keys(requests) as Method[]

/** [3.4] Without an id only `send` is a request; anything else is the answer to a ping. */
function findMethod(id: number, fields: JsonObject): Method | undefined {
  let found: Method | undefined
  for (const method of methods) {
    if (fields[method] === undefined || readObject(fields, method) === undefined) continue
    if (id !== 0 || method === 'send') found ??= method
  }
  return found
}

function readCommand(line: Line): Command {
  const id = readInteger(line.fields, 'id', UINT32) ?? 0
  const method = findMethod(id, line.fields)
  if (method === undefined) return id === 0 ? { id, method: 'pong' } : { id, method: 'unknown' }
  return requests[method](id, readObject(line.fields, method) ?? {}, line)
}

function parseLine(text: string): Line {
  let fields: unknown
  try {
    fields = JSON.parse(text)
  } catch (cause) {
    throw new MalformedFrameError('a command is not JSON', { cause })
  }
  if (!isObject(fields)) throw new MalformedFrameError('a command must be a JSON object')
  return { text, fields }
}

export const decodeJson = (message: Uint8Array): Command[] =>
  readPlainPublishes(message) ?? parseJson(message)

/** Without the command around it: what a client that only listens begins with. [16] */
export function decodeConnectRequest(message: Uint8Array): ConnectRequest {
  let text: string
  try {
    text = decodeUtf8(message)
  } catch (cause) {
    throw new MalformedFrameError('the message is not UTF-8', { cause })
  }
  const { fields } = parseLine(text)
  const span =
    fields['data'] === undefined || fields['data'] === null ? undefined : findJsonField(text, 'data')
  const data = span && encodeUtf8(text.slice(span.start, span.end))
  return { ...readConnect(fields), ...present({ data }) }
}

/** Any message. One trailing newline is tolerated; every other empty part is refused [2.2]. */
export function parseJson(message: Uint8Array): Command[] {
  let text: string
  try {
    text = decodeUtf8(message)
  } catch (cause) {
    throw new MalformedFrameError('the message is not UTF-8', { cause })
  }
  const parts = (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n')
  return parts.map((part) => readCommand(parseLine(part)))
}
