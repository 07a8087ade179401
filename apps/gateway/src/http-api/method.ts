/**
 * A method of the API, whatever brings it: a path, a command of a batch, a line of the old form.
 *
 * MT1. Its schemas are what its description says, and the only check of its parameters that is about shapes.
 * MT2. Parameters that are null count as absent, unless any JSON goes there. Names that a method doesn't know are passed over.
 */
import type { Broker } from '@natter/broker'
import { Errors, type Bytes } from '@natter/protocol'
import { z } from 'zod'
import { RefusedError } from '../api/refusal.js'
import type { Everywhere } from '../api/everywhere.js'
import type { Services } from '../connection/services.js'
import type { Peers } from '../presence/peers.js'
import type { Idempotency } from './idempotency.js'
import { memberText, type JsonObject } from './json.js'
import type { Survey } from './survey.js'
import type { Versions } from './versions.js'

/** What methods may use. */
export interface ApiContext {
  readonly broker: Broker
  readonly services: Services
  readonly peers: Pick<Peers, 'nodes'>
  readonly everywhere: Pick<Everywhere, 'hand'>
  readonly survey: Pick<Survey, 'ask'>
  readonly idempotency: Pick<Idempotency, 'once'>
  readonly versions: Pick<Versions, 'publish'>
}

/** The bytes of a member that holds any JSON, as they came. */
export type RawMembers = (name: string) => Bytes | undefined

export interface MethodDefinition<P extends z.ZodObject = z.ZodObject> {
  readonly summary: string
  readonly params: P
  readonly result: z.ZodObject
  handle(context: ApiContext, params: z.output<P>, raw: RawMembers): Promise<object>
}

export interface Method {
  readonly summary: string
  readonly params: z.ZodObject
  readonly result: z.ZodObject
  /** @throws RefusedError 107 its parameters are not what it takes; and whatever the method throws. */
  run(context: ApiContext, given: JsonObject): Promise<object>
}

const anyJson = z.registry<{ isAnyJson: true }>()

/** A parameter that is any JSON value and goes on as it is. */
export function json(description: string): z.ZodOptional<z.ZodUnknown> {
  const schema = z.unknown().optional().describe(description)
  anyJson.add(schema, { isAnyJson: true })
  return schema
}

export function defineMethod<P extends z.ZodObject>(definition: MethodDefinition<P>): Method {
  const { summary, params, result } = definition
  const raws = Object.entries(params.shape).filter(([, schema]) => anyJson.has(schema as z.ZodType))
  const rawNames = new Set(raws.map(([name]) => name))
  return {
    summary,
    params,
    result,
    run: (context, given) => {
      const checked = params.safeParse(withoutNulls(given.members, rawNames))
      if (!checked.success) throw new RefusedError(Errors.badRequest, sentenceOf(checked.error))
      return definition.handle(context, checked.data, (name) => {
        const text = memberText(given, name)
        return text === undefined ? undefined : Buffer.from(text, 'utf8')
      })
    },
  }
}

/** MT2 */
function withoutNulls(
  members: Readonly<Record<string, unknown>>,
  rawNames: ReadonlySet<string>,
): Readonly<Record<string, unknown>> {
  const entries = Object.entries(members)
  if (!entries.some(([name, value]) => value === null && !rawNames.has(name))) return members
  return Object.fromEntries(entries.filter(([name, value]) => value !== null || rawNames.has(name)))
}

function sentenceOf({ issues: [issue] }: z.ZodError): string {
  if (issue === undefined) return Errors.badRequest.message
  const path = issue.path.join('.')
  const isMissing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined')
  return isMissing ? `bad request: ${path} is missing` : `bad request: ${path}: ${issue.message}`
}
