import { z } from 'zod'
import { coerceText } from '../coerce-text.js'
import { ofKind } from './kind.js'

/** Written `a,b` in the environment and flags, as a list in a file. Blanks around items are dropped, and so are empty items. */
export function list<S extends z.ZodType = z.ZodString>(item?: S): z.ZodType<z.output<S>[], unknown> {
  const itemSchema: z.ZodType = item ?? z.string()
  const split = (given: unknown): unknown =>
    typeof given === 'string' ? splitList(given, itemSchema) : given
  const schema = z.preprocess(split, z.array(itemSchema)) as unknown as z.ZodType<z.output<S>[], unknown>
  return ofKind(schema, { words: 'a list such as a,b' })
}

function splitList(text: string, item: z.ZodType): unknown[] {
  const parts = text.split(',').map((part) => part.trim())
  return parts.filter((part) => part !== '').map((part) => coerceText(item, part))
}
