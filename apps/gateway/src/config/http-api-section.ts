import { bytes, defineSection, port, reloadable, secret } from '@natter/config'
import { z } from 'zod'
import type { HttpApiOptions } from '../http-api/http-api.options.js'

const minKeyLength = 8

const hidden = (example: string, doc: string) =>
  ({ schema: secret({ minLength: minKeyLength }).optional(), example, doc, shown: false }) as const

export const httpApiSection = defineSection(
  'http_api',
  'What backends ask over HTTP: POST /api/<method>. Without a key there is none.',
  {
    host: {
      schema: z.string().min(1),
      default: '127.0.0.1',
      example: '0.0.0.0',
      doc: 'The address of the private port. Backends alone should reach it: who has the key may do everything.',
      shown: true,
    },
    port: {
      schema: port(),
      default: 8020,
      example: '9000',
      doc: 'The private port; 0 takes any free one, and the log says which. Listened on only where there is a key.',
      shown: true,
    },
    external: {
      schema: z.boolean(),
      default: false,
      example: 'true',
      doc: 'On gateway.port instead of a port of its own. Then a message is at most client.max_message_size too.',
      shown: true,
    },
    ...reloadable({
      key: hidden(
        'a-long-random-text',
        'Who shows it is believed: X-API-Key, Authorization: apikey …, or ?api_key=.',
      ),
      previous_key: hidden('the-one-before', 'Also believed, while backends still show the key before.'),
      insecure: {
        schema: z.boolean(),
        default: false,
        example: 'true',
        doc: 'Development only: everybody who reaches the port is believed, without a key.',
        shown: true,
      },
      error_mode: {
        schema: z.enum(['', 'transport']),
        default: '',
        example: 'transport',
        doc: 'transport: errors are told by the status of the answer, not in an answer with status 200. X-Centrifugo-Error-Mode asks for it per request.',
        shown: true,
      },
      max_body_size: {
        schema: bytes({ minBytes: 1024, maxBytes: 16_777_216 }),
        default: '1MiB',
        example: '4MiB',
        doc: 'A longer request is answered with 413. One publication still has to fit into a message of NATS.',
        shown: true,
      },
    }),
  },
)

export interface HttpApiValues {
  readonly host: string
  readonly port: number
  readonly external: boolean
  readonly key?: string | undefined
  readonly previous_key?: string | undefined
  readonly insecure: boolean
  readonly error_mode: '' | 'transport'
  readonly max_body_size: number
}

/** A key that was replaced counts only beside the one that replaced it. */
export const httpApiOptionsOf = (api: HttpApiValues): HttpApiOptions => ({
  host: api.host,
  port: api.port,
  isExternal: api.external,
  keys: [api.key, api.key === undefined ? undefined : api.previous_key].filter((key) => key !== undefined),
  isInsecure: api.insecure,
  errorMode: api.error_mode === 'transport' ? 'transport' : 'reply',
  maxBodyBytes: api.max_body_size,
})
