import { z } from 'zod'

/** What a process may be called in logs, metrics and the names of its connections. */
export function nodeName(): z.ZodString {
  return z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be letters, digits, dots, dashes')
}
