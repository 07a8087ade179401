/**
 * The two encodings as a test's client speaks them: commands go in and replies come out as the objects of the JSON form, so that one
 * test holds for both. Protobuf is written and read by the official SDK's own codec, not by ours.
 */
import { Centrifuge } from 'centrifuge/build/protobuf'
import type { Incoming } from './harness.js'

export interface Dialect {
  readonly name: 'json' | 'protobuf'
  /** The subprotocol that asks for it. */
  readonly protocol: string | undefined
  encode(commands: readonly object[]): string | Uint8Array
  decode(message: Buffer): Incoming[]
}

export const jsonDialect: Dialect = {
  name: 'json',
  protocol: undefined,
  encode: (commands) => commands.map((command) => JSON.stringify(command)).join('\n'),
  decode: (message) =>
    message
      .toString()
      .split('\n')
      .map((line) => JSON.parse(line) as Incoming),
}

export const protobufDialect: Dialect = {
  name: 'protobuf',
  protocol: 'centrifuge-protobuf',
  encode: (commands) => sdkCodec.encodeCommands(commands.map((command) => toBytes(command) as object)),
  decode: (message) =>
    sdkCodec.decodeReplies(message).map((reply) => withZeros(fromBytes(reply) as Incoming)),
}

export const dialects = [jsonDialect, protobufDialect]

interface SdkCodec {
  encodeCommands(commands: object[]): Uint8Array
  decodeReplies(message: Uint8Array): object[]
}

const sdkCodec = (new Centrifuge('ws://nowhere') as unknown as { _codec: SdkCodec })._codec

/** The fields whose type is `bytes`: JSON text here, so that tests can compare values. */
const bytesFields = new Set(['data', 'conn_info', 'chan_info'])

function toBytes(value: unknown, key = ''): unknown {
  if (bytesFields.has(key)) return Buffer.from(JSON.stringify(value))
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, toBytes(one, name)]))
}

/** Of what stood in the message alone: a decoded message inherits all its other fields. */
function fromBytes(value: unknown): unknown {
  if (value instanceof Uint8Array) return jsonOr(Buffer.from(value).toString())
  if (Array.isArray(value)) return value.map((one) => fromBytes(one))
  if (typeof value !== 'object' || value === null) return value
  if ('toNumber' in value && typeof value.toNumber === 'function') return value.toNumber() as unknown
  const said = Object.entries(value).filter(([, one]) => !isEmptyCollection(one))
  return Object.fromEntries(said.map(([name, one]) => [name, fromBytes(one)]))
}

/** A patch is no JSON. */
function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

/** The codec's messages have all their lists and maps, those that nobody wrote too. */
function isEmptyCollection(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return false
  return Object.keys(value).length === 0
}

/** What the JSON form always writes. [18.2] */
function withZeros(reply: Incoming): Incoming {
  if (reply['presence'] !== undefined) reply['presence'] = { presence: {}, ...reply['presence'] }
  if (reply['presence_stats'] !== undefined)
    reply['presence_stats'] = { num_clients: 0, num_users: 0, ...reply['presence_stats'] }
  if (reply['history'] !== undefined)
    reply['history'] = { publications: [], offset: 0, epoch: '', ...reply['history'] }
  for (const info of infosOf(reply)) for (const field of ['user', 'client']) info[field] ??= ''
  return reply
}

function infosOf({ presence, history, subscribe, push }: Incoming): Incoming[] {
  const publications = [
    push?.pub,
    ...((history?.publications ?? []) as Incoming[]),
    ...((subscribe?.publications ?? []) as Incoming[]),
  ]
  const found = [
    ...Object.values((presence?.presence ?? {}) as Record<string, Incoming>),
    ...publications.map((publication) => publication?.['info'] as Incoming | undefined),
    push?.join?.info as Incoming | undefined,
    push?.leave?.info as Incoming | undefined,
  ]
  return found.filter((info) => info !== undefined)
}
