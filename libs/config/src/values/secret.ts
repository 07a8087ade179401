import { z } from 'zod'
import { ofKind } from './kind.js'

/** A text that is never shown, and that can also come from a file named by `<ENV NAME>_FILE`. */
export function secret({ minLength = 1 } = {}): z.ZodString {
  const words = minLength > 1 ? `a secret of at least ${minLength} characters` : 'a secret'
  return ofKind(z.string(`must be ${words}`).min(minLength, `must be ${words}`), { words, isSecret: true })
}
