/**
 * The pieces that claims are made of.
 *
 * C1. What is passed on is passed on as it was written: from the payload's own text, not from what a parser made of it.
 * C2. Each reader answers `malformed` for what it can't take; nothing is half believed.
 */
import { isJson, jsonFields, type Bytes, type Span } from '@natter/protocol'
import { readAllowed } from '../capabilities.js'
import type { ClaimedSubscription, SubscriptionOverride } from './token-verifier.js'

/** A JSON object, and where its fields stand in the text that it was parsed from. */
export interface Written {
  readonly values: Readonly<Record<string, unknown>>
  readonly text: string
  readonly spans: ReadonlyMap<string, Span>
}

/** @param text What `values` was parsed from. */
export const writtenOf = (values: Readonly<Record<string, unknown>>, text: string, from = 0): Written => ({
  values,
  text,
  spans: jsonFields(text, from),
})

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Absent and null say nothing. */
export const isSaid = (value: unknown): boolean => value !== undefined && value !== null

/** The text of a field as it was written (C1); undefined where it says nothing. */
export function rawText({ values, text, spans }: Written, key: string): string | undefined {
  const span = spans.get(key)
  return span === undefined || !isSaid(values[key]) ? undefined : text.slice(span.start, span.end)
}

/**
 * `<key>` in JSON, or `b64<key>`, the same in base64, which goes first.
 *
 * @param canBeAny Whether the bytes in base64 may be something else than JSON.
 */
export function readPayload(
  written: Written,
  key: 'info' | 'data',
  canBeAny: boolean,
): Bytes | 'malformed' | undefined {
  const encoded = written.values[`b64${key}`] ?? ''
  if (encoded === '') {
    const raw = rawText(written, key)
    return raw === undefined ? undefined : encoder.encode(raw)
  }
  const bytes = typeof encoded === 'string' ? decodeBase64(encoded) : undefined
  return bytes !== undefined && (canBeAny || isJson(bytes)) ? bytes : 'malformed'
}

const encoder = new TextEncoder()

function decodeBase64(text: string): Bytes | undefined {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
  } catch {
    return undefined
  }
}

/** What it says of one subscription, or the name of the claim that is wrong. */
export function readSubscription(written: Written): ClaimedSubscription | `claim-${string}` {
  const info = readPayload(written, 'info', false) // it is embedded in JSON frames of others
  if (info === 'malformed') return 'claim-b64info'
  const data = readPayload(written, 'data', true)
  if (data === 'malformed') return 'claim-b64data'
  const override = readOverride(written.values['override'])
  if (override === 'malformed') return 'claim-override'
  const allow = readAllowed(written.values['allow'])
  if (allow === 'malformed') return 'claim-allow'
  return {
    ...(info === undefined ? {} : { info }),
    ...(data === undefined ? {} : { data }),
    ...(override === undefined ? {} : { override }),
    ...(allow === undefined ? {} : { allow }),
  }
}

const overrideNames = {
  presence: 'presence',
  join_leave: 'joinLeave',
  force_push_join_leave: 'forcePushJoinLeave',
  force_recovery: 'forceRecovery',
  force_positioning: 'forcePositioning',
} as const satisfies Record<string, keyof SubscriptionOverride>

function readOverride(value: unknown): SubscriptionOverride | 'malformed' | undefined {
  if (!isSaid(value)) return undefined
  if (!isRecord(value)) return 'malformed'
  const override: { -readonly [K in keyof SubscriptionOverride]: boolean } = {}
  for (const [claim, name] of Object.entries(overrideNames)) {
    const said = value[claim]
    if (!isSaid(said)) continue
    if (!isRecord(said) || typeof said['value'] !== 'boolean') return 'malformed'
    override[name] = said['value']
  }
  return Object.keys(override).length === 0 ? undefined : override
}
