/**
 * What an address answered, as a decision: any bytes in, a decision, a refusal or what is wrong out.
 *
 * W1. Closed by default: only a `result` that is what its kind may carry is a yes. A field of a wrong type makes all of the answer wrong;
 *     nothing is half believed.
 * W2. What is passed on to clients is passed on as it was written.
 * W3. What is wrong is said in words of ours: nothing of the answer is in them but the names of fields.
 * W4. Unknown fields are passed over, and told.
 */
import {
  isRecord,
  isSaid,
  rawText,
  readCapabilities,
  readPayload,
  readSubscription,
  writtenOf,
  type Written,
} from '@natter/auth'
import type { Refusal } from '@natter/hooks'
import { isJson, type Bytes } from '@natter/protocol'
import type { Decisions, SubscriptionGift } from '../hooks/hooks.js'
import type { HttpHookKind } from './http-hook.js'

export type Answer<K extends HttpHookKind = HttpHookKind> =
  | { decision: Decisions[K] }
  | Refusal
  /** Completes "the answer …". */
  | { problem: string }

export interface Reading {
  /** Whether the client can be told bytes that are no JSON. */
  readonly canTakeBytes: boolean
  /** W4. */
  onUnknown?(field: string): void
}

class BadAnswer extends Error {}

type Values = Readonly<Record<string, unknown>>

export function parseAnswer<K extends HttpHookKind>(kind: K, body: Uint8Array, reading: Reading): Answer<K> {
  try {
    return readAnswer(kind, objectOf(body), reading)
  } catch (error) {
    if (error instanceof BadAnswer) return { problem: error.message }
    throw error
  }
}

const strictText = new TextDecoder('utf-8', { fatal: true })

function objectOf(body: Uint8Array): Written {
  const values = parsed(body)
  if (!isRecord(values.value)) throw new BadAnswer('is no JSON object')
  return writtenOf(values.value, values.text)
}

function parsed(body: Uint8Array): { text: string; value: unknown } {
  try {
    const text = strictText.decode(body)
    return { text, value: JSON.parse(text) as unknown }
  } catch {
    throw new BadAnswer('is no JSON') // what a parser says quotes it
  }
}

/** Where several are said the strictest counts. */
function readAnswer<K extends HttpHookKind>(kind: K, answer: Written, reading: Reading): Answer<K> {
  const { disconnect, error, result } = answer.values
  tellUnknown(answer.values, ['disconnect', 'error', 'result'], '', reading)
  if (isSaid(disconnect)) return { disconnect: readDisconnect(disconnect) }
  if (isSaid(error)) return { error: readError(error) }
  if (!isSaid(result)) throw new BadAnswer('has neither result, error nor disconnect') // W1
  if (!isRecord(result)) throw new BadAnswer('has a result that is no object')
  tellUnknown(result, fields[kind], 'result.', reading)
  const decision = readers[kind](writtenOf(result, answer.text, answer.spans.get('result')?.start), reading)
  return { decision }
}

function readDisconnect(value: unknown): { code: number; reason: string } {
  if (!isRecord(value)) throw new BadAnswer('has a disconnect that is no object')
  const { code, reason } = value
  if (!isWhole(code, 3000, 4999)) throw new BadAnswer('has a disconnect.code that is not from 3000 to 4999')
  return { code, reason: isSaid(reason) ? textOf(reason, 'disconnect.reason') : '' }
}

function readError(value: unknown): { code: number; message: string; temporary?: boolean } {
  if (!isRecord(value)) throw new BadAnswer('has an error that is no object')
  const { code, message, temporary } = value
  if (!isWhole(code, 100, 0xffff_ffff)) throw new BadAnswer('has an error.code that is not from 100 on')
  const said = isSaid(message) ? textOf(message, 'error.message') : ''
  const isTemporary = isSaid(temporary) && flagOf(temporary, 'error.temporary')
  return isTemporary ? { code, message: said, temporary: true } : { code, message: said }
}

const subscriptionFields = ['info', 'b64info', 'data', 'b64data', 'override', 'allow'] as const

