/** Shapes that several methods take or answer. */
import { z } from 'zod'
import { json } from './method.js'

const unixSeconds = (what: string) => z.int().min(0).describe(`${what}, in seconds since 1970.`)

export const channel = z.string().min(1).describe('The name of a channel.')
export const user = z
  .string()
  .describe('The id of a user. "" is the anonymous one, who has to be narrowed by `client`.')
export const offset = z.int().min(0)

/** Whose connections it concerns. */
export const connections = {
  user,
  client: z.string().optional().describe('Only the connection with this id.'),
  session: z.string().optional().describe('Only the connection with this session.'),
}

export const publication = {
  data: json('Any JSON value: what subscribers get, byte for byte. This or `b64data`.'),
  b64data: z.base64().optional().describe('The same as bytes, in base64. They need not be JSON.'),
  skip_history: z.boolean().optional().describe('Told to those who are there, and not kept.'),
  tags: z.record(z.string(), z.string()).optional().describe('Texts by name, for filters of subscribers.'),
  idempotency_key: z
    .string()
    .max(1024)
    .optional()
    .describe(
      'Within five minutes the same key publishes once into a channel; a repeat is answered as the first was.',
    ),
  delta: z.boolean().optional().describe('Subscribers who asked for it may be told only what changed.'),
  version: z
    .int()
    .min(0)
    .optional()
    .describe(
      'Left out where the channel has a publication with this version or a newer one. 0 or absent = none.',
    ),
  version_epoch: z
    .string()
    .max(256)
    .optional()
    .describe('Versions of another epoch don’t count; "" or absent = all do.'),
}

export const position = z.object({
  offset: offset.optional(),
  epoch: z.string().optional(),
})

export const published = z.object({
  offset: offset.optional().describe('Where it is kept; absent where the channel keeps nothing.'),
  epoch: z.string().optional().describe('What the numbering of the offset is called.'),
})

export const clientInfo = z.object({
  user: z.string(),
  client: z.string(),
  conn_info: z.unknown().optional(),
  chan_info: z.unknown().optional(),
})

export const errorShape = z.object({
  code: z.int().describe('100–113 as in docs/reference/error-codes.md.'),
  message: z.string(),
  temporary: z.boolean().optional().describe('The same request may succeed later.'),
})

export const expireAt = unixSeconds('When it ends')
export const nothing = z.object({})
