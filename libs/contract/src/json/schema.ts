/** JSON Schema (2020-12) as plain data. */

/** An object of keywords; `{}` = any value. */
export type Schema = { readonly [keyword: string]: unknown }
/** Where a schema may stand within another one. */
export type Node = boolean | Schema

export const isObject = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const nodeOf = (value: unknown): Node =>
  typeof value === 'boolean' ? value : isObject(value) ? value : {}

/** Keys in their order, at every depth: two values are equal when their texts are. */
export function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isObject(value)) return value
  const entries = Object.entries(value).filter(([, one]) => one !== undefined)
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => [k, sorted(v)]))
}

export const textOf = (value: unknown): string => JSON.stringify(sorted(value))

/** A JSON pointer's part, as it stands in a `$ref`. */
export const pointerPart = (name: string): string =>
  encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'))

/** What `#/…` names in the document; undefined = nothing. */
export function resolvePointer(root: unknown, ref: string): unknown {
  if (!ref.startsWith('#')) return undefined
  let at = root
  for (const part of ref.split('/').slice(1)) {
    const name = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined
    at = (at as Record<string, unknown>)[name]
  }
  return at
}

/** The keywords under which a name is a name, and no keyword. */
const namesUnder = new Set(['properties', '$defs', 'patternProperties', 'dependentSchemas', 'definitions'])
/** Data, not schemas. */
const dataUnder = new Set(['const', 'enum', 'default', 'examples'])

/** The same schema with each of its schemas changed; the innermost first. */
export function mapSchemas(node: unknown, change: (schema: Schema) => Schema): unknown {
  if (Array.isArray(node)) return node.map((one) => mapSchemas(one, change))
  if (!isObject(node)) return node
  const entries = Object.entries(node).map(([keyword, value]) => [keyword, mapUnder(keyword, value, change)])
  return change(Object.fromEntries(entries) as Schema)
}

function mapUnder(keyword: string, value: unknown, change: (schema: Schema) => Schema): unknown {
  if (dataUnder.has(keyword) || keyword.startsWith('x-')) return value
  if (namesUnder.has(keyword) && isObject(value))
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, mapSchemas(one, change)]))
  return mapSchemas(value, change)
}
