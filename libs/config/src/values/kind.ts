/**
 * What sort of value a schema takes: for sentences and the reference page, and for whether it may be shown. Helpers of this
 * folder say it themselves; of zod's own types it is read off the schema.
 */
import { z } from 'zod'

interface Kind {
  /** Completes "must be …". */
  readonly words: string
  readonly isSecret?: boolean
}

const kinds = z.registry<Kind>()

export function ofKind<S extends z.ZodType>(schema: S, kind: Kind): S {
  kinds.add(schema, kind)
  return schema
}

/** The schema below `.optional()`, `.default()` and the like. */
export function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  const { def } = schema._zod
  return 'innerType' in def ? unwrap(def.innerType as z.core.$ZodType) : schema
}

export function isSecret(schema: z.core.$ZodType): boolean {
  const inner = unwrap(schema)
  if (kinds.get(schema)?.isSecret === true || kinds.get(inner)?.isSecret === true) return true
  return inner instanceof z.ZodPipe && isSecret(inner.def.in)
}

export function kindOf(schema: z.core.$ZodType): string {
  const inner = unwrap(schema)
  const own = kinds.get(schema) ?? kinds.get(inner)
  if (own !== undefined) return own.words
  if (inner instanceof z.ZodString) return 'a text'
  if (inner instanceof z.ZodNumber) return inner.isInt ? 'a whole number' : 'a number'
  if (inner instanceof z.ZodBoolean) return 'true or false'
  if (inner instanceof z.ZodEnum) return `one of ${inner.options.map((option) => option || "''").join(', ')}`
  if (inner instanceof z.ZodArray) return 'a list'
  if (inner instanceof z.ZodObject || inner instanceof z.ZodRecord) return 'an object'
  return inner instanceof z.ZodPipe ? kindOf(inner.def.in) : 'a value of another kind'
}
