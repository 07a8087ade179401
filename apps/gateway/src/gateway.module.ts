import {
  HmacTokenVerifier,
  NoTokens,
  resolveNamespace,
  type Namespace,
  type TokenVerifier,
} from '@natter/auth'
import { createNatsBroker, type Broker, type BrokerEvents } from '@natter/broker'
import { systemClock, TypedEvents } from '@natter/primitives'
import { createUwsServer } from '@natter/transport'
import {
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationBootstrap,
} from '@nestjs/common'
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import type { GatewayConfig } from './gateway.config.js'
import { Gateway } from './gateway.js'
import type { GatewayEvents } from './gateway.events.js'
import type { GatewayOptions } from './gateway.options.js'
import { version } from './gateway.version.js'

const EVENTS = Symbol('gateway events')
const BROKER = Symbol('broker')

/** The composition root: which libs make a gateway, in the order in which they start and stop. */
@Module({})
export class GatewayModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    @Inject(BROKER) private readonly broker: Broker,
    @Inject(Gateway) private readonly gateway: Gateway,
  ) {}

  static register(config: GatewayConfig, events: GatewayEventStreams): DynamicModule {
    return {
      module: GatewayModule,
      providers: [
        { provide: EVENTS, useValue: events },
        { provide: BROKER, useFactory: () => connect(config, events) },
        {
          provide: Gateway,
          useFactory: (broker: Broker) => compose(config, broker, events),
          inject: [BROKER],
        },
      ],
      exports: [Gateway],
    }
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.gateway.start()
  }

  /** Clients are told to go elsewhere before the way to NATS is closed. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.gateway.stop()
    await this.broker.close()
  }
}

/** Made before the parts that emit, so that logs and metrics hear the very first event. */
export interface GatewayEventStreams {
  gateway: TypedEvents<GatewayEvents>
  broker: TypedEvents<BrokerEvents>
}

function connect({ nats, gateway }: GatewayConfig, events: GatewayEventStreams): Promise<Broker> {
  return createNatsBroker({
    urls: nats.url,
    prefix: nats.prefix,
    name: gateway.name ?? 'gateway',
    streams: nats.streams,
    replicas: nats.replicas,
    maxBytes: nats.stream_max_bytes,
    maxAgeMs: nats.stream_max_age,
    connectTimeoutMs: nats.connect_timeout,
    events: events.broker,
    ...(nats.user === undefined ? {} : { user: nats.user }),
    ...(nats.password === undefined ? {} : { pass: nats.password }),
    ...(nats.token === undefined ? {} : { token: nats.token }),
    ...(nats.creds_file === undefined ? {} : { credsFile: nats.creds_file }),
  })
}

function compose(config: GatewayConfig, broker: Broker, events: GatewayEventStreams): Gateway {
  const options = optionsOf(config)
  return new Gateway({
    options,
    prefix: config.nats.prefix,
    broker,
    verifier: verifierOf(config),
    namespaces: namespacesOf(config),
    clock: systemClock,
    events: events.gateway,
    createServer: (handlers) =>
      createUwsServer(
        {
          host: options.host,
          port: options.port,
          sharePort: options.sharePort,
          maxMessageBytes: options.client.maxMessageBytes,
          maxQueueBytes: options.client.maxQueueBytes,
        },
        handlers,
      ),
  })
}

function verifierOf({ client }: GatewayConfig): TokenVerifier {
  const { token_hmac_secret_key: secret, token_previous_hmac_secret_key: previousSecret } = client
  if (secret === undefined) return new NoTokens()
  return new HmacTokenVerifier({
    secret,
    clock: systemClock,
    ...(previousSecret === undefined ? {} : { previousSecret }),
  })
}

function namespacesOf({ channel }: GatewayConfig): ReadonlyMap<string, Namespace> {
  const named = channel.namespaces.map(
    ({ name, ...options }) => [name, resolveNamespace(name, options)] as const,
  )
  return new Map([['', resolveNamespace('', channel.without_namespace)], ...named])
}

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
