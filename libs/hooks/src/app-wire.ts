/**
 * What travels between gateways and instances of apps, on `Subjects.appBeat` and `Subjects.toApp(instance)`. Beats are JSON, the rest
 * are envelopes (`envelope.ts`).
 */
import { InvalidError } from '@natter/primitives'
import type { Bytes } from '@natter/protocol'
import { decodeEnvelope, encodeEnvelope } from './envelope.js'
import type { AnswerTable, EventScope, HookEvent, HookReply, HookRequest } from './hooks.js'

/** How often an instance says that it is there. */
export const appBeatMs = 1_000

/** An instance of an app says that it is there. */
export interface AppBeat {
  kind: 'beat' | 'goodbye'
  app: string
  /** Its name: unique in the mesh. */
  instance: string
  /** Another word with each start of the process. */
  life: string
  /** Of its answer table; who doesn't know it asks for the table. */
  hash: string
  /** Hooks and events in work. */
  pending: number
  /** It takes nothing new. */
  isDraining: boolean
  /** The gateway that loaded it; absent = it runs by itself. */
  node?: string
}

/** What an instance is told. `withinMs` is how long somebody waits for the answer. */
export type ToApp =
  | { kind: 'describe' }
  | { kind: 'probe' }
  | { kind: 'hook'; withinMs: number; request: HookRequest }
  /** `scope`: for which handlers. One event may come twice, as both. */
  | { kind: 'event'; withinMs: number; scope: EventScope; event: HookEvent }

/** What it answers. */
export type FromApp =
  | { kind: 'table'; app: string; hash: string; table: AnswerTable }
  /** To a probe. `overdue`: how many handlers are still at work on what nobody waits for any more. */
  | { kind: 'alive'; overdue: number }
  | { kind: 'reply'; reply: HookReply }
  /** To an event. `isHeard` false = the handler failed: tell it again. */
  | { kind: 'told'; isHeard: boolean }
  /** It takes nothing new: this was not looked at. Ask another one. */
  | { kind: 'away' }

export function encodeBeat(beat: AppBeat): Uint8Array {
  return Buffer.from(JSON.stringify(beat), 'utf8')
}

/** Undefined when it is not one. */
export function decodeBeat(body: Uint8Array): AppBeat | undefined {
  try {
    const beat = JSON.parse(Buffer.from(body).toString('utf8')) as Partial<AppBeat>
    const { app, instance, life, hash } = beat
    const isBeat = [app, instance, life, hash].every((text) => typeof text === 'string' && text !== '')
    const isHosted = beat.node === undefined || typeof beat.node === 'string'
    return isBeat && isHosted && typeof beat.pending === 'number' ? (beat as AppBeat) : undefined
  } catch {
    return undefined
  }
}

export function encodeToApp(message: ToApp): Uint8Array {
  if (message.kind === 'hook') {
    const { data, rest } = withoutData(message.request)
    return encodeEnvelope({ ...message, request: rest }, data)
  }
  if (message.kind === 'event') {
    const { data, rest } = withoutData(message.event)
    return encodeEnvelope({ ...message, event: rest }, data)
  }
  return encodeEnvelope(message)
}

/** @throws InvalidError `bad-envelope`. */
export function decodeToApp(body: Uint8Array): ToApp {
  const { head, data } = decodeEnvelope(body)
  const message = head as ToApp
  if (message.kind === 'hook') return { ...message, request: withData(message.request, data) }
  if (message.kind === 'event') return { ...message, event: withData(message.event, data) }
  return message
}

export function encodeFromApp(message: FromApp): Uint8Array {
  if (message.kind !== 'reply' || !('decision' in message.reply)) return encodeEnvelope(message)
  const { data, rest } = withoutData(message.reply.decision)
  return encodeEnvelope({ kind: 'reply', reply: { decision: rest } }, data)
}

/** @throws InvalidError `bad-envelope`: not one, or a reply that is neither a decision nor a refusal. */
export function decodeFromApp(body: Uint8Array): FromApp {
  const { head, data } = decodeEnvelope(body)
  const message = head as FromApp
  if (message.kind !== 'reply') return message
  const { reply } = message
  if (!isReply(reply))
    throw new InvalidError('bad-envelope', 'An app answered neither a decision nor a refusal')
  if (!('decision' in reply)) return message
  return { kind: 'reply', reply: { decision: withData(reply.decision, data) } }
}

function isReply(reply: unknown): reply is HookReply {
  if (typeof reply !== 'object' || reply === null) return false
  const { decision, error, disconnect } = reply as Record<string, { code?: unknown } | null | undefined>
  if (decision !== undefined) return typeof decision === 'object' && decision !== null
  return typeof (error ?? disconnect)?.code === 'number'
}

function withoutData(value: object): { data: Bytes | undefined; rest: object } {
  if (!('data' in value)) return { data: undefined, rest: value }
  const { data, ...rest } = value as { data?: Bytes }
  return { data, rest }
}

function withData<T extends object>(value: T, data: Bytes | undefined): T {
  return data === undefined ? value : { ...value, data }
}
