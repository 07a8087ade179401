import { grammarOf, natsOptionsOf } from '@natter/config'
import { createNatsBroker, type Broker, type BrokerEvents } from '@natter/broker'
import { HookCaller, type HookCallerEvents } from '@natter/hooks'
import { systemClock, type TypedEvents } from '@natter/primitives'
import { createUwsServer, type SocketServerOptions } from '@natter/transport'
import {
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type LoggerService,
  type OnApplicationBootstrap,
} from '@nestjs/common'
import type { GatewayConfig } from './config/gateway.config.js'
import type { Patience } from './drain/patience.js'
import { Gateway } from './gateway.js'
import type { GatewayEvents } from './gateway.events.js'
import type { GatewayOptions } from './gateway.options.js'
import { tellingRest } from './hooks/rest-of-channel.js'
import { hostApps, type HostedApps } from './hosting/hosted-apps.js'
import { LiveSettings, type Cover } from './settings/live-settings.js'

const EVENTS = Symbol('gateway events')
const BROKER = Symbol('broker')
const HOSTING = Symbol('hosting')

/** How long a stop waits for handlers with scope `node`, whom nobody else tells. */
const lastToldMs = 500

/** Of the time that is left, for apps that have something in work; the rest is for telling the mesh. */
const appsShare = 0.6

/** Made before the parts that emit, so that logs and metrics hear the very first event. */
export interface GatewayEventStreams {
  gateway: TypedEvents<GatewayEvents>
  broker: TypedEvents<BrokerEvents>
  hooks: TypedEvents<HookCallerEvents>
}

/** The composition root: which libs make a gateway, in the order in which they start and stop. */
@Module({})
export class GatewayModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  /** Where clients connect, once the application started. */
  port = 0
  private apps: HostedApps | undefined
  private ending: Promise<void> | undefined

  constructor(
    @Inject(EVENTS) readonly events: GatewayEventStreams,
    @Inject(BROKER) readonly broker: Broker,
    @Inject(HookCaller) readonly hooks: HookCaller,
    @Inject(Gateway) readonly gateway: Gateway,
    @Inject(LiveSettings) readonly live: LiveSettings,
    @Inject(HOSTING) private readonly host: () => Promise<HostedApps>,
  ) {}

  static register(
    config: GatewayConfig,
    options: GatewayOptions,
    events: GatewayEventStreams,
    logger: LoggerService,
    cover: Cover,
  ): DynamicModule {
    return {
      module: GatewayModule,
      providers: [
        { provide: EVENTS, useValue: events },
        { provide: BROKER, useFactory: () => connect(config, options, events) },
        {
          provide: HookCaller,
          useFactory: (broker: Broker) =>
            new HookCaller({ broker, node: options.name, events: events.hooks }),
          inject: [BROKER],
        },
        { provide: LiveSettings, useFactory: () => new LiveSettings(config, options, events.gateway, cover) },
        {
          provide: Gateway,
          useFactory: (broker: Broker, hooks: HookCaller, live: LiveSettings) =>
            compose(config, live, { broker, hooks }, events),
          inject: [BROKER, HookCaller, LiveSettings],
        },
        {
          provide: HOSTING,
          useFactory: (hooks: HookCaller) => () =>
            hostApps({ paths: config.gateway.apps, node: options.name, logger, clock: systemClock, hooks }),
          inject: [HookCaller],
        },
      ],
    }
  }

  /** Nobody is let in before it is known what apps must be asked, and before the gateway's own apps are there to be asked. */
  async onApplicationBootstrap(): Promise<void> {
    await this.hooks.start()
    this.apps = await this.host()
    this.events.hooks.on('apps:change', () => this.gateway.appsChanged())
    this.port = await this.gateway.start()
  }

  /**
   * The end: clients are sent away, apps and the mesh hear it, then the way to NATS is closed. Once, however often it is asked for.
   *
   * @param hurry Aborts when somebody is out of patience; Nest's own hooks can't hand it over.
   */
  end(hurry?: AbortSignal): Promise<void> {
    this.ending ??= this.leave(this.gateway.patience(hurry))
    return this.ending
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.end()
  }

  private async leave(patience: Patience): Promise<void> {
    await this.gateway.drain.run(patience)
    if (this.apps !== undefined && this.apps.count > 0) await this.closeApps(this.apps, patience)
    await this.gateway.stop(patience)
    this.hooks.stop()
    await this.broker.close()
  }

  /** They hear who was sent away, and may still ask this gateway for what they have in work. */
  private async closeApps(apps: HostedApps, patience: Patience): Promise<void> {
    await patience.within(lastToldMs, this.hooks.untilTold(lastToldMs))
    await patience.within(patience.leftMs, apps.close(Math.round(patience.leftMs * appsShare)))
  }
}

function connect(
  { nats, postgres }: GatewayConfig,
  { name }: GatewayOptions,
  events: GatewayEventStreams,
): Promise<Broker> {
  return createNatsBroker({
    ...natsOptionsOf(nats, postgres.url !== undefined),
    name,
    events: events.broker,
  })
}

function compose(
  config: GatewayConfig,
  { settings }: LiveSettings,
  { broker, hooks }: { broker: Broker; hooks: HookCaller },
  events: GatewayEventStreams,
): Gateway {
  const { options } = settings.current
  const grammar = grammarOf(config.channel)
  return new Gateway({
    settings,
    prefix: config.nats.prefix,
    grammar,
    broker,
    clock: systemClock,
    events: events.gateway,
    hooks: tellingRest(hooks, grammar),
    createApiServer: (handlers) => createUwsServer(apiServerOptionsOf(options), handlers),
    createServer: (handlers) =>
      createUwsServer(
        {
          host: options.host,
          port: options.port,
          sharePort: options.sharePort,
          maxMessageBytes: options.client.maxMessageBytes,
          maxQueueBytes: options.client.maxQueueBytes,
          ...socketOptionsOf(config),
        },
        handlers,
      ),
  })
}

/** As long as any request may be: what one may be now is asked with each. */
const apiServerOptionsOf = ({ httpApi }: GatewayOptions): SocketServerOptions => ({
  host: httpApi?.host ?? '127.0.0.1',
  port: httpApi?.port ?? 0,
  maxMessageBytes: httpApi?.maxBodyBytes ?? 0,
})

function socketOptionsOf({
  transport,
  tls,
}: GatewayConfig): Pick<SocketServerOptions, 'compression' | 'tls'> {
  const { cert_file: certFile, key_file: keyFile, look_every: lookEveryMs } = tls
  return {
    ...(transport.websocket_compression
      ? { compression: { fromBytes: transport.websocket_compression_min_size } }
      : {}),
    ...(certFile === undefined || keyFile === undefined ? {} : { tls: { certFile, keyFile, lookEveryMs } }),
  }
}
