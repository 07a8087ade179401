import { z } from 'zod'
import { unwrap } from './values/kind.js'

/**
 * What a text from the environment or a flag means, by what the schema takes and never by how the text looks: `8001` stays a
 * text where a text is wanted. A text that doesn't fit is given back as it is, and the schema then refuses it.
 */
export function coerceText(schema: z.core.$ZodType, text: string): unknown {
  const inner = unwrap(schema)
  if (inner instanceof z.ZodPipe) return coerceText(inner.def.in, text)
  if (inner instanceof z.ZodNumber) return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
  if (inner instanceof z.ZodBoolean) return booleans[text.toLowerCase()] ?? text
  if (inner instanceof z.ZodUnion) return coerceToOneOf(inner.options, text)
  const isStructured =
    inner instanceof z.ZodArray ||
    inner instanceof z.ZodObject ||
    inner instanceof z.ZodRecord ||
    inner instanceof z.ZodTuple
  return isStructured ? fromJson(text) : text
}

const booleans: Readonly<Record<string, boolean>> = { true: true, 1: true, false: false, 0: false }

function coerceToOneOf(options: readonly z.core.$ZodType[], text: string): unknown {
  for (const option of options) {
    const coerced = coerceText(option, text)
    if (z.safeParse(option, coerced).success) return coerced
  }
  return text
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text // what JSON.parse says would quote the value, which may be secret
  }
}
