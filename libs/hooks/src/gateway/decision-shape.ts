/**
 * Whether a decision is what its kind may carry. An app is somebody's program, of any build and perhaps not on our lib: a date
 * written as text must not become a grant that never ends.
 */
import { capabilityProblem, type Capability } from '@natter/protocol'
import type { HookKind } from '../hooks.js'

/** What is wrong with a value, or undefined. */
type Check = (value: unknown) => string | undefined

const text: Check = (value) => (typeof value === 'string' ? undefined : 'is not a text')
const count: Check = (value) =>
  typeof value === 'number' && value >= 0 ? undefined : 'is not a number of 0 or more'
const bytes: Check = (value) => (value instanceof Uint8Array ? undefined : 'is not data')

const oneOf =
  (...words: readonly unknown[]): Check =>
  (value) =>
    words.includes(value) ? undefined : `is none of ${words.join(', ')}`

const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) ? firstProblem(value.entries(), check) : 'is not a list'

const recordOf =
  (check: Check): Check =>
  (value) =>
    isRecord(value) ? firstProblem(Object.entries(value), check) : 'is not an object'

/** Fields that nobody knows are passed over: a newer build's. `?` at the end of a name = may be absent. */
const fields =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) => {
    if (!isRecord(value)) return 'is not an object'
    for (const [name, check] of Object.entries(checks)) {
      const key = name.replace('?', '')
      const problem = value[key] === undefined && key !== name ? undefined : check(value[key])
      if (problem !== undefined) return `${key} ${problem}`
    }
    return undefined
  }

const verbs = listOf(oneOf('subscribe', 'publish', 'presence', 'history'))

const subscription = fields({
  'infoJson?': text,
  'dataJson?': text,
  'expiresAtMs?': count,
  'grant?': fields({ publish: oneOf('allow', 'deny', 'ask'), 'forMs?': count, 'quota?': count }),
  'allow?': verbs,
})

const capability = fields({
  channels: listOf(text),
  'match?': oneOf('exact', 'wildcard', 'regex'),
  allow: verbs,
})

const capabilities: Check = (value) =>
  listOf(capability)(value) ?? capabilityProblem(value as readonly Capability[])

const yes = fields({})

const shapes: Readonly<Record<HookKind, Check>> = {
  connect: fields({
    user: text,
    'infoJson?': text,
    'metaJson?': text,
    'dataJson?': text,
    'expiresAtMs?': count,
    'subscriptions?': recordOf(subscription),
    'capabilities?': capabilities,
  }),
  refresh: fields({
    'expiresAtMs?': count,
    'infoJson?': text,
    'metaJson?': text,
    'capabilities?': capabilities,
  }),
  subscribe: subscription,
  publish: fields({ 'data?': bytes }),
  presence: yes,
  history: yes,
  rpc: fields({ 'data?': bytes }),
}

/** Undefined = nothing is wrong with it. */
export function problemOf(kind: HookKind, decision: unknown): string | undefined {
  return shapes[kind](decision)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function firstProblem(entries: Iterable<[unknown, unknown]>, check: Check): string | undefined {
  for (const [key, value] of entries) {
    const problem = check(value)
    if (problem !== undefined) return `${String(key)} ${problem}`
  }
  return undefined
}
