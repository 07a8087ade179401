/**
 * A mesh in memory: gateways, apps and streams as one object, in one process, without a server. Time moves when {@link MemoryMesh.advance}
 * moves it. What it does for apps and clients is held by `test/mesh.contract.ts`, which real gateways pass too.
 */
import type { Bytes, Publication } from '@natter/protocol'
import { randomUUID } from 'node:crypto'
import { Apps } from './apps.js'
import { AtWork } from './at-work.js'
import { Channels, type Fact } from './channels.js'
import { Commands } from './commands.js'
import type { ClientEnd, Connection, Identity } from './connection.js'
import { Connections, type Welcome } from './connections.js'
import { Events } from './events.js'
import type { Namespaces } from './rules.js'
import { ToldClock } from './told-clock.js'

export interface MemoryMeshOptions {
  /** By name, '' = channels without one. Those that aren't named are kept, and allow nothing that no app allows. */
  namespaces?: Namespaces
  /** Where time begins, milliseconds since 1970. Default: now, so that `Date.now() + …` in an app lies ahead. */
  startMs?: number
}

export interface ConnectRequest {
  token?: string
  name?: string
  version?: string
  data?: Bytes
  /** Of the handshake; apps are shown all of them, names in lower case. */
  headers?: Readonly<Record<string, string>>
}

/** How long, in real time, {@link MemoryMesh.advance} waits for one handler. */
const patienceMs = 50

export class MemoryMesh {
  readonly clock: ToldClock
  readonly atWork = new AtWork()
  readonly apps: Apps
  readonly channels: Channels
  readonly connections: Connections
  readonly commands: Commands
  private readonly events: Events

  constructor({ namespaces = {}, startMs = Date.now() }: MemoryMeshOptions = {}) {
    this.clock = new ToldClock(startMs)
    this.apps = new Apps(this.clock, this.atWork)
    this.events = new Events(this.apps, this.clock, this.atWork)
    const tell = (fact: Fact) => this.events.tell({ ...fact, id: randomUUID(), atMs: this.clock.now() })
    this.channels = new Channels(namespaces, this.clock, tell)
    this.connections = new Connections(this.apps, this.channels, this.clock, tell)
    const { apps, channels, connections, clock, events } = this
    this.commands = new Commands({ apps, channels, connections, clock, events, tell })
  }

  /** A client, let in by the app's connect hook. @throws what the app refused. */
  connect(request: ConnectRequest, end: ClientEnd): Promise<Welcome> {
    return this.connections.letIn(request, end)
  }

  /** A client, let in without a question. */
  admit(identity: Identity, request: ConnectRequest, end: ClientEnd): Connection {
    return this.connections.admit(identity, request, end)
  }

  /** All that was published there, kept or not. */
  published(channel: string): readonly Publication[] {
    return this.channels.of(channel).published
  }

  /**
   * Moves time on and does what falls due, one after the other, each to its end. Handlers that don't end within {@link patienceMs} of real
   * time are left at work: then time moves past them, as it does in life.
   */
  advance(ms: number): Promise<void> {
    return this.clock.advance(ms, () => this.atWork.settled(patienceMs))
  }
}