const fields: Readonly<Record<HttpHookKind, readonly string[]>> = {
  connect: ['user', 'expire_at', 'info', 'b64info', 'data', 'b64data', 'channels', 'subs', 'meta', 'caps'],
  refresh: ['expired', 'expire_at', 'info', 'b64info', 'caps'],
  sub_refresh: ['expired', 'expire_at', 'info', 'b64info'],
  subscribe: [...subscriptionFields, 'expire_at'],
  publish: ['data', 'b64data', 'skip_history', 'tags', 'idempotency_key', 'delta'],
  rpc: ['data', 'b64data'],
}

type Reader<K extends HttpHookKind> = (result: Written, reading: Reading) => Decisions[K]

const readers: { readonly [K in HttpHookKind]: Reader<K> } = {
  connect: readConnect,
  refresh: (result) => ({ ...readRefresh(result), ...capabilitiesOf(result) }),
  sub_refresh: readRefresh,
  subscribe: (result, reading) => ({ ...readGift(result, 'result.', reading), ...expiryOf(result) }),
  publish: readPublish,
  rpc: (result, reading) => {
    const data = payloadOf(result, 'data', reading.canTakeBytes)
    return data === undefined ? {} : { data }
  },
}

function readConnect(result: Written, reading: Reading): Decisions['connect'] {
  const { user, meta } = result.values
  const infoJson = infoOf(result)
  const data = payloadOf(result, 'data', reading.canTakeBytes)
  if (isSaid(meta) && !isRecord(meta)) throw new BadAnswer('has a result.meta that is no object')
  const metaJson = rawText(result, 'meta')
  const subscriptions = subscriptionsOf(result, reading)
  return {
    user: textOf(user, 'result.user'), // W1: also for the anonymous user it has to be said
    ...expiryOf(result),
    ...capabilitiesOf(result),
    ...(infoJson === undefined ? {} : { infoJson }),
    ...(data === undefined ? {} : { data }),
    ...(metaJson === undefined ? {} : { metaJson }),
    ...(subscriptions === undefined ? {} : { subscriptions }),
  }
}

/** `subs` says more of a channel than `channels`. */
function subscriptionsOf(result: Written, reading: Reading): Record<string, SubscriptionGift> | undefined {
  const { channels, subs } = result.values
  if (!isSaid(channels) && !isSaid(subs)) return undefined
  if (isSaid(channels) && !Array.isArray(channels))
    throw new BadAnswer('has result.channels that are no list')
  const names = ((channels ?? []) as unknown[]).map((name) => textOf(name, 'result.channels'))
  const found = new Map<string, SubscriptionGift>(names.map((name) => [name, {}]))
  if (isSaid(subs) && !isRecord(subs)) throw new BadAnswer('has result.subs that are no object')
  const spans = isSaid(subs)
    ? writtenOf(subs as Values, result.text, result.spans.get('subs')?.start)
    : undefined
  for (const [channel, options] of Object.entries((subs ?? {}) as Values)) {
    if (!isRecord(options)) throw new BadAnswer('has a subscription in result.subs that is no object')
    tellUnknown(options, subscriptionFields, 'result.subs.', reading)
    const written = writtenOf(options, result.text, spans?.spans.get(channel)?.start)
    found.set(textOf(channel, 'result.subs'), readGift(written, 'result.subs.', reading))
  }
  return Object.fromEntries(found)
}

function readGift(written: Written, where: string, { canTakeBytes }: Reading): SubscriptionGift {
  const said = readSubscription(written)
  if (typeof said === 'string')
    throw new BadAnswer(`has a ${where}${said.replace('claim-', '')} of the wrong form`)
  const { info, data, override, allow } = said
  demandTakeable(data, `${where}data`, canTakeBytes)
  return {
    ...(info === undefined ? {} : { infoJson: decoder.decode(info) }),
    ...(data === undefined ? {} : { data }),
    ...(override === undefined ? {} : { override }),
    ...(allow === undefined ? {} : { allow }),
  }
}

