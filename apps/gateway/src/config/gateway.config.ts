import {
  channelProblems,
  channelSection,
  defineConfig,
  logSection,
  natsSection,
  opsSection,
  postgresSection,
  type ConfigOf,
} from '@natter/config'
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { GatewayOptions } from '../gateway.options.js'
import { version } from '../gateway.version.js'
import { clientSection } from './client-section.js'
import { drainSection } from './drain-section.js'
import { gatewaySection } from './gateway-section.js'
import { httpApiOptionsOf, httpApiSection } from './http-api-section.js'
import { personalChannelProblems } from './personal-channel-settings.js'
import { tlsSection } from './tls-section.js'
import { limitOptionsOf } from './limit-settings.js'
import { isConnectedByHook, proxiesSection, proxyProblems, rpcSection } from './proxy-settings.js'
import { hasTokenKeys, tokenProblems } from './token-settings.js'
import { transportSection } from './transport-section.js'

export const gatewayConfig = defineConfig({
  app: 'gateway',
  // One natter.yaml serves all apps.
  foreignSections: ['messenger', 'persistence'],
  sections: [
    gatewaySection,
    transportSection,
    tlsSection,
    natsSection,
    postgresSection,
    clientSection,
    channelSection,
    rpcSection,
    proxiesSection,
    drainSection,
    httpApiSection,
    opsSection,
    logSection,
  ],
  check: ({ client, channel, rpc, proxies, drain, tls }) => {
    return [
      ...channelProblems(channel),
      ...personalChannelProblems({ client, channel }),
      ...(client.pong_timeout <= client.ping_interval * 0.95
        ? []
        : [{ key: 'client.pong_timeout', message: 'must be at most 95 % of client.ping_interval' }]),
      ...((tls.cert_file === undefined) === (tls.key_file === undefined)
        ? []
        : [
            {
              key: tls.cert_file === undefined ? 'tls.cert_file' : 'tls.key_file',
              message: 'is needed too: certificate and key go together',
            },
          ]),
      ...(drain.delay < drain.deadline
        ? []
        : [
            {
              key: 'drain.delay',
              message: 'must be shorter than drain.deadline: by then the process has ended',
            },
          ]),
      ...tokenProblems(client),
      ...proxyProblems({ client, channel, rpc, proxies }),
      ...(hasTokenKeys(client) ||
      client.allow_anonymous ||
      client.connect_by_app ||
      isConnectedByHook({ client }) ||
      client.insecure
        ? []
        : [
            {
              key: 'client.token_hmac_secret_key',
              message:
                'is needed, or another key for tokens, client.allow_anonymous, client.connect_by_app or client.proxy.connect: else nobody could connect',
            },
          ]),
    ]
  },
})

export type GatewayConfig = ConfigOf<typeof gatewayConfig>

export function optionsOf({
  gateway,
  client,
  drain,
  transport,
  http_api: httpApi,
}: GatewayConfig): GatewayOptions {
  return {
    name: gateway.name ?? `${hostname()}-${gateway.port}-${randomBytes(3).toString('hex')}`,
    version,
    host: gateway.host,
    port: gateway.port,
    sharePort: gateway.share_port,
    ...(gateway.max_connections === undefined ? {} : { maxConnections: gateway.max_connections }),
    trustedProxies: gateway.trusted_proxies,
    presenceTimeoutMs: 300,
    httpApi: httpApiOptionsOf(httpApi),
    drain: { delayMs: drain.delay, ratePerSecond: drain.rate, deadlineMs: drain.deadline },
    client: {
      allowAnonymous: client.allow_anonymous,
      connectByApp: client.connect_by_app,
      insecure: client.insecure,
      allowedOrigins: client.allowed_origins,
      maxMessageBytes: client.max_message_size,
      maxQueueBytes: client.max_queue_size,
      maxChannels: client.max_channels,
      maxInFlight: client.max_in_flight,
      commandRate: client.command_rate,
      commandBurst: client.command_burst,
      ...limitOptionsOf(client),
      pingIntervalMs: client.ping_interval,
      pongTimeoutMs: client.pong_timeout,
      staleCloseMs: client.stale_close_delay,
      expiredCloseDelayMs: client.expired_close_delay,
      expiredSubCloseDelayMs: client.expired_sub_close_delay,
      disallowAnonymousTokens: client.disallow_anonymous_connection_tokens,
      hookHeaders: client.hook_headers.map((name) => name.toLowerCase()),
      ...(client.subscribe_to_user_personal_channel
        ? { personalChannel: { namespace: client.personal_channel_namespace } }
        : {}),
      transports: {
        websocket: transport.websocket,
        httpStream: transport.http_stream,
        sse: transport.sse,
        uniWebsocket: transport.uni_websocket,
        uniSse: transport.uni_sse,
        uniHttpStream: transport.uni_http_stream,
      },
      historyPage: client.history_page,
      recoveryPage: client.recovery_page,
    },
  }
}
