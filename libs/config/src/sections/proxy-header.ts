import { z } from 'zod'

/** What Node or the hook itself says; and what is between two hops alone. */
const ownHeaders: ReadonlySet<string> = new Set([
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** The name of a header that a request may carry, in lower case behind it. */
export function headerName(): z.ZodType<string, string> {
  return z
    .string()
    .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'must be the name of a header')
    .refine((name) => !ownHeaders.has(name.toLowerCase()), 'names a header that requests have of their own')
    .transform((name) => name.toLowerCase())
}
