/**
 * A schema as the list of its kinds of values, so that two can be compared kind by kind: unions, enums and several types are taken apart,
 * references followed, intersections put together.
 *
 * V1. A variant has none of `$ref`, `anyOf`, `oneOf`, `allOf`, `enum`, and at most one type. No variant = no value.
 * V2. What can't be put together stays as a keyword that is compared as it stands: never dropped.
 */
import { isObject, nodeOf, resolvePointer, textOf, type Node, type Schema } from '../json/schema.js'

export type Variant = Schema

/** Say nothing of which values there are. */
const annotations = new Set(
  '$schema $id $anchor $comment $defs definitions title description default examples deprecated readOnly writeOnly'.split(
    ' ',
  ),
)

/** Recursion without an end in sight. */
const maxDepth = 32

export function variantsOf(node: Node, root: Schema, depth = 0): Variant[] {
  if (node === true) return [{}]
  if (node === false) return []
  if (depth > maxDepth) return [{ 'too deep': textOf(node) }] // V2
  const { $ref: ref, anyOf, oneOf, allOf, ...rest } = meaningOf(node)
  const parts: Variant[][] = [simple(rest)]
  const followed = (one: unknown): Variant[] => variantsOf(nodeOf(one), root, depth + 1)
  if (typeof ref === 'string') parts.push(target(ref, root, depth))
  for (const union of [anyOf, oneOf]) if (Array.isArray(union)) parts.push(union.flatMap(followed))
  if (Array.isArray(allOf)) parts.push(...allOf.map(followed))
  return parts.reduce((all, part) => all.flatMap((a) => part.flatMap((b) => both(a, b))))
}

function meaningOf(schema: Schema): Schema {
  const kept = Object.entries(schema).filter(([keyword, value]) => !isSilent(keyword, value))
  return Object.fromEntries(kept)
}

const isSilent = (keyword: string, value: unknown): boolean =>
  annotations.has(keyword) ||
  keyword.startsWith('x-') ||
  (keyword === 'uniqueItems' && value === false) ||
  (/^min(Length|Items|Properties)$/.test(keyword) && value === 0) ||
  (keyword === 'propertyNames' && textOf(value) === '{"type":"string"}')

function target(ref: string, root: Schema, depth: number): Variant[] {
  const found = resolvePointer(root, ref)
  return found === undefined ? [{ $ref: ref }] : variantsOf(nodeOf(found), root, depth + 1) // V2
}

/** Without unions of schemas: types and enums alone. */
function simple(schema: Schema): Variant[] {
  const { type, enum: words, not, ...rest } = schema
  if (isObject(not) && Object.keys(not).length === 0) return []
  const negated = not === undefined ? rest : { ...rest, not }
  if (Array.isArray(words)) {
    const types = typesIn(type)
    const fitting = words.filter((word) => types === undefined || types.some((one) => isOfType(word, one)))
    return fitting.flatMap((word) => both({ const: word }, negated))
  }
  if ('const' in negated) return [negated]
  return (typesIn(type) ?? [undefined]).flatMap((one) => ofType(one, negated))
}

const typesIn = (type: unknown): string[] | undefined =>
  type === undefined ? undefined : [type].flat().map(String)

function ofType(type: string | undefined, rest: Schema): Variant[] {
  if (type === undefined) return [rest]
  if (type === 'null') return [{ const: null }]
  if (type === 'boolean') return [{ const: false }, { const: true }]
  return [{ ...rest, type }]
}

export function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}

export const isOfType = (value: unknown, type: string): boolean =>
  typeOf(value) === type || (type === 'number' && typeof value === 'number')

/** The values that are in both; empty = none are. */
function both(a: Variant, b: Variant): Variant[] {
  const merged: Record<string, unknown> = { ...a }
  for (const [keyword, value] of Object.entries(b)) {
    if (!(keyword in merged)) merged[keyword] = value
    else if (textOf(merged[keyword]) !== textOf(value) && !merge(merged, keyword, value)) return []
  }
  const { const: word, type } = merged
  if (!('const' in merged) || typeof type !== 'string') return [merged]
  if (!isOfType(word, type)) return []
  const { type: _, ...rest } = merged
  return [rest]
}

/** Answers whether any value is left. */
function merge(into: Record<string, unknown>, keyword: string, value: unknown): boolean {
  const own = into[keyword]
  if (keyword === 'const') return false
  if (keyword === 'type') {
    into['type'] = 'integer'
    return new Set(['integer number', 'number integer']).has([own, value].join(' '))
  }
  if (keyword === 'required') into['required'] = [...new Set([own, value].flat())]
  else if (keyword === 'properties') into['properties'] = bothProperties(own as Schema, value as Schema)
  else if (keyword.startsWith('min')) into[keyword] = Math.max(own as number, value as number)
  else if (keyword.startsWith('max')) into[keyword] = Math.min(own as number, value as number)
  else into[`also ${keyword}`] = value // V2
  return true
}

function bothProperties(a: Schema, b: Schema): Schema {
  const shared = Object.keys(a).filter((name) => name in b)
  return { ...a, ...b, ...Object.fromEntries(shared.map((name) => [name, { allOf: [a[name], b[name]] }])) }
}
