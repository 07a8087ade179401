import { systemClock, TypedEvents, UnavailableError, type Clock } from '@natter/primitives'
import { randomBytes } from 'node:crypto'
import type { Broker, BrokerEvents, Bus, Journal, Log, Records, Registry, Route } from '../broker.js'
import { maxIdempotencyRecords } from '../records.js'
import { RouteCache } from '../route-cache.js'
import { Subjects } from '../subjects.js'
import { epochIn } from '../topology.js'
import { Appender } from './appender.js'
import { NatsBus } from './bus.js'
import { ConnectWait, NatsLink, type NatsOptions } from './connection.js'
import { JetStreamApi } from './jetstream-api.js'
import { NatsJournal } from './journal.js'
import { NatsLog } from './log.js'
import { NatsRecords } from './records.js'
import { NatsRegistry } from './registry.js'
import { Requests } from './requests.js'
import { StreamPages } from './stream-pages.js'
import { TopologyKeeper } from './topology-keeper.js'

export interface NatsBrokerOptions {
  urls: readonly string[]
  /** Names subjects, streams and buckets: two meshes on one NATS never meet. */
  prefix: string
  /** Shown in the server's list of connections. */
  name: string
  /** Only the wish for the very first boot of a mesh. */
  streams?: number
  replicas?: number
  /** Per stream. Absent: as it was, and 1 GiB in a new mesh. */
  maxBytes?: number
  /** Age at which a stream that forgets drops messages. Absent: as it was, and 24 h in a new mesh. */
  maxAgeMs?: number
  /** What a full stream does. Absent: as it was, and `forget` in a new mesh. */
  onFull?: 'refuse' | 'forget'
  maxMessageBytes?: number
  maxInFlight?: number
  /** How long the first connect, and streams that can't be looked at yet, are waited for. Default 5,000. */
  connectTimeoutMs?: number
  /**
   * Joins a mesh that is there, and creates nothing and wishes nothing: for apps, which may start before the first gateway and don't
   * know how many streams it wants. It waits for the mesh up to `meshTimeoutMs`. Default false.
   */
  isGuest?: boolean
  /** How long a guest waits for a mesh. Default 30,000; 0 = it has to be there. */
  meshTimeoutMs?: number
  user?: string
  pass?: string
  token?: string
  credsFile?: string
  clock?: Clock
  /** Made by the caller who wants to hear the events of the connect as well. */
  events?: TypedEvents<BrokerEvents>
}

const APPEND_TIMEOUT_MS = 3_000
const REQUEST_TIMEOUT_MS = 3_000

const defaults = {
  streams: 1,
  replicas: 1,
  maxMessageBytes: 1_048_576,
  maxInFlight: 10_000,
  connectTimeoutMs: 5_000,
  isGuest: false,
  meshTimeoutMs: 30_000,
}

/**
 * Connects, sees to it that streams and records exist, and resolves when the mesh can be used.
 *
 * @throws UnavailableError `nats-unreachable` with what was tried; `no-mesh` where a guest found none.
 * @throws InvalidError `nats-too-old`, `nats-refused`, `nats-permission-missing`, `stream-conflict`, `bad-prefix`, `bad-streams`,
 *   `no-room-for-streams`.
 */
export async function createNatsBroker(options: NatsBrokerOptions): Promise<Broker> {
  const settings = { ...defaults, ...options }
  const { clock = systemClock, events = new TypedEvents<BrokerEvents>() } = options
  const subjects = new Subjects(settings.prefix)
  const inbox = subjects.inbox(randomBytes(9).toString('base64url'))
  const waiting = new ConnectWait(settings, events, clock)
  const link = await NatsLink.open(settings satisfies NatsOptions, inbox, events, clock)
  try {
    const broker = new NatsBroker(link, subjects, events, clock, settings)
    await untilStarted(() => link.unlessDenied(broker.start()), waiting)
    return broker
  } catch (error) {
    await link.close()
    throw error
  }
}

