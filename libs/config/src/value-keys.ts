import { z } from 'zod'
import { kindOf, unwrap } from './values/kind.js'

/** One key of an object that is a setting's value, or an item of it. */
export interface ValueKey {
  readonly key: string
  /** Completes "must be …". */
  readonly kind: string
  readonly default: unknown
  readonly isRequired: boolean
}

/** The keys of a value that is an object, a list of objects or a record of objects; none for other values. */
export function keysOfValue(schema: z.core.$ZodType): ValueKey[] {
  const inner = unwrap(schema)
  if (inner instanceof z.ZodPipe) return keysOfValue(inner.def.in)
  if (inner instanceof z.ZodArray) return keysOfValue(inner.def.element)
  if (inner instanceof z.ZodRecord) return keysOfValue(inner.def.valueType)
  if (!(inner instanceof z.ZodObject)) return []
  return Object.entries(inner.def.shape as Record<string, z.core.$ZodType>).map(([key, value]) => {
    const unset = z.safeParse(value, undefined)
    return {
      key,
      kind: kindOf(value),
      default: unset.success ? unset.data : undefined,
      isRequired: !unset.success,
    }
  })
}
