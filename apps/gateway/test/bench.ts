/**
 * What a test of gateways stands on: a mesh of its own, in memory or on a real NATS, and whatever the test starts there. A bench
 * registers the hooks of its tests: all of it ends with the test, clients first, what carries the mesh last.
 */
import { afterEach, beforeEach } from '@jest/globals'
import {
  createNatsBroker,
  MemoryBroker,
  MemoryMesh,
  type Broker,
  type NatsBrokerOptions,
} from '@natter/broker'
import { leakCheck, startNatsServer, type NatsServer } from '@natter/testing'
import { jsonDialect, type Dialect } from './dialect.js'
import { RawClient, startNode, type NodeOverrides, type TestNode } from './harness.js'

export interface Bench {
  /** Those that run: who stops one takes it out. */
  readonly nodes: TestNode[]
  connect(gateway: { readonly url: string }): Promise<RawClient>
  /** A client that ends with the test. */
  keep(opening: Promise<RawClient>): Promise<RawClient>
  /** `end` is called when the test is through, while nodes and mesh still run, and may return a promise. */
  atEnd(end: () => unknown): void
}

export interface MemoryBench extends Bench {
  readonly mesh: MemoryMesh
  start(overrides?: NodeOverrides): Promise<TestNode & { broker: MemoryBroker }>
}

export interface NatsBench extends Bench {
  /** Who replaces it puts the next one here. */
  nats: NatsServer
  /** Past all gateways; closed with the test. */
  open(options?: Partial<NatsBrokerOptions>): Promise<Broker>
  start(overrides?: NodeOverrides, options?: Partial<NatsBrokerOptions>): Promise<TestNode>
}

/** @param dialect What its clients speak. */
export function memoryBench(dialect = jsonDialect): MemoryBench {
  const { bench, serve, clear } = emptyBench(dialect)
  let mesh: MemoryMesh

  beforeEach(() => {
    mesh = new MemoryMesh()
  })
  afterEach(clear)

  return {
    ...bench,
    get mesh() {
      return mesh
    },
    async start(overrides) {
      const broker = new MemoryBroker(mesh)
      return Object.assign(await serve(broker, overrides), { broker })
    },
  }
}

/** Nothing may be left when a test is through. */
export function natsBench(): NatsBench {
  const { bench, serve, clear } = emptyBench(jsonDialect)
  let nats: NatsServer
  let expectNoLeaks: ReturnType<typeof leakCheck>
  const brokerOf = (options: Partial<NatsBrokerOptions>): Promise<Broker> =>
    createNatsBroker({ urls: [nats.url], prefix: 'natter', name: 'test', ...options })

  beforeEach(async () => {
    expectNoLeaks = leakCheck()
    nats = await startNatsServer()
  })
  afterEach(async () => {
    await clear()
    await nats.stop()
    await expectNoLeaks()
  })

  return {
    ...bench,
    get nats() {
      return nats
    },
    set nats(next) {
      nats = next
    },
    async open(options = {}) {
      const broker = await brokerOf(options)
      bench.atEnd(() => broker.close())
      return broker
    },
    async start(overrides = {}, options = {}) {
      const { prefix = 'natter' } = overrides
      return await serve(await brokerOf({ prefix, ...options }), overrides)
    },
  }
}

function emptyBench(dialect: Dialect) {
  const nodes: TestNode[] = []
  const clients: RawClient[] = []
  const ends: (() => unknown)[] = []
  const keep = async (opening: Promise<RawClient>): Promise<RawClient> => {
    const client = await opening
    clients.push(client)
    return client
  }
  const bench: Bench = {
    nodes,
    connect: ({ url }) => keep(RawClient.connect(url, {}, dialect)),
    keep,
    atEnd(end) {
      ends.push(end)
    },
  }
  const serve = async (broker: Broker, overrides?: NodeOverrides): Promise<TestNode> => {
    const node = await startNode(broker, overrides)
    nodes.push(node)
    return node
  }
  const clear = async (): Promise<void> => {
    for (const client of clients.splice(0)) client.end()
    await Promise.all(ends.splice(0).map((end) => end()))
    await Promise.all(nodes.splice(0).map((node) => node.stop()))
  }
  return { bench, serve, clear }
}
