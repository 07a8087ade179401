import { systemClock, TypedEvents, UnavailableError, type Clock } from '@natter/primitives'
import type {
  Broker,
  BrokerEvents,
  Bus,
  BusMessage,
  BusSubscription,
  Journal,
  Log,
  Records,
  Registry,
  RegistryEntry,
  Route,
} from '../broker.js'
import type { Subjects } from '../subjects.js'
import { epochIn, routeIn } from '../topology.js'
import { MemoryJournal } from './memory-journal.js'
import { MemoryLog } from './memory-log.js'
import { MemoryRecords } from './memory-records.js'
import type { Delivery, MemoryMesh } from './memory-mesh.js'

/**
 * One node's broker on a {@link MemoryMesh}. `disconnect` and `reconnect` cut it off and bring it back; what goes wrong with
 * single messages is the mesh's `fault`.
 */
export class MemoryBroker implements Broker {
  readonly events = new TypedEvents<BrokerEvents>()
  readonly bus: Bus
  readonly log: Log
  readonly registry: Registry
  readonly journal: Journal
  readonly revocations: Records
  readonly idempotency: Pick<Records, 'get' | 'put'>
  private readonly link: MemoryLink

  constructor(
    private readonly mesh: MemoryMesh,
    clock: Clock = systemClock,
  ) {
    this.link = new MemoryLink(mesh, this.events, clock)
    this.link.keep(mesh.onEpochChange((change) => this.events.emit('broker:epoch:change', change)))
    this.bus = new MemoryBus(this.link)
    this.registry = new MemoryRegistry(this.link)
    this.journal = new MemoryJournal(mesh, () => this.link.requireConnected())
    this.revocations = new MemoryRecords(mesh.revocations, this.link)
    this.idempotency = new MemoryRecords(mesh.results, this.link)
    this.log = new MemoryLog({
      mesh,
      requireConnected: () => this.link.requireConnected(),
      streamOf: (subject) => this.streamOf(subject),
      onOutcome: (outcome, code) => this.events.emit('broker:append:outcome', { outcome, code }),
      onThrown: (subject, error) => this.events.emit('bus:callback:error', { subject, error }),
    })
  }

  get subjects(): Subjects {
    return this.mesh.subjects
  }

  get streams(): readonly string[] {
    return this.mesh.topology.streams.map((stream) => stream.name)
  }

  get meshId(): string {
    return this.mesh.topology.id ?? ''
  }

  epochOf(stream: string): string {
    return epochIn(this.mesh.topology, stream)
  }

  async renewEpoch(stream: string, epoch: string): Promise<void> {
    this.link.requireConnected()
    this.mesh.renewEpoch(stream, epoch)
  }

  route(namespace: string, channel: string): Route {
    return routeIn(this.mesh.topology, this.subjects, { cell: 0, namespace, name: channel })
  }

  async verifyStreams(): Promise<void> {
    this.link.requireConnected()
    this.mesh.verify()
  }

  /** NATS is away: live messages are lost, everything else is refused. */
  disconnect(): void {
    this.link.setConnected(false)
  }

  reconnect(): void {
    this.link.setConnected(true)
  }

  async close(): Promise<void> {
    this.link.close()
  }

  private streamOf(subject: string): string {
    const { topology } = this.mesh
    const stream = topology.streams[topology.shard[this.subjects.shardIn(subject) ?? -1] ?? -1]
    if (stream === undefined) throw new UnavailableError('stream-unavailable', `No stream takes ${subject}`)
    return stream.name
  }
}

/** A node's way to the mesh: up or not, and who listens through it. */
class MemoryLink {
  isConnected = true
  private awaySinceMs = 0
  private readonly undo = new Set<() => void>()
  readonly onBack = new Set<() => void>()
  readonly onLoss = new Set<() => void>()

  constructor(
    readonly mesh: MemoryMesh,
    readonly events: TypedEvents<BrokerEvents>,
    readonly clock: Clock,
  ) {}

  requireConnected(): void {
    if (!this.isConnected) throw new UnavailableError('nats-away', 'Cut off from the mesh')
  }

