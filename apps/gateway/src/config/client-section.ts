import { bytes, defineSection, duration, list, reloadable } from '@natter/config'
import { Limits } from '@natter/protocol'
import { z } from 'zod'
import { limitSettings } from './limit-settings.js'
import { clientProxySettings } from './proxy-settings.js'
import { personalChannelSettings } from './personal-channel-settings.js'
import { tokenSettings } from './token-settings.js'

const count = (): z.ZodInt => z.int().min(1)

export const clientSection = defineSection('client', 'Who may connect, and what one client may cost.', {
  ...reloadable({
    ...tokenSettings,
    ...clientProxySettings,
    allow_anonymous: {
      schema: z.boolean(),
      default: false,
      example: 'true',
      doc: 'Lets clients without a token in, as the user with the empty id.',
      shown: true,
    },
    connect_by_app: {
      schema: z.boolean(),
      default: false,
      example: 'true',
      doc: 'An app says who connects; before it has started nobody does, and clients try again. Off, that begins with the first app that says it.',
      shown: true,
    },
    insecure: {
      schema: z.boolean(),
      default: false,
      example: 'true',
      doc: 'Development only: everybody may connect, subscribe, publish and read. Features that are off stay off.',
      shown: true,
    },
    allowed_origins: {
      schema: list(),
      default: [],
      example: 'https://app.example.com,https://*.example.org',
      doc: 'Origins of pages that may connect; * stands for any run of characters. Requests without Origin always pass.',
      shown: true,
    },
  }),
  max_message_size: {
    schema: bytes({ minBytes: 1024, maxBytes: 917_504 }),
    default: '64KiB',
    example: '128KiB',
    doc: 'A longer message closes the connection with 1009.',
    shown: true,
  },
  max_queue_size: {
    schema: bytes({ minBytes: 65_536 }),
    default: '1MiB',
    example: '4MiB',
    doc: 'Bytes waiting for a slow client before it is closed with 3008.',
    shown: true,
  },
  ...reloadable({
    max_channels: {
      schema: count(),
      default: Limits.maxChannels,
      example: '512',
      doc: 'Subscriptions of one connection; one more is answered with 106.',
      shown: true,
    },
    max_in_flight: {
      schema: count(),
      default: 512,
      example: '1024',
      doc: 'Commands of one connection in work at once; one more is answered with 111.',
      shown: true,
    },
    command_rate: {
      schema: count(),
      default: 5_000,
      example: '1000',
      doc: 'Commands per second of one connection, once its burst is spent; more closes it with 3013.',
      shown: true,
    },
    command_burst: {
      schema: count(),
      default: 10_000,
      example: '2000',
      doc: 'Commands that a connection may send at once. A message counts as one for each KiB, and each 64 brackets, of it at least.',
      shown: true,
    },
    ...limitSettings,
  }),
  ping_interval: {
    schema: duration({ minMs: 1_000 }),
    default: '25s',
    example: '50s',
    doc: 'Between two pings; announced to clients in whole seconds.',
    shown: true,
  },
  pong_timeout: {
    schema: duration({ minMs: 100 }),
    default: '8s',
    example: '15s',
    doc: 'How long a pong may take before 3012; less than the interval.',
    shown: true,
  },
  ...reloadable({
    stale_close_delay: {
      schema: duration({ minMs: 100 }),
      default: '10s',
      example: '5s',
      doc: 'A socket that has not connected by then is closed with 3502.',
      shown: true,
    },
    expired_close_delay: {
      schema: duration(),
      default: '25s',
      example: '1m',
      doc: 'How long past its expiry a token may still be refreshed before 3005.',
      shown: true,
    },
    expired_sub_close_delay: {
      schema: duration(),
      default: '25s',
      example: '1m',
      doc: 'How long past its expiry a subscription token may still be refreshed before the subscription ends (2501).',
      shown: true,
    },
    ...personalChannelSettings,
    hook_headers: {
      schema: list(),
      default: [
        'origin',
        'user-agent',
        'authorization',
        'cookie',
        'x-forwarded-for',
        'x-real-ip',
        'accept-language',
      ],
      example: 'origin,cookie',
      doc: 'Headers of the connecting request that apps are shown, in lower case; the others are forgotten at once.',
      shown: true,
    },
    history_page: {
      schema: count(),
      default: Limits.pageSize,
      example: '100',
      doc: 'Publications in one history reply.',
      shown: true,
    },
    recovery_page: {
      schema: count(),
      default: Limits.pageSize,
      example: '100',
      doc: 'Missed publications that a capped history recovers.',
      shown: true,
    },
  }),
})
