import { z } from 'zod'
import { ofKind } from './kind.js'

const words = 'a port from 1 to 65535, or 0 for any free one'

/** A port to listen on. 0 lets the system choose. */
export function port(): z.ZodType<number, number> {
  return ofKind(z.int(`must be ${words}`).min(0, `must be ${words}`).max(65_535, `must be ${words}`), {
    words,
  })
}