  setConnected(isConnected: boolean): void {
    if (this.isConnected === isConnected) return
    this.isConnected = isConnected
    if (isConnected) {
      for (const look of this.onBack) look()
      this.events.emit('broker:reconnect', { server: 'memory', awayMs: this.clock.now() - this.awaySinceMs })
    } else {
      this.awaySinceMs = this.clock.now()
      for (const lose of this.onLoss) lose()
      this.events.emit('broker:disconnect', { server: 'memory' })
    }
  }

  /** Ends with the node. */
  keep(undo: () => void): () => void {
    this.undo.add(undo)
    return () => {
      this.undo.delete(undo)
      undo()
    }
  }

  close(): void {
    this.isConnected = false
    for (const undo of this.undo) undo()
    this.undo.clear()
  }
}

class MemoryBus implements Bus {
  constructor(private readonly link: MemoryLink) {}

  get isConnected(): boolean {
    return this.link.isConnected
  }

  get isAnswering(): boolean {
    return this.link.isConnected
  }

  publish(subject: string, body: Uint8Array, meta?: string): void {
    this.link.requireConnected()
    this.send(subject, body, meta, undefined)
  }

  subscribe(subject: string, onMessage: (message: BusMessage) => void): BusSubscription {
    const deliver = (delivery: Delivery): void => {
      if (!this.link.isConnected) return
      try {
        onMessage(this.toMessage(delivery))
      } catch (error) {
        this.link.events.emit('bus:callback:error', { subject, error })
      }
    }
    const stop = this.link.keep(this.link.mesh.subscribe({ subject, deliver }))
    const drain = async (): Promise<void> => {
      await new Promise(setImmediate)
      stop()
    }
    return { stop, drain }
  }

  async flush(): Promise<void> {
    this.link.requireConnected()
    await new Promise<void>((resolve) => setImmediate(resolve))
  }

  async ask(
    subject: string,
    body: Uint8Array,
    options: { timeoutMs: number; onReply(body: Uint8Array): boolean },
  ): Promise<boolean> {
    this.link.requireConnected()
    return new Promise<boolean>((resolve) => {
      let isOver = false
      const end = (isHeard: boolean): void => {
        isOver = true
        timer.cancel()
        resolve(isHeard)
      }
      const timer = this.link.clock.setTimer(() => end(true), options.timeoutMs)
      const reply = (answer: Uint8Array): void => {
        if (!isOver && this.link.isConnected && options.onReply(answer)) end(true)
      }
      if (this.send(subject, body, undefined, reply) === 0) end(false)
    })
  }

  private send(
    subject: string,
    body: Uint8Array,
    meta: string | undefined,
    reply: ((body: Uint8Array) => void) | undefined,
  ): number {
    return this.link.mesh.publish({ subject, body: new Uint8Array(body), meta, stored: undefined, reply })
  }

  private toMessage({ subject, body, meta, stored, reply }: Delivery): BusMessage {
    const respond = (answer: Uint8Array): void => {
      const copy = new Uint8Array(answer)
      if (this.link.isConnected) queueMicrotask(() => reply?.(copy))
    }
    return { subject, body, meta, stored, respond }
  }
}

class MemoryRegistry implements Registry {
  constructor(private readonly link: MemoryLink) {}

  async get(key: string): Promise<RegistryEntry | undefined> {
    this.link.requireConnected()
    return this.link.mesh.record(key)
  }

  async create(key: string, value: Uint8Array): Promise<number | undefined> {
    return this.update(key, value, 0)
  }

  async update(key: string, value: Uint8Array, revision: number): Promise<number | undefined> {
    this.link.requireConnected()
    return this.link.mesh.writeRecord(key, value, revision)
  }

  async watch(key: string, onEntry: (entry: RegistryEntry) => void): Promise<{ stop(): void }> {
    this.link.requireConnected()
    let seen = 0
    let isStopped = false
    const look = (): void => {
      if (isStopped) return
      const entry = this.link.isConnected ? this.link.mesh.record(key) : undefined
      if (entry === undefined || entry.revision === seen) return
      seen = entry.revision
      onEntry(entry)
    }
    const unwatch = this.link.mesh.onRecord(look)
    this.link.onBack.add(look)
    look()
    const undo = (): void => {
      isStopped = true
      unwatch()
      this.link.onBack.delete(look)
    }
    return { stop: this.link.keep(undo) }
  }
}
