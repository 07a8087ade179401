import { UnavailableError, type Clock, type TypedEvents } from '@natter/primitives'
import type { BrokerEvents } from '../broker.js'
import { newEpoch } from '../epoch.js'
import {
  describeRetention,
  isSameRetention,
  withWish,
  type Retention,
  type RetentionWish,
  type StreamLimits,
} from '../retention.js'
import type { Subjects } from '../subjects.js'
import {
  decodeTopology,
  encodeTopology,
  epochChanges,
  identified,
  newTopology,
  reconcile,
  renewed,
  type Topology,
} from '../topology.js'
import type { Appender } from './appender.js'
import { refusalToError, type JetStreamApi, type StreamInfo } from './jetstream-api.js'
import { alignLimits, ensureStream, streamConfig, type StreamOptions } from './provisioning.js'
import type { NatsRegistry } from './registry.js'
import type { RegistryWatch } from './registry-watch.js'

const KEY = 'shards'
/** Nodes that boot at once each change the record at most twice. */
const MAX_ROUNDS = 50
const lookForMeshMs = 250
const KEPT_HINT =
  'Full streams refuse, as recorded, though no postgres.url is set here. Set it, or nats.on_full: forget if nothing is archived'

export interface KeeperParts {
  api: JetStreamApi
  appender: Appender
  /** The bucket of the record; and all buckets. */
  records: NatsRegistry
  buckets: readonly NatsRegistry[]
  subjects: Subjects
  events: TypedEvents<BrokerEvents>
}

/**
 * Holds the topology record that this node goes by, and sees to it that the streams are the recorded ones.
 *
 * T4. The record comes before the streams: of two nodes that boot at once with different wishes one writes it, and both create
 *     the streams of that one.
 * T5. Whatever this node goes by was read from the record, by the watch alone: what "verify" read or wrote is older than its last
 *     await, and could replace a newer record that the watch has adopted meanwhile.
 * T6. Streams follow the record. A node writes its wish into it once, at its boot: nodes with different wishes do not take turns
 *     for ever. A record that somebody made anew, after NATS lost its disk, is wished into again: its maker may not have known that
 *     an archive reads the streams. Whoever changed a stream reads the record again afterwards, because a stream can't be changed by
 *     compare-and-set: the last one to do so brings it in line with the last record.
 * T7. A wish that NATS can't fulfil is told and passed over: in the record it would else end every later "verify" of every node.
 */
export class TopologyKeeper {
  private current: Topology | undefined
  private watch: RegistryWatch | undefined
  /** What tells the record that this node has wished into from one made anew. */
  private wishedInto: readonly string[] = []

  constructor(
    private readonly parts: KeeperParts,
    private readonly wish: StreamOptions & RetentionWish & { streams: number },
  ) {}

  get topology(): Topology {
    if (this.current === undefined) throw new UnavailableError('nats-away', 'The topology was not read yet')
    return this.current
  }

  /** Whatever this node goes by has one: "verify" sees to it before the record is adopted. */
  get meshId(): string {
    return this.topology.id ?? ''
  }

  get streamNames(): readonly string[] {
    return this.topology.streams.map((stream) => stream.name)
  }

  stop(): void {
    this.watch?.stop()
  }

  /** @throws UnavailableError; InvalidError `stream-conflict`, `bad-topology`. */
  async verify(): Promise<void> {
    try {
      for (const bucket of this.parts.buckets) await bucket.verify()
    } catch (error) {
      throw refusalToError(error)
    }
    await this.untilSettled(() => this.verifyOnce())
  }

  /**
   * For guests: goes by the record, and changes nothing. Waits for a mesh up to `withinMs`.
   *
   * @throws UnavailableError `no-mesh`.
   */
  async join(clock: Clock, withinMs: number): Promise<void> {
    const { buckets } = this.parts
    for (const endMs = clock.now() + withinMs; ;) {
      try {
        for (const bucket of buckets) await bucket.requireThere()
        await this.adoptNewest()
        if (this.current !== undefined) return
        throw new UnavailableError('no-mesh', 'This NATS has no record of streams yet: start a gateway first')
      } catch (error) {
        if (!isWorthWaiting(error) || clock.now() >= endMs) throw refusalToError(error)
      }
      await new Promise<void>((resolve) => clock.setTimer(resolve, lookForMeshMs))
    }
  }

  /** @throws UnavailableError. */
  async renewEpoch(stream: string, epoch: string): Promise<void> {
    await this.untilSettled(() => this.renewOnce(stream, epoch))
  }

  /** Until an attempt says that nothing stood in its way; then this node goes by the newest record. */
  private async untilSettled(attempt: () => Promise<boolean>): Promise<void> {
    try {
      for (let round = 0; round < MAX_ROUNDS; round += 1) {
        if (await attempt()) return await this.adoptNewest()
      }
    } catch (error) {
      throw refusalToError(error)
    }
    throw new UnavailableError('topology-contended', 'Too many nodes change the topology at once')
  }

