/**
 * All streams of the mesh, each with its archiver, and what the archive needs beside them: its tables, its retention, alarms.
 *
 * PE1. The start waits for nobody: while Postgres is away it is tried again, and health says so.
 * PE2. Several of these share the streams: each asks for the right to each stream, and waits where another one has it.
 */
import type { Archive } from '@natter/archive'
import type { Namespace } from '@natter/auth'
import type { Broker } from '@natter/broker'
import { Backoff, UnavailableError, type Clock, type TypedEvents } from '@natter/primitives'
import { LagAlarm } from './lag-alarm.js'
import { Ownership } from './ownership.js'
import type { PersistenceEvents } from './persistence.events.js'
import type { PersistenceOptions } from './persistence.options.js'
import { forgetOld } from './retention.js'
import type { ToJson } from './stream/batch.js'
import { Pauses } from './stream/pauses.js'
import { Selection } from './stream/selection.js'
import { StreamArchiver } from './stream/stream-archiver.js'

const forgetEveryMs = 3_600_000
const watchEveryMs = 1_000
const claimEveryMs = 3_000
const backoffLimits = { baseMs: 200, maxMs: 5_000 }

export interface PersistenceParts {
  archive: Archive
  broker: Broker
  namespaces: ReadonlyMap<string, Namespace>
  toJson: ToJson
  clock: Clock
  events: TypedEvents<PersistenceEvents>
  options: PersistenceOptions
}

export class Persistence {
  readonly archivers: readonly StreamArchiver[]
  readonly ownership: Ownership
  private readonly pauses: Pauses
  private readonly selection: Selection
  private namespaces: ReadonlyMap<string, Namespace>
  private readonly alarms: LagAlarm
  private readonly undo: (() => void)[] = []
  private running: Promise<void> | undefined
  private isArchiving = false

  constructor(private readonly parts: PersistenceParts) {
    const { broker, namespaces, clock, events, options } = parts
    this.pauses = new Pauses(clock)
    this.ownership = new Ownership({ ...parts, ownerTimeoutMs: options.ownerTimeoutMs })
    this.alarms = new LagAlarm(options.lagAlarmMs, clock, events)
    this.namespaces = namespaces
    this.selection = new Selection(broker.subjects, namespaces, (namespace) =>
      events.emit('namespace:unknown', { namespace }),
    )
    const shared = { ...parts, selection: this.selection }
    this.archivers = broker.streams.map((stream) => new StreamArchiver(stream, shared))
  }

  /** False until the archive has its tables. */
  get isReady(): boolean {
    return this.isArchiving
  }

  /**
   * Begins, and goes on in the background (PE1). What can't be cured by waiting, such as an archive of a newer build, ends the
   * process as an unhandled rejection.
   */
  start(): void {
    this.running ??= this.run()
  }

  /** A configuration that was read again: what is archived from now on, and for how long all of it is kept. */
  use(namespaces: ReadonlyMap<string, Namespace>): void {
    this.namespaces = namespaces
    this.selection.use(namespaces)
  }

  /** Finishes the batches under way and gives the rights back. */
  async stop(): Promise<void> {
    this.pauses.stop()
    for (const archiver of this.archivers) archiver.stop()
    for (const undo of this.undo.splice(0)) undo()
    await this.running
  }

  private async run(): Promise<void> {
    this.doubtOnChange()
    await this.migrate()
    if (this.pauses.isStopped) return
    this.isArchiving = true
    await Promise.all([...this.archivers.map((one) => one.run()), this.watch(), this.claim(), this.forget()]) // PE2
  }

  private doubtOnChange(): void {
    const { events } = this.parts.broker
    const doubtAll = (): void => {
      for (const archiver of this.archivers) archiver.doubt()
    }
    this.undo.push(
      events.on('broker:disconnect', doubtAll),
      events.on('broker:reconnect', doubtAll),
      events.on('broker:epoch:change', ({ stream }) =>
        this.archivers.find((archiver) => archiver.stream === stream)?.doubt(),
      ),
    )
  }

  /** @throws InvalidError `archive-too-new`. */
  private async migrate(): Promise<void> {
    const { archive, clock, events } = this.parts
    const backoff = new Backoff(backoffLimits)
    const startMs = clock.now()
    while (!this.pauses.isStopped) {
      try {
        await archive.migrate()
        return events.emit('archive:ready', { tookMs: clock.now() - startMs })
      } catch (error) {
        if (!(error instanceof UnavailableError)) throw error
        const retryMs = backoff.next()
        events.emit('archive:migrate:failed', { error, retryMs })
        await this.pauses.sleep(retryMs)
      }
    }
  }

  private async watch(): Promise<void> {
    while (!this.pauses.isStopped) {
      for (const { status } of this.archivers) this.alarms.look(status)
      await this.pauses.sleep(watchEveryMs)
    }
  }

  private async claim(): Promise<void> {
    while (!this.pauses.isStopped) {
      await this.ownership.look()
      await this.pauses.sleep(claimEveryMs)
    }
  }

  private async forget(): Promise<void> {
    const { archive, clock, events } = this.parts
    while (!this.pauses.isStopped) {
      await this.ownership.look()
      // another mesh's publications may be kept for longer
      if (this.ownership.problem === undefined)
        await forgetOld(archive, this.namespaces.values(), clock, events)
      await this.pauses.sleep(forgetEveryMs)
    }
  }
}
