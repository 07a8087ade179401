import { createPostgresArchive, queryableJson, type Archive, type ArchiveEvents } from '@natter/archive'
import { createNatsBroker, type Broker, type BrokerEvents } from '@natter/broker'
import { namespacesOf, natsOptionsOf } from '@natter/config'
import { InvalidError, systemClock, type TypedEvents } from '@natter/primitives'
import {
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationBootstrap,
} from '@nestjs/common'
import type { PersistenceConfig } from './config/persistence.config.js'
import { Persistence } from './persistence.js'
import type { PersistenceEvents } from './persistence.events.js'
import type { PersistenceOptions } from './persistence.options.js'

const EVENTS = Symbol('persistence events')
const BROKER = Symbol('broker')
const ARCHIVE = Symbol('archive')

/** A batch under way may take so long; after that the store decides whether it was written. */
const stopWithinMs = 2_500
/** What doesn't answer isn't waited for: the process ends, and every connection with it. */
const closeWithinMs = 1_000

/** Made before the parts that emit, so that logs and metrics hear the very first event. */
export interface PersistenceEventStreams {
  persistence: TypedEvents<PersistenceEvents>
  archive: TypedEvents<ArchiveEvents>
  broker: TypedEvents<BrokerEvents>
}

/** The composition root: which libs make a persistence app, in the order in which they start and stop. */
@Module({})
export class PersistenceModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    @Inject(EVENTS) readonly events: PersistenceEventStreams,
    @Inject(BROKER) readonly broker: Broker,
    @Inject(ARCHIVE) readonly archive: Archive,
    @Inject(Persistence) readonly persistence: Persistence,
  ) {}

  static register(
    config: PersistenceConfig,
    options: PersistenceOptions,
    events: PersistenceEventStreams,
  ): DynamicModule {
    return {
      module: PersistenceModule,
      providers: [
        { provide: EVENTS, useValue: events },
        { provide: BROKER, useFactory: () => connect(config, options, events) },
        { provide: ARCHIVE, useFactory: () => open(config, options, events) },
        {
          provide: Persistence,
          useFactory: (broker: Broker, archive: Archive) => compose(config, options, broker, archive, events),
          inject: [BROKER, ARCHIVE],
        },
      ],
    }
  }

  onApplicationBootstrap(): void {
    this.persistence.start()
  }

  /** Batches end before the ways to both sides are closed. */
  async beforeApplicationShutdown(): Promise<void> {
    await within(stopWithinMs, this.persistence.stop())
    await within(closeWithinMs, Promise.all([this.archive.close(), this.broker.close()]))
  }
}

function connect(
  { nats, postgres }: PersistenceConfig,
  { name }: PersistenceOptions,
  events: PersistenceEventStreams,
): Promise<Broker> {
  return createNatsBroker({
    ...natsOptionsOf(nats, postgres.url !== undefined),
    name,
    events: events.broker,
  })
}

function open(
  { nats, postgres }: PersistenceConfig,
  { name }: PersistenceOptions,
  events: PersistenceEventStreams,
): Archive {
  if (postgres.url === undefined) {
    throw new InvalidError('no-archive', 'Set postgres.url: there is no archive without it.')
  }
  return createPostgresArchive({
    url: postgres.url,
    schema: nats.prefix,
    events: events.archive,
    connectTimeoutMs: postgres.connect_timeout,
    applicationName: `natter ${name}`,
  })
}

function compose(
  { channel }: PersistenceConfig,
  options: PersistenceOptions,
  broker: Broker,
  archive: Archive,
  events: PersistenceEventStreams,
): Persistence {
  return new Persistence({
    archive,
    broker,
    namespaces: namespacesOf(channel),
    toJson: queryableJson,
    clock: systemClock,
    events: events.persistence,
    options,
  })
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([work, late])
  clearTimeout(timer)
}
