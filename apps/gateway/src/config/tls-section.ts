import { defineSection, duration } from '@natter/config'
import { z } from 'zod'

export const tlsSection = defineSection(
  'tls',
  'TLS for clients, by the gateway itself. Nothing: whoever stands in front does it.',
  {
    cert_file: {
      schema: z.string().min(1).optional(),
      example: '/etc/natter/tls/tls.crt',
      doc: 'PEM: the certificate, then those that lead to its authority. With it the gateway speaks TLS 1.2 and later alone.',
      shown: true,
    },
    key_file: {
      schema: z.string().min(1).optional(),
      example: '/etc/natter/tls/tls.key',
      doc: 'PEM: its private key, without a passphrase.',
      shown: true,
    },
    look_every: {
      schema: duration({ minMs: 100 }),
      default: '10s',
      example: '1m',
      doc: 'How often it is looked whether the files have changed: new connections get the new certificate, open ones stay.',
      shown: true,
    },
  },
)