  /** False when another node wrote the record meanwhile. */
  private async renewOnce(stream: string, epoch: string): Promise<boolean> {
    const { records } = this.parts
    const entry = await records.get(KEY)
    if (entry === undefined) return true
    const next = renewed(decodeTopology(entry.value), stream, epoch, newEpoch)
    return (
      next === undefined || (await records.update(KEY, encodeTopology(next), entry.revision)) !== undefined
    )
  }

  /** False when the record or a stream was changed, by this node or another: look again. */
  private async verifyOnce(): Promise<boolean> {
    const { records, subjects } = this.parts
    const entry = await records.get(KEY)
    if (entry === undefined) {
      const first = newTopology(subjects, this.wish.streams, newEpoch, this.wish)
      await records.create(KEY, encodeTopology(first)) // T4
      return false
    }
    const recorded = decodeTopology(entry.value)
    const named = identified(recorded, newEpoch)
    if (named !== undefined) {
      await records.update(KEY, encodeTopology(named), entry.revision) // T2: of several nodes one gives the name
      return false
    }
    const { retention } = recorded
    const isWished = marksOf(recorded).some((mark) => this.wishedInto.includes(mark))
    if (!isWished || retention === undefined) return this.writeWish(recorded, entry.revision)
    const { created, isAligned } = await this.ensureStreams({ ...recorded, retention })
    const next = reconcile(recorded, created, newEpoch)
    this.wishedInto = marksOf(next ?? recorded)
    if (next === undefined) return isAligned
    return (await records.update(KEY, encodeTopology(next), entry.revision)) !== undefined && isAligned
  }

  /** T6 */
  private async writeWish(recorded: Topology, revision: number): Promise<false> {
    const { records, events } = this.parts
    const retention = withWish(recorded.retention, this.wish)
    if (!isSameRetention(recorded.retention, retention)) {
      const next = encodeTopology({ ...recorded, retention })
      if ((await records.update(KEY, next, revision)) === undefined) return false
      const [from, to] = [describeRetention(recorded.retention), describeRetention(retention)]
      events.emit('broker:retention:change', { from, to })
    }
    if (retention.onFull === 'refuse' && this.wish.onFull === undefined) {
      events.emit('broker:retention:kept', { onFull: 'refuse', hint: KEPT_HINT })
    }
    this.wishedInto = marksOf(recorded)
    return false
  }

  private async adoptNewest(): Promise<void> {
    this.watch ??= await this.parts.records.watch(KEY, ({ value }) => this.adopt(decodeTopology(value)))
    await this.watch.look() // T5
  }

  private async ensureStreams(
    topology: Topology & { retention: Retention },
  ): Promise<{ created: string[]; isAligned: boolean }> {
    const { api, appender, subjects } = this.parts
    const created: string[] = []
    let isAligned = true
    for (const index of topology.streams.keys()) {
      const config = streamConfig(topology, subjects, index, this.wish)
      const { info, isNew } = await ensureStream(api, config)
      if (isNew) await appender.append(config.name, subjects.sentinel(index), new Uint8Array(0))
      if (await this.align(info, config, topology.retention)) isAligned = false // T6
      created.push(info.created)
    }
    return { created, isAligned }
  }

  /** T7. False when nothing was changed. */
  private async align(info: StreamInfo, limits: StreamLimits, retention: Retention): Promise<boolean> {
    try {
      return await alignLimits(this.parts.api, info, limits)
    } catch (cause) {
      const error = refusalToError(cause)
      if (error instanceof UnavailableError) throw error
      const wanted = describeRetention(retention)
      this.parts.events.emit('broker:retention:refused', { stream: info.config.name, wanted, error })
      return false
    }
  }

  private adopt(next: Topology): void {
    const before = this.current
    this.current = next
    const streams = next.streams.length
    if (before === undefined) {
      if (streams !== this.wish.streams) {
        this.parts.events.emit('broker:topology:wish-ignored', { streams, wished: this.wish.streams })
      }
      return
    }
    if (JSON.stringify(before) === JSON.stringify(next)) return
    this.parts.events.emit('broker:topology:change', { streams })
    if (!isSameRetention(before.retention, next.retention)) {
      const [from, to] = [describeRetention(before.retention), describeRetention(next.retention)]
      this.parts.events.emit('broker:retention:change', { from, to })
    }
    for (const change of epochChanges(before, next)) this.parts.events.emit('broker:epoch:change', change)
  }
}

/** At least one of them stays when an epoch is renewed, and when a stream is seen for the first time. */
const marksOf = ({ streams }: Topology): string[] =>
  streams.flatMap(({ epoch, created }) => (created === '' ? [epoch] : [epoch, created]))

const isWorthWaiting = (error: unknown): boolean =>
  error instanceof UnavailableError && error.code === 'no-mesh'
