import { UnavailableError, type TypedEvents } from '@natter/primitives'
import type { BrokerEvents } from '../broker.js'
import { newEpoch } from '../epoch.js'
import type { Subjects } from '../subjects.js'
import {
  decodeTopology,
  encodeTopology,
  epochChanges,
  newTopology,
  reconcile,
  renewed,
  type Topology,
} from '../topology.js'
import type { Appender } from './appender.js'
import { refusalToError, type JetStreamApi } from './jetstream-api.js'
import { ensureStream, streamConfig, type StreamOptions } from './provisioning.js'
import type { NatsRegistry } from './registry.js'
import type { RegistryWatch } from './registry-watch.js'

const KEY = 'shards'
const MAX_ROUNDS = 10

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
 */
export class TopologyKeeper {
  private current: Topology | undefined
  private watch: RegistryWatch | undefined

  constructor(
    private readonly parts: KeeperParts,
    private readonly wish: StreamOptions & { streams: number },
  ) {}

  get topology(): Topology {
    if (this.current === undefined) throw new UnavailableError('nats-away', 'The topology was not read yet')
    return this.current
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
      for (let round = 0; round < MAX_ROUNDS; round += 1) {
        if (await this.verifyOnce()) return await this.adoptNewest()
      }
    } catch (error) {
      throw refusalToError(error)
    }
    throw new UnavailableError('topology-contended', 'Too many nodes change the topology at once')
  }

  /** @throws UnavailableError. */
  async renewEpoch(stream: string, epoch: string): Promise<void> {
    try {
      for (let round = 0; round < MAX_ROUNDS; round += 1) {
        const entry = await this.parts.records.get(KEY)
        const next =
          entry === undefined ? undefined : renewed(decodeTopology(entry.value), stream, epoch, newEpoch)
        const isSettled =
          entry === undefined ||
          next === undefined ||
          (await this.parts.records.update(KEY, encodeTopology(next), entry.revision)) !== undefined
        if (isSettled) return await this.adoptNewest()
      }
    } catch (error) {
      throw refusalToError(error)
    }
    throw new UnavailableError('topology-contended', 'Too many nodes change the topology at once')
  }

  /** False when another node changed the record meanwhile. */
  private async verifyOnce(): Promise<boolean> {
    const { records, subjects } = this.parts
    const entry = await records.get(KEY)
    if (entry === undefined) {
      await records.create(KEY, encodeTopology(newTopology(subjects, this.wish.streams, newEpoch))) // T4
      return false
    }
    const recorded = decodeTopology(entry.value)
    const next = reconcile(recorded, await this.ensureStreams(recorded), newEpoch)
    if (next === undefined) return true
    return (await records.update(KEY, encodeTopology(next), entry.revision)) !== undefined
  }

  private async adoptNewest(): Promise<void> {
    this.watch ??= await this.parts.records.watch(KEY, ({ value }) => this.adopt(decodeTopology(value)))
    await this.watch.look() // T5
  }

  private async ensureStreams(topology: Topology): Promise<string[]> {
    const created: string[] = []
    for (const index of topology.streams.keys()) {
      const config = streamConfig(topology, this.parts.subjects, index, this.wish)
      const { info, isNew } = await ensureStream(this.parts.api, config)
      if (isNew)
        await this.parts.appender.append(config.name, this.parts.subjects.sentinel(index), new Uint8Array(0))
      created.push(info.created)
    }
    return created
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
    for (const change of epochChanges(before, next)) this.parts.events.emit('broker:epoch:change', change)
  }
}
