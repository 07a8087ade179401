/**
 * Payload schemas as components of a document, and back: what a schema's own `$ref`s name (`#`, `#/$defs/…`) is under its component then.
 */
import { mapSchemas, pointerPart, resolvePointer, isObject, type Schema } from '../json/schema.js'

const under = '#/components/schemas/'

export class Components {
  readonly schemas: Record<string, unknown> = {}

  /** Answers what stands in its place. Names are made of what both kinds of documents take; one that is taken gets a number. */
  add(wanted: string, schema: Schema): Schema {
    const name = this.free(wanted.replaceAll(/[^-.\w]+/g, '.').replaceAll(/^\.+|\.+$/g, ''))
    const at = `${under}${pointerPart(name)}`
    this.schemas[name] = mapSchemas(schema, (one) => withRef(one, (ref) => `${at}${ref.slice(1)}`))
    return { $ref: at }
  }

  private free(name: string): string {
    const taken = (one: string): boolean => Object.hasOwn(this.schemas, one)
    if (!taken(name)) return name
    for (let i = 2; ; i += 1) if (!taken(`${name}-${i}`)) return `${name}-${i}`
  }
}

function withRef(schema: Schema, change: (ref: string) => string): Schema {
  const { $ref: ref } = schema
  return typeof ref === 'string' && ref.startsWith('#') ? { ...schema, $ref: change(ref) } : schema
}

/** The schema that stands alone again. undefined = there is none. */
export function standalone(document: unknown, place: unknown): Schema | undefined {
  if (!isObject(place)) return undefined
  const { $ref: ref } = place
  if (typeof ref !== 'string') return place
  const found = resolvePointer(document, ref)
  if (!isObject(found)) return undefined
  const own = (one: string): boolean => one === ref || one.startsWith(`${ref}/`)
  return mapSchemas(found, (one) =>
    withRef(one, (inner) => (own(inner) ? `#${inner.slice(ref.length)}` : inner)),
  ) as Schema
}