/** As in a token: what it may do beside what its namespaces allow. */
function capabilitiesOf({ values }: Written): Pick<Decisions['connect'], 'capabilities'> {
  const { caps } = values
  const capabilities = Array.isArray(caps) && caps.length === 0 ? [] : readCapabilities(caps)
  if (capabilities === 'malformed') throw new BadAnswer('has result.caps of the wrong form')
  return capabilities === undefined ? {} : { capabilities }
}

function readRefresh(result: Written): Decisions['sub_refresh'] {
  const { expired } = result.values
  const isOver = isSaid(expired) && flagOf(expired, 'result.expired')
  const infoJson = infoOf(result)
  return {
    ...expiryOf(result),
    ...(isOver ? { expiresAtMs: 0 } : {}),
    ...(infoJson === undefined ? {} : { infoJson }),
  }
}

function readPublish(result: Written): Decisions['publish'] {
  const { skip_history: skip, tags, idempotency_key: key, delta } = result.values
  const data = payloadOf(result, 'data', true) // who can't be shown it is the channel's business
  return {
    ...(data === undefined ? {} : { data }),
    ...(isSaid(skip) && flagOf(skip, 'result.skip_history') ? { skipsHistory: true } : {}),
    ...(isSaid(tags) ? { tags: tagsOf(tags) } : {}),
    ...(isSaid(delta) && flagOf(delta, 'result.delta') ? { delta: true } : {}),
    ...(isSaid(key) && key !== '' ? { idempotencyKey: textOf(key, 'result.idempotency_key') } : {}),
  }
}

function tagsOf(value: unknown): Record<string, string> {
  if (!isRecord(value)) throw new BadAnswer('has result.tags that are no object')
  const tags = Object.entries(value).map(([name, tag]) => [
    textOf(name, 'result.tags'),
    textOf(tag, 'result.tags'),
  ])
  return Object.fromEntries(tags) as Record<string, string>
}

/** Seconds; 0 says nothing. */
function expiryOf({ values }: Written): { expiresAtMs?: number } {
  const { expire_at: seconds } = values
  if (!isSaid(seconds) || seconds === 0) return {}
  if (!isWhole(seconds, 0, lastSecond))
    throw new BadAnswer('has a result.expire_at that is no number of seconds since 1970')
  return { expiresAtMs: seconds * 1000 }
}

/** The last one that a date can be. */
const lastSecond = 8_640_000_000_000

function infoOf(written: Written): string | undefined {
  const info = payloadOf(written, 'info', false) // it is embedded in JSON frames of others
  return info === undefined ? undefined : decoder.decode(info)
}

function payloadOf(written: Written, key: 'info' | 'data', canBeAny: boolean): Bytes | undefined {
  const payload = readPayload(written, key, canBeAny)
  if (payload === 'malformed') throw new BadAnswer(`has a result.b64${key} of the wrong form`)
  return payload
}

function demandTakeable(data: Bytes | undefined, field: string, canTakeBytes: boolean): void {
  if (data !== undefined && !canTakeBytes && !isJson(data))
    throw new BadAnswer(`has ${field} that is no JSON, for a client that speaks nothing else`)
}

function tellUnknown(values: Values, known: readonly string[], where: string, { onUnknown }: Reading): void {
  if (onUnknown === undefined) return
  for (const key of Object.keys(values)) if (!known.includes(key)) onUnknown(`${where}${key}`)
}

const decoder = new TextDecoder()

const isWhole = (value: unknown, from: number, to: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= from && (value as number) <= to

const LONE_SURROGATE = /\p{Surrogate}/u

/** What has no UTF-8 is no text. */
function textOf(value: unknown, field: string): string {
  if (typeof value === 'string' && !LONE_SURROGATE.test(value)) return value
  throw new BadAnswer(`has ${field} that ${isSaid(value) ? 'is no text' : 'is missing'}`)
}

function flagOf(value: unknown, field: string): boolean {
  if (typeof value === 'boolean') return value
  throw new BadAnswer(`has ${field} that is neither true nor false`)
}
