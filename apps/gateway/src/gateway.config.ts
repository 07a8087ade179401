import { namespaceName, namespaceSchema } from '@natter/auth'
import {
  bytes,
  defineConfig,
  defineSection,
  duration,
  list,
  logSection,
  opsSection,
  port,
  secret,
  type ConfigOf,
} from '@natter/config'
import { Limits } from '@natter/protocol'
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { z } from 'zod'
import type { GatewayOptions } from './gateway.options.js'
import { version } from './gateway.version.js'

const count = (least = 1): z.ZodInt => z.int().min(least)

const gatewaySection = defineSection('gateway', 'Where clients connect, and how many.', {
  name: {
    schema: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'must be letters, digits, dots, dashes')
      .optional(),
    example: 'gateway-1',
    doc: 'Name of this node in logs and metrics, unique in the mesh. Nothing: host name, port and a random word.',
    shown: true,
  },
  host: {
    schema: z.string().min(1),
    default: '127.0.0.1',
    example: '0.0.0.0',
    doc: 'The address to listen on.',
    shown: true,
  },
  port: {
    schema: port(),
    default: 8000,
    example: '8001',
    doc: 'The port for clients; 0 takes any free one.',
    shown: true,
  },
  share_port: {
    schema: z.boolean(),
    default: false,
    example: 'true',
    doc: 'Lets several gateways of one machine listen on the same port. Off, a taken port is an error.',
    shown: true,
  },
  max_connections: {
    schema: count(),
    default: 15_000,
    example: '50000',
    doc: 'Connections of this node; beyond it the upgrade is answered 503. Keep it below the descriptors of the process.',
    shown: true,
  },
})

const natsSection = defineSection('nats', 'The way to NATS and what is kept there.', {
  url: {
    schema: list(),
    default: ['nats://127.0.0.1:4222'],
    example: 'nats://10.0.0.5:4222,nats://10.0.0.6:4222',
    doc: 'Addresses of the NATS servers, any of which may answer.',
    shown: true,
  },
  prefix: {
    schema: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,31}$/, 'must be lower-case letters, digits, - and _'),
    default: 'natter',
    example: 'natter',
    doc: 'Names subjects, streams and buckets: two meshes with different prefixes on one NATS never meet.',
    shown: true,
  },
  user: {
    schema: z.string().optional(),
    example: 'natter',
    doc: 'User name, where NATS asks for one.',
    shown: true,
  },
  password: {
    schema: secret().optional(),
    example: 'keep-me-safe',
    doc: 'Password of `nats.user`.',
    shown: false,
  },
  token: {
    schema: secret().optional(),
    example: 'keep-me-safe',
    doc: 'Token, where NATS asks for one.',
    shown: false,
  },
  creds_file: {
    schema: z.string().optional(),
    example: '/run/secrets/natter.creds',
    doc: 'File with NATS credentials (JWT and seed).',
    shown: true,
  },
  connect_timeout: {
    schema: duration(),
    default: '5s',
    example: '30s',
    doc: 'How long the first connect is tried before giving up.',
    shown: true,
  },
  streams: {
    schema: z.int().min(1).max(64),
    default: 1,
    example: '8',
    doc: 'Into how many streams channels are spread. Read at the very first boot of a mesh only.',
    shown: true,
  },
  replicas: {
    schema: z.int().min(1).max(5),
    default: 1,
    example: '3',
    doc: 'Copies of each stream, at its creation.',
    shown: true,
  },
  stream_max_bytes: {
    schema: bytes(),
    default: '1GiB',
    example: '20GiB',
    doc: 'Size of each stream; when it is full the oldest publications go.',
    shown: true,
  },
  stream_max_age: {
    schema: duration(),
    default: '24h',
    example: '7d',
    doc: 'Age at which publications leave a stream.',
    shown: true,
  },
})

const clientSection = defineSection('client', 'Who may connect, and what one client may cost.', {
  token_hmac_secret_key: {
    schema: secret().optional(),
    example: 'a-long-random-text',
    doc: 'Secret of connection tokens signed with HS256. Nothing: no token is believed.',
    shown: false,
  },
  token_previous_hmac_secret_key: {
    schema: secret().optional(),
    example: 'the-one-before',
    doc: 'Also believed, while tokens of the secret before are still about.',
    shown: false,
  },
  allow_anonymous: {
    schema: z.boolean(),
    default: false,
    example: 'true',
    doc: 'Lets clients without a token in, as the user with the empty id.',
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
})

const namespaceOptions = namespaceSchema({ duration: duration() })

const channelSection = defineSection(
  'channel',
  'What channels are and who may use them. Everything is off until it is set.',
  {
    without_namespace: {
      schema: namespaceOptions,
      default: {},
      example: '{"allow_subscribe_for_client":true}',
      doc: 'Options of channels without a namespace.',
      shown: true,
    },
    namespaces: {
      schema: z.array(namespaceOptions.safeExtend({ name: namespaceName })),
      default: [],
      example: '[{"name":"chat","keep":"stream","allow_subscribe_for_client":true}]',
      doc: 'Namespaces by name: the text of a channel before its first colon.',
      shown: true,
    },
  },
)

export const gatewayConfig = defineConfig({
  app: 'gateway',
  // One natter.yaml serves all apps.
  foreignSections: ['messenger'],
  sections: [gatewaySection, natsSection, clientSection, channelSection, opsSection, logSection],
  check: ({ client, channel }) => {
    const names = channel.namespaces.map(({ name }) => name)
    const doubled = names.filter((name, index) => names.indexOf(name) !== index)
    return [
      ...doubled.map((name) => ({
        key: 'channel.namespaces',
        message: `names ${name} twice: keep one of them`,
      })),
      ...(client.pong_timeout <= client.ping_interval * 0.95
        ? []
        : [{ key: 'client.pong_timeout', message: 'must be at most 95 % of client.ping_interval' }]),
      ...(client.token_hmac_secret_key !== undefined || client.allow_anonymous || client.insecure
        ? []
        : [
            {
              key: 'client.token_hmac_secret_key',
              message: 'is needed, or client.allow_anonymous: else nobody could connect',
            },
          ]),
    ]
  },
})

export type GatewayConfig = ConfigOf<typeof gatewayConfig>

export function optionsOf({ gateway, client }: GatewayConfig): GatewayOptions {
  return {
    name: gateway.name ?? `${hostname()}-${gateway.port}-${randomBytes(3).toString('hex')}`,
    version,
    host: gateway.host,
    port: gateway.port,
    sharePort: gateway.share_port,
    maxConnections: gateway.max_connections,
    presenceTimeoutMs: 300,
    client: {
      allowAnonymous: client.allow_anonymous,
      insecure: client.insecure,
      allowedOrigins: client.allowed_origins,
      maxMessageBytes: client.max_message_size,
      maxQueueBytes: client.max_queue_size,
      maxChannels: client.max_channels,
      maxInFlight: client.max_in_flight,
      pingIntervalMs: client.ping_interval,
      pongTimeoutMs: client.pong_timeout,
      staleCloseMs: client.stale_close_delay,
      expiredCloseDelayMs: client.expired_close_delay,
      historyPage: client.history_page,
      recoveryPage: client.recovery_page,
    },
  }
}
