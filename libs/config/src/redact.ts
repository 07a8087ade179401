import { z } from 'zod'
import type { SettingInfo } from './config-definition.js'
import { isSecret, unwrap } from './values/kind.js'

/** Stands for what may not be shown. */
export const hiddenText = '(hidden)'

/**
 * What may be shown of a value: nothing unless its setting says so, no secret that stands somewhere within it, and of addresses neither
 * the user and password nor the query.
 */
export function redact({ setting }: SettingInfo, value: unknown): unknown {
  return setting.shown ? visible(setting.schema, value) : hiddenText
}

function visible(schema: z.core.$ZodType, value: unknown): unknown {
  if (!holdsSecret(schema)) return withoutCredentials(value)
  if (isSecret(schema)) return hiddenText
  const inner = unwrap(schema)
  if (inner instanceof z.ZodArray && Array.isArray(value))
    return value.map((item) => visible(inner.element, item))
  if (!isRecord(value)) return hiddenText // a text that should have been more, and holds who knows what
  const entries = Object.entries(value).map(([key, item]) => [key, visibleAt(inner, key, item)])
  return Object.fromEntries(entries)
}

function visibleAt(schema: z.core.$ZodType, key: string, value: unknown): unknown {
  if (schema instanceof z.ZodRecord) return visible(schema.valueType, value)
  const known = schema instanceof z.ZodObject ? (schema.shape[key] as z.core.$ZodType | undefined) : undefined
  return known === undefined ? hiddenText : visible(known, value) // a misspelt secret is still one
}

function holdsSecret(schema: z.core.$ZodType): boolean {
  if (isSecret(schema)) return true
  const inner = unwrap(schema)
  if (inner instanceof z.ZodArray) return holdsSecret(inner.element)
  if (inner instanceof z.ZodRecord) return holdsSecret(inner.valueType)
  return inner instanceof z.ZodObject && Object.values(inner.shape).some((one) => holdsSecret(one))
}

function withoutCredentials(value: unknown): unknown {
  if (typeof value === 'string') {
    return value
      .replaceAll(/:\/\/\S*@/g, `://${hiddenText}@`) // greedy: a password may hold an @
      .replaceAll(/(:\/\/[^\s?]*)\?[^\s,]*/g, `$1?${hiddenText}`)
  }
  if (Array.isArray(value)) return value.map((item) => withoutCredentials(item))
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutCredentials(item)]))
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