/** Servers that answer may still elect who keeps the streams: that is waited for like the servers themselves. */
async function untilStarted(start: () => Promise<void>, waiting: ConnectWait): Promise<void> {
  for (;;) {
    try {
      return await start()
    } catch (error) {
      const isPassing = error instanceof UnavailableError && error.code !== 'no-mesh'
      if (!isPassing || !(await waiting.again(error))) throw error
    }
  }
}

type Settings = NatsBrokerOptions & typeof defaults

class NatsBroker implements Broker {
  readonly bus: Bus
  readonly log: Log
  readonly registry: Registry
  readonly journal: Journal
  readonly revocations: Records
  readonly idempotency: Pick<Records, 'get' | 'put'>
  private readonly keeper: TopologyKeeper
  private readonly routes: RouteCache

  constructor(
    private readonly link: NatsLink,
    readonly subjects: Subjects,
    readonly events: TypedEvents<BrokerEvents>,
    private readonly clock: Clock,
    private readonly settings: Settings,
  ) {
    this.routes = new RouteCache(subjects)
    const appends = new Requests(link, clock, `${link.inbox}.a`, APPEND_TIMEOUT_MS)
    const requests = new Requests(link, clock, `${link.inbox}.r`, REQUEST_TIMEOUT_MS)
    const bus = new NatsBus(link, events, clock)
    const api = new JetStreamApi(requests)
    const appender = new Appender(link, appends, events, settings)
    const bucket = (kind: 'topology' | 'registry'): NatsRegistry => {
      const name = subjects.bucket(kind)
      return new NatsRegistry(
        { link, bus, requests, api, events, clock },
        name,
        subjects.bucketLive(name),
        settings.replicas,
        !settings.isGuest,
      )
    }
    const [records, registry] = [bucket('topology'), bucket('registry')]
    const buckets = [records, registry]
    this.keeper = new TopologyKeeper({ api, appender, records, buckets, subjects, events }, settings)
    this.log = new NatsLog({
      appender,
      requests,
      api,
      pages: new StreamPages({ link, api, requests, clock, timeoutMs: REQUEST_TIMEOUT_MS }),
      streamOf: (subject) => this.streamOf(subject),
      sentinelOf: (stream) => subjects.sentinel(this.streams.indexOf(stream)),
    })
    this.journal = new NatsJournal({
      link,
      requests,
      api,
      stream: subjects.journal,
      subjects: [subjects.allSessions, subjects.allOccupancy],
      replicas: settings.replicas,
    })
    const recordsIn = (kind: 'revocations' | 'idempotency', most?: number): NatsRecords =>
      new NatsRecords({
        link,
        requests,
        api,
        clock,
        events,
        bucket: subjects.bucket(kind),
        replicas: settings.replicas,
        mayCreate: !settings.isGuest,
        ...(most === undefined ? {} : { maxRecords: most }),
      })
    this.revocations = recordsIn('revocations')
    this.idempotency = recordsIn('idempotency', maxIdempotencyRecords)
    this.bus = bus
    this.registry = registry
  }

  get streams(): readonly string[] {
    return this.keeper.streamNames
  }

  get meshId(): string {
    return this.keeper.meshId
  }

  start(): Promise<void> {
    const { isGuest, meshTimeoutMs } = this.settings
    return isGuest ? this.keeper.join(this.clock, meshTimeoutMs) : this.keeper.verify()
  }

  epochOf(stream: string): string {
    return epochIn(this.keeper.topology, stream)
  }

  renewEpoch(stream: string, epoch: string): Promise<void> {
    return this.keeper.renewEpoch(stream, epoch)
  }

  route(namespace: string, channel: string): Route {
    return this.routes.route(this.keeper.topology, namespace, channel)
  }

  verifyStreams(): Promise<void> {
    return this.settings.isGuest ? this.keeper.join(this.clock, 0) : this.keeper.verify()
  }

  async close(): Promise<void> {
    this.keeper.stop()
    await this.link.close()
  }

  private streamOf(subject: string): string | undefined {
    const shard = this.subjects.shardIn(subject)
    if (shard === undefined) return undefined
    const { topology } = this.keeper
    return topology.streams[topology.shard[shard] ?? 0]?.name
  }
}
