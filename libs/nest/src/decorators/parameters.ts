/**
 * A handler's parameters in Nest's metadata. Both arguments of every call are the context (`pipeline/context.ts`), so what Nest and its
 * decorators write for raw payloads is rewritten here.
 *
 * R1. A schema runs exactly once, and before the handler: ours alone, in front of the parameter's own pipes. Where no parameter takes
 *     the payload, one more is made for it, behind the last.
 * R2. Rewriting starts from what was written: each rewritten entry remembers it.
 * R3. The recorded type of a parameter is a class or `Object`. Under SWC a schema of the same name as its type is recorded
 *     instead, and class-validator's pipe dies of it.
 */
import 'reflect-metadata'
import { InvalidError } from '@natter/primitives'
import type { ExecutionContext } from '@nestjs/common'
import { natterContext, payloadProperty } from '../pipeline/context.js'
import { SchemaPipe } from '../pipeline/schema.pipe.js'
import { isStandardSchema, type StandardSchema } from '../pipeline/standard-schema.js'
import type { Handler } from './handler.js'
import { nestKeys, nestParameters } from './nest-names.js'

const written = Symbol('natter:written')

interface Entry {
  index: number
  data?: unknown
  pipes?: unknown[]
  schema?: unknown
  factory?: (data: unknown, host: ExecutionContext) => unknown
  /** R2. `null` = nothing: made by us. */
  [written]?: [key: string, entry: Entry] | null
}
type Entries = Record<string, Entry>
type Class = { readonly name: string; readonly prototype: object }

/** @throws InvalidError `bad-parameter`. */
export function compileParameters(type: Class, key: string, handlers: readonly Handler[]): void {
  fixTypes(type.prototype, key)
  const where = `${type.name}.${key}`
  const before = (Reflect.getMetadata(nestParameters.key, type, key) ?? {}) as Entries
  const entries = asWritten(before)
  const rewritten =
    Object.keys(entries).length === 0
      ? byPosition()
      : Object.fromEntries(
          Object.entries(entries).map(([name, entry]) => rewrite(name, entry, handlers, where)),
        )
  const { schema } = handlers[0]!
  const complete = schema === undefined ? rewritten : withSchema(rewritten, schema, where)
  Reflect.defineMetadata(nestParameters.key, complete, type, key)
}

/** R3. */
function fixTypes(prototype: object, key: string): void {
  const types = Reflect.getMetadata(nestKeys.parameterTypes, prototype, key) as unknown[] | undefined
  const isClass = (recorded: unknown) => typeof recorded === 'function' && !isStandardSchema(recorded)
  const fixed = types?.map((recorded) => (isClass(recorded) ? recorded : Object))
  if (fixed !== undefined) Reflect.defineMetadata(nestKeys.parameterTypes, fixed, prototype, key)
}

/** R2. */
function asWritten(entries: Entries): Entries {
  const originals = Object.entries(entries).map(([key, entry]) =>
    entry[written] === undefined ? [key, entry] : entry[written],
  )
  return Object.fromEntries(originals.filter((original) => original !== null)) as Entries
}

/** `(payload, context)`. */
function byPosition(): Entries {
  return {
    [`${nestParameters.payload}:0`]: { index: 0, data: 'data', pipes: [], [written]: null },
    [`${nestParameters.context}:1`]: { index: 1, pipes: [], [written]: null },
  }
}

function rewrite(key: string, entry: Entry, handlers: readonly Handler[], where: string): [string, Entry] {
  const { schema, ...rest } = entry
  const property = typeof entry.data === 'string' ? entry.data : undefined
  const pipes = isStandardSchema(schema)
    ? [new SchemaPipe(schema, property), ...(entry.pipes ?? [])]
    : (entry.pipes ?? [])
  const base = { ...rest, pipes, [written]: [key, entry] as [string, Entry] }
  if (key.includes(nestParameters.custom)) return [key, base]
  const number = Number(key.split(':')[0])
  if (number === nestParameters.payload)
    return [key, { ...base, data: property === undefined ? 'data' : payloadProperty(property) }]
  if (number === nestParameters.context && property === undefined) return [key, base]
  const factory = factoryOf(number, property, handlers, where)
  return [`natter-${number}${nestParameters.custom}:${entry.index}`, { ...base, factory }]
}

function factoryOf(
  number: number,
  property: string | undefined,
  handlers: readonly Handler[],
  where: string,
) {
  if (number === nestParameters.context)
    return (_: unknown, host: ExecutionContext) => natterContext(host).headers[property!.toLowerCase()]
  if (number !== nestParameters.param)
    return refuse(where, 'has a parameter decorator that has no meaning for a Natter event')
  const stranger = handlers.find(
    (handler) => property !== undefined && !handler.path?.names.includes(property),
  )
  if (stranger !== undefined)
    refuse(where, `asks for @Param('${property}'), which isn't in the path of "${stranger.address}"`)
  return (_: unknown, host: ExecutionContext) => {
    const { params } = natterContext(host)
    return property === undefined ? params : params[property]
  }
}

/** R1: the handler's schema, which speaks about the whole payload. */
function withSchema(entries: Entries, schema: StandardSchema, where: string): Entries {
  const payloads = Object.entries(entries).filter(([key]) => key.startsWith(`${nestParameters.payload}:`))
  const [first, second] = payloads
  if (second !== undefined || (first !== undefined && first[1].data !== 'data'))
    refuse(
      where,
      'has a schema for the whole payload and takes it in parts: take it whole, or give @Payload(…) the schema',
    )
  if (first?.[1].pipes?.some((pipe) => pipe instanceof SchemaPipe))
    refuse(
      where,
      'has two schemas for its payload, and one that transforms refuses its own output: leave one out',
    )
  const pipe = new SchemaPipe(schema)
  if (first !== undefined) {
    const [key, entry] = first
    return { ...entries, [key]: { ...entry, pipes: [pipe, ...(entry.pipes ?? [])] } }
  }
  const index = Math.max(-1, ...Object.values(entries).map((entry) => entry.index)) + 1
  return {
    ...entries,
    [`${nestParameters.payload}:${index}`]: { index, data: 'data', pipes: [pipe], [written]: null },
  }
}

function refuse(where: string, why: string): never {
  throw new InvalidError('bad-parameter', `${where} ${why}.`)
}
