/** The JSON Schema that a Standard Schema says of itself, where it can (standardschema.dev: Standard JSON Schema). */
import { mapSchemas, type Schema } from '@natter/contract'
import { messageOf } from '@natter/primitives'
import type { StandardSchema } from '../pipeline/standard-schema.js'

/** `input`: what is taken. `output`: what is made of it. */
export type Side = 'input' | 'output'

/** `schema` is `{}`, anything, where there is a `gap`: why no more can be said. */
export interface Described {
  readonly schema: Schema
  readonly gap?: string
}

interface Converter {
  readonly input: (options: object) => Record<string, unknown>
  readonly output: (options: object) => Record<string, unknown>
}

export function describeSchema(schema: StandardSchema, side: Side): Described {
  const { vendor, jsonSchema } = schema['~standard'] as StandardSchema['~standard'] & {
    jsonSchema?: Converter
  }
  if (jsonSchema === undefined) return { schema: {}, gap: `its schema, of ${vendor}, gives no JSON Schema` }
  try {
    return { schema: tidy(jsonSchema[side]({ target: 'draft-2020-12' }), side) }
  } catch (error) {
    return { schema: {}, gap: `its schema, of ${vendor}, has no JSON Schema: ${messageOf(error)}` }
  }
}

/** Of results nothing more is said than what is there: later versions may tell more. */
function tidy(schema: Schema, side: Side): Schema {
  return mapSchemas(schema, (one) => {
    const kept = Object.entries(one).filter(([name, value]) => !isNoise(name, value, side))
    return Object.fromEntries(kept)
  }) as Schema
}

/** The bounds of whole numbers in JavaScript are said by `integer`. */
const isNoise = (name: string, value: unknown, side: Side): boolean =>
  name === '$schema' ||
  (name === 'maximum' && value === Number.MAX_SAFE_INTEGER) ||
  (name === 'minimum' && value === Number.MIN_SAFE_INTEGER) ||
  (name === 'additionalProperties' && value === false && side === 'output')
