/**
 * The registry's record `apps`: what each app answers. Read and watched by gateways (`gateway/demands.ts`), written by apps at their
 * start (`claimApp`). All but the last three functions is pure.
 *
 * R1. Each connection hook, each kind of hook of a namespace and each rpc method belongs to at most one app. Events to all that want them.
 * R2. An app's entry is what its newest start wrote; nobody else's start changes it.
 */
import { InvalidError, UnavailableError } from '@natter/primitives'
import type { Registry } from '@natter/broker'
import { createHash } from 'node:crypto'
import type { AnswerTable, HookRequest } from './hooks.js'

export const appsKey = 'apps'

/** By name of the app. */
export type AppsRecord = ReadonlyMap<string, AnswerTable>

/** @throws InvalidError `bad-apps-record`. */
export function decodeApps(value: Uint8Array): AppsRecord {
  try {
    const { apps } = JSON.parse(Buffer.from(value).toString('utf8')) as { apps: Record<string, unknown> }
    return new Map(Object.entries(apps).map(([app, table]) => [app, checkedTable(table)]))
  } catch (cause) {
    const sentence =
      "The record 'apps' of this mesh can't be read: did another version write it? " +
      'If nobody needs it any more, delete that key of the bucket in NATS and start all apps again'
    throw new InvalidError('bad-apps-record', sentence, { cause })
  }
}

/** A table that lacks a part would be an app that is asked nothing there: a yes without it. */
function checkedTable(value: unknown): AnswerTable {
  const { connection, namespaces, rpc, events } = value as Record<keyof AnswerTable, unknown>
  const isWhole = Array.isArray(connection) && Array.isArray(events) && isRecord(rpc) && isRecord(namespaces)
  if (!isWhole || !Object.values(namespaces).every((kinds) => Array.isArray(kinds)))
    throw new TypeError('the entry of an app is no table of answers')
  return value as AnswerTable
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export function encodeApps(record: AppsRecord): Uint8Array {
  return Buffer.from(JSON.stringify({ apps: Object.fromEntries(record) }), 'utf8')
}

/** What only one app may answer, as people call it, e.g. `subscribe of chat`, `rpc rooms.list`. */
export function claimsOf(table: AnswerTable): string[] {
  const connection = table.connection.map((kind) => kind as string)
  const namespaces = Object.entries(table.namespaces).flatMap(([namespace, kinds]) =>
    kinds.map((kind) => `${kind} of ${namespace === '' ? 'channels without a namespace' : namespace}`),
  )
  return [...connection, ...namespaces, ...Object.keys(table.rpc).map((method) => `rpc ${method}`)]
}

/**
 * The record with this app's entry, whatever it had before (R2).
 *
 * @throws InvalidError `handler-taken`: another app answers what only one may (R1).
 */
export function withApp(record: AppsRecord, app: string, table: AnswerTable): AppsRecord {
  const claims = new Set(claimsOf(table))
  for (const [other, theirs] of record) {
    if (other === app) continue
    const taken = claimsOf(theirs).filter((claim) => claims.has(claim))
    if (taken.length > 0) throw handlerTaken(app, other, taken)
  }
  return new Map(record).set(app, table)
}

function handlerTaken(app: string, other: string, taken: readonly string[]): InvalidError {
  const sentence =
    `App '${app}' wants to answer ${taken.join(', ')}, which app '${other}' answers: only one app may. ` +
    `Take it out of one of them; if '${other}' is gone for good: npm run natter -- apps forget ${other}`
  return new InvalidError('handler-taken', sentence)
}

/** Which app answers this. */
export function ownerOf(record: AppsRecord, request: HookRequest): string | undefined {
  for (const [app, table] of record) if (answers(table, request)) return app
  return undefined
}

/** Whether a table says that such requests are answered. */
export function answers(table: AnswerTable, request: HookRequest): boolean {
  switch (request.kind) {
    case 'connect':
    case 'refresh':
      return table.connection.includes(request.kind)
    case 'rpc':
      return Object.hasOwn(table.rpc, request.method)
    default:
      return own(table.namespaces, request.namespace)?.includes(request.kind) ?? false
  }
}

const own = <T>(record: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined

/** The same for the same answers, in whatever order they are listed. */
export function hashOf(table: AnswerTable): string {
  const events = table.events.map(({ kind, scope, namespace }) => [kind, scope, namespace ?? null])
  const rpc = Object.entries(table.rpc).map(([method, { idempotent }]) => [method, idempotent])
  const parts = [
    claimsOf(table),
    events.map((event) => JSON.stringify(event)),
    rpc.map((m) => JSON.stringify(m)),
  ]
  const text = JSON.stringify(parts.map((part) => part.toSorted()))
  return createHash('sha256').update(text).digest('base64url').slice(0, 16)
}

/**
 * Writes an app's entry into the registry; resolves with the record as it is then. Writers at the same time take turns.
 *
 * @throws InvalidError `handler-taken`, `bad-apps-record`.
 * @throws UnavailableError the registry can't be read or written now.
 */
export function claimApp(registry: Registry, app: string, table: AnswerTable): Promise<AppsRecord> {
  return change(registry, (record) => withApp(record, app, table))
}

/**
 * Writes the entry only where the app has none: after NATS lost its disk. An older instance must not undo what a newer one claimed.
 *
 * @throws as {@link claimApp}.
 */
export function restoreApp(registry: Registry, app: string, table: AnswerTable): Promise<AppsRecord> {
  return change(registry, (record) => (record.has(app) ? record : withApp(record, app, table)))
}

/** Takes out an app that is gone for good; what it answered is not demanded any more. False when there is no such app. */
export async function forgetApp(registry: Registry, app: string): Promise<boolean> {
  let isKnown = false
  await change(registry, (record) => {
    isKnown = record.has(app)
    return new Map([...record].filter(([name]) => name !== app))
  })
  return isKnown
}

const maxWriters = 100

async function change(registry: Registry, edit: (record: AppsRecord) => AppsRecord): Promise<AppsRecord> {
  for (let attempt = 0; attempt < maxWriters; attempt += 1) {
    const entry = await registry.get(appsKey)
    const next = edit(entry === undefined ? new Map() : decodeApps(entry.value))
    const value = encodeApps(next)
    if (entry !== undefined && Buffer.compare(value, entry.value) === 0) return next
    const written =
      entry === undefined
        ? await registry.create(appsKey, value)
        : await registry.update(appsKey, value, entry.revision)
    if (written !== undefined) return next
  }
  throw new UnavailableError(
    'apps-record-busy',
    `The record of the apps changed ${maxWriters} times in a row: try again`,
  )
}
