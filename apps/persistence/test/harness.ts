/** One stream of a memory mesh and its archiver, on a clock that the test moves. */
import { channelSection, namespacesOf } from '@natter/config'
import { encodeMeta, MemoryBroker, MemoryMesh, type MeshOptions, type StreamMessage } from '@natter/broker'
import { TypedEvents } from '@natter/primitives'
import { ManualClock } from '@natter/testing'
import type { PersistenceEvents } from '../src/persistence.events.js'
import type { PersistenceOptions } from '../src/persistence.options.js'
import { Selection } from '../src/stream/selection.js'
import { StreamArchiver } from '../src/stream/stream-archiver.js'
import { BadArchive } from './bad-archive.js'

const { without_namespace: plain, namespaces: named } = channelSection.settings

/** `kept` and `asked` (with JSON) belong into the archive, `plain` doesn't. */
export const namespaces = namespacesOf({
  without_namespace: plain.schema.parse({}),
  namespaces: named.schema.parse([
    { name: 'kept', keep: 'archive', archive_for: '2d' },
    { name: 'asked', keep: 'archive', archive_json: true },
    { name: 'plain', keep: 'stream' },
  ]),
})

export const defaults: PersistenceOptions = {
  name: 'test',
  batchMessages: 5,
  batchBytes: 1_000_000,
  batchDelayMs: 200,
  lagAlarmMs: 30_000,
  hotForMs: 3_600_000,
  ownerTimeoutMs: 300_000,
}

export interface Told {
  name: keyof PersistenceEvents
  payload: Readonly<Record<string, unknown>>
}

/** Events in the order in which they were told. */
export function recorded(): { events: TypedEvents<PersistenceEvents>; told: Told[] } {
  const told: Told[] = []
  const events = new TypedEvents<PersistenceEvents>()
  const emit = events.emit.bind(events)
  events.emit = (name, payload) => {
    told.push({ name, payload: { ...payload } })
    emit(name, payload)
  }
  return { events, told }
}

export class World {
  readonly clock = new ManualClock(Date.now())
  readonly mesh: MemoryMesh
  readonly broker: MemoryBroker
  readonly stream: string
  told: Told[] = []
  archiver: StreamArchiver
  private ended: Promise<void> | undefined
  private off: () => void = () => {}

  constructor(
    readonly options: Partial<PersistenceOptions> = {},
    meshOptions: MeshOptions = {},
    readonly archive = new BadArchive(),
  ) {
    this.mesh = new MemoryMesh(meshOptions)
    this.broker = new MemoryBroker(this.mesh, this.clock)
    this.stream = this.broker.streams[0] ?? ''
    this.archiver = this.another()
  }

  /** Publishes into `kept:a` and lets an archiver run until that is archived. */
  static async running(...texts: string[]): Promise<World> {
    const world = new World()
    await world.publish('kept:a', ...texts)
    world.run()
    await world.pass(500)
    return world
  }

  /** A new process. */
  another(): StreamArchiver {
    const { archive, broker, clock } = this
    const { events, told } = recorded()
    this.told = told
    const selection = new Selection(broker.subjects, namespaces, (namespace) =>
      events.emit('namespace:unknown', { namespace }),
    )
    const options = { ...defaults, ...this.options }
    const toJson = (data: Uint8Array): string => Buffer.from(data).toString('utf8')
    this.archiver = new StreamArchiver(this.stream, {
      archive,
      broker,
      clock,
      events,
      options,
      selection,
      toJson,
    })
    return this.archiver
  }

  run(): void {
    const { archiver } = this
    const doubt = (): void => archiver.doubt()
    const { events } = this.broker
    const offs = [
      events.on('broker:disconnect', doubt),
      events.on('broker:reconnect', doubt),
      events.on('broker:epoch:change', doubt),
    ]
    this.off = () => offs.forEach((off) => off())
    this.ended = archiver.run()
  }

  /** The archiver isn't told of changes any more. */
  hearNothing(): void {
    this.off()
  }

  async stop(): Promise<void> {
    this.archiver.stop()
    this.off()
    await this.ended
  }

  /** Lets so much time pass, with everything that follows from it. */
  async pass(ms: number): Promise<void> {
    const stepMs = 50
    for (let left = ms; left > 0; left -= stepMs) {
      await this.clock.advanceAsync(Math.min(stepMs, left))
      await turns(6)
    }
  }

  async publish(channel: string, ...texts: string[]): Promise<void> {
    const namespace = channel.split(':')[0] ?? ''
    const meta = encodeMeta({ kind: 'json' })
    for (const text of texts) {
      const { subject } = this.broker.route(namespace, channel)
      await this.broker.log.append(subject, Buffer.from(text), { meta })
    }
  }

  get kept(): readonly StreamMessage[] {
    return this.mesh.stream(this.stream).messages
  }

  /** `seq:text` of what is archived in an epoch, the present one if none is named. */
  archived(epoch = this.broker.epochOf(this.stream)): string[] {
    return this.archive.rows
      .filter((row) => row.epoch === epoch)
      .map(({ seq, data }) => `${seq}:${Buffer.from(data).toString('utf8')}`)
  }

  tales(name: keyof PersistenceEvents): Told['payload'][] {
    return this.told.filter((one) => one.name === name).map(({ payload }) => payload)
  }
}

/** So many turns of the event loop. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise(setImmediate)
}
