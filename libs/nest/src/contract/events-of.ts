/** What clients `send`, told apart by the `event` in it, as `@natter/client` sends it. */
import { isObject, mapSchemas, type Schema } from '@natter/contract'

/** Of no event alone. */
const whole = '*'

/** One schema for each event: a union of handlers' schemas is taken apart where each part has an `event` of its own. */
export function eventsOf(heard: readonly Schema[]): Record<string, Schema> {
  const byName = new Map<string, Schema[]>()
  for (const schema of heard)
    for (const part of partsOf(schema)) {
      const name = nameOf(part) ?? whole
      byName.set(name, [...(byName.get(name) ?? []), part])
    }
  const names = [...byName.keys()].toSorted()
  return Object.fromEntries(names.map((name) => [name, unionOf(byName.get(name) ?? [])]))
}

const unionOf = (parts: readonly Schema[]): Schema =>
  parts.length === 1 ? parts[0]! : { anyOf: parts.map(within) }

/** Its references, where it is one of several. */
const within = (part: Schema, at: number): unknown =>
  mapSchemas(part, (one) => {
    const { $ref: ref } = one
    return typeof ref === 'string' && ref.startsWith('#')
      ? { ...one, $ref: `#/anyOf/${at}${ref.slice(1)}` }
      : one
  })

/** A schema that refers to itself is left whole: its parts couldn't. */
function partsOf(schema: Schema): Schema[] {
  const { anyOf, oneOf, ...rest } = schema
  const parts: unknown = oneOf ?? anyOf
  const isUnion = Array.isArray(parts) && Object.keys(rest).length === 0
  if (!isUnion || JSON.stringify(schema).includes('"$ref"')) return [schema]
  const found = (parts as unknown[]).filter(isObject)
  return found.length === (parts as unknown[]).length && found.every((one) => nameOf(one) !== undefined)
    ? found
    : [schema]
}

function nameOf({ properties }: Schema): string | undefined {
  const event = isObject(properties) ? properties['event'] : undefined
  const word = isObject(event) ? event['const'] : undefined
  return typeof word === 'string' ? word : undefined
}
