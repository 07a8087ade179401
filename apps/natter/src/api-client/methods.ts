/** The methods that the command line asks for, and as much of their answers as it shows. More in an answer is passed over. */
import { z } from 'zod'
import type { Method } from './api-client.js'

const clientInfo = z.object({
  user: z.string().default(''),
  client: z.string().default(''),
  conn_info: z.unknown().optional(),
  chan_info: z.unknown().optional(),
})

const publication = z.object({
  /** Any JSON; bytes that are none come as `b64data`. */
  data: z.unknown().optional(),
  b64data: z.string().optional(),
  info: clientInfo.optional(),
  offset: z.number().default(0),
  tags: z.record(z.string(), z.string()).optional(),
  /** Milliseconds since 1970. */
  time: z.number().optional(),
})

export type ApiPublication = z.output<typeof publication>

const node = z.object({
  uid: z.string().default(''),
  name: z.string().default(''),
  version: z.string().default(''),
  num_clients: z.number().default(0),
  num_users: z.number().default(0),
  num_subs: z.number().default(0),
  num_channels: z.number().default(0),
  /** Seconds. */
  uptime: z.number().default(0),
})

const method = <T>(name: string, result: z.ZodType<T>, isChange = false): Method<T> => ({
  name,
  result,
  isChange,
})

export const methods = {
  publish: method('publish', z.object({ offset: z.number().optional(), epoch: z.string().optional() }), true),
  history: method(
    'history',
    z.object({
      publications: z.array(publication).default([]),
      offset: z.number().default(0),
      epoch: z.string().default(''),
    }),
  ),
  presence: method('presence', z.object({ presence: z.record(z.string(), clientInfo).default({}) })),
  info: method('info', z.object({ nodes: z.array(node).default([]) })),
  disconnect: method('disconnect', z.object({}), true),
} as const

export type HistoryPage = z.output<typeof methods.history.result>
