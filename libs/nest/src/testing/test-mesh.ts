/**
 * A mesh for tests: your application on a mesh in memory, with clients as you need them. No server, no port, no waiting: time moves when
 * `advance` moves it.
 */
import type { INestApplicationContext, LoggerService, ModuleMetadata } from '@nestjs/common'
import { Test, type TestingModuleBuilder } from '@nestjs/testing'
import { MemoryDriver, MemoryMesh, type MemoryNamespace } from '../driver/memory/index.js'
import { Natter, publicationOf, type StoredPublication } from '../natter.js'
import { MESH_DRIVER, RESOLVED_OPTIONS, type ResolvedOptions } from '../natter.options.js'
import { encodeValue, jsonOf } from '../pipeline/json.js'
import { msOf, type Duration } from './duration.js'
import { refusedOf, TestClient } from './test-client.js'
import { TestEnd } from './test-end.js'

export interface TestMeshOptions {
  /**
   * By name, '' = channels without one; what gateways are told in their configuration. Those that aren't named are kept, and clients may do
   * there what an app's hooks allow.
   */
  namespaces?: Readonly<Record<string, MemoryNamespace>>
  /** Where time begins. Default: now. */
  startAt?: Date
  /** Of the applications. Default: Nest's for tests, which shows errors alone. `false` = nothing. */
  logger?: LoggerService | false
}

/** Changes the module before it starts: `(builder) => builder.overrideProvider(Rooms).useValue(…)`. */
export type Override = (builder: TestingModuleBuilder) => TestingModuleBuilder

/** Who connects. `user`: let in as that one, without the connect hook. Without it the app's `@OnConnect` decides. */
export type TestConnect =
  | { user: string; info?: unknown; meta?: unknown; headers?: Readonly<Record<string, string>> }
  | {
      user?: never
      token?: string
      /** Shown to the hook as `clientName` and `clientVersion`. */
      name?: string
      version?: string
      data?: unknown
      headers?: Readonly<Record<string, string>>
    }

export class TestMesh {
  private readonly apps: INestApplicationContext[] = []
  private readonly mesh: MemoryMesh

  private constructor(private readonly options: TestMeshOptions) {
    const { namespaces = {}, startAt } = options
    this.mesh = new MemoryMesh({
      namespaces,
      ...(startAt === undefined ? {} : { startMs: startAt.getTime() }),
    })
  }

  /**
   * Starts the application on a mesh of its own. Its `NatterModule` is left as it is, but for the way to the mesh.
   *
   * @throws what the start of the application throws.
   */
  static async create(
    metadata: ModuleMetadata,
    override?: Override,
    options: TestMeshOptions = {},
  ): Promise<TestMesh> {
    const mesh = new TestMesh(options)
    await mesh.join(metadata, override)
    return mesh
  }

  /** A mesh without any app so far: let them {@link join}. */
  static open(options: TestMeshOptions = {}): TestMesh {
    return new TestMesh(options)
  }

  /** One more: another app, or another instance of the same. Ends with the mesh; to end it before, close it. */
  async join(
    metadata: ModuleMetadata,
    override: Override = (builder) => builder,
  ): Promise<INestApplicationContext> {
    const builder = Test.createTestingModule(metadata)
    const { logger } = this.options
    if (logger !== undefined) builder.setLogger(logger === false ? silent : logger)
    const factory = ({ app }: ResolvedOptions) => new MemoryDriver(this.mesh, app)
    builder.overrideProvider(MESH_DRIVER).useFactory({ factory, inject: [RESOLVED_OPTIONS] })
    const app = await override(builder).compile()
    await app.init()
    this.apps.push(app)
    return app
  }

  /** The first application. */
  get app(): INestApplicationContext {
    return this.apps[0]!
  }

  /** What is injected there. */
  get natter(): Natter {
    return this.app.get(Natter)
  }

  /** The mesh's time, milliseconds since 1970. `Date.now()` of your application goes on by itself. */
  get now(): number {
    return this.mesh.clock.now()
  }

  /** @throws Refused what the connect hook refused; 3507: the user is blocked. */
  async connect(request: TestConnect = {}): Promise<TestClient> {
    const end = new TestEnd()
    if (request.user !== undefined) {
      const { user, info, meta, headers } = request
      const identity = { user, ...json('infoJson', info), ...json('metaJson', meta) }
      const connection = told(() => this.mesh.admit(identity, headers === undefined ? {} : { headers }, end))
      return new TestClient(this.mesh, connection, end, undefined)
    }
    const { data, ...asked } = request
    const bytes = data === undefined ? {} : { data: encodeValue(data, 'json') }
    try {
      const welcome = await this.mesh.connect({ ...asked, ...bytes }, end)
      return new TestClient(this.mesh, welcome.connection, end, welcome.data)
    } catch (error) {
      throw refusedOf(error)
    }
  }

  /** All that was published in the channel, oldest first, whoever published it, kept or not. */
  published<T = unknown>(channel: string): StoredPublication<T>[] {
    return this.mesh.published(channel).map((publication) => publicationOf<T>(publication, 'json'))
  }

  /**
   * Moves the mesh's time on: what expires expires, what is repeated is repeated, each to its end before the next.
   *
   * @throws InvalidError `bad-duration`.
   */
  async advance(by: Duration): Promise<void> {
    await this.mesh.advance(msOf(by))
  }

  /** Ends the applications, as their processes would end. */
  async close(): Promise<void> {
    for (const app of this.apps.splice(0)) await app.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function told<T>(admit: () => T): T {
  try {
    return admit()
  } catch (error) {
    throw refusedOf(error)
  }
}

/** Nest takes `false` for its own. */
const silent: LoggerService = { log: () => undefined, warn: () => undefined, error: () => undefined }

function json<K extends string>(key: K, value: unknown): { [P in K]?: string } {
  return (value === undefined ? {} : { [key]: jsonOf(value) }) as { [P in K]?: string }
}
