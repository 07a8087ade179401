/** Clients that stop reading: they lose their connection, never a publication, and cost the node a bounded amount of memory. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createNatsBroker, MemoryMesh, type BrokerEvents } from '@natter/broker'
import { TypedEvents } from '@natter/primitives'
import {
  eventually,
  freePort,
  leakCheck,
  MisbehavingPeer,
  seededRandom,
  startNatsServer,
  startProcess,
  typescriptArgs,
  type NatsServer,
  type StartedProcess,
} from '@natter/testing'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Follower } from './follower.js'
import { RawClient, startMemoryNode, startNode, type NodeOverrides, type TestNode } from './harness.js'

const main = join(import.meta.dirname, '../src/main.ts')
const stalledReaders = join(import.meta.dirname, 'load/stalled-readers.ts')
const config = join(import.meta.dirname, '../../../natter.yaml')

/** What a node's memory may move by itself: heap that isn't collected, memory that the allocator keeps. */
const spareBytes = 96 * 1_048_576

/** Publishers may say as much as they like. */
const eager = { commandRate: 1_000_000, commandBurst: 1_000_000 }

/** Flags of a Node that collects its garbage when it is told to, and says how much of the heap is left. */
const collectsOnSignal = [
  '--expose-gc',
  '--import',
  'data:text/javascript,process.on("SIGUSR2",()=>{gc();console.log("heap "+process.memoryUsage().heapUsed)})',
]

const portOf = (node: TestNode): number => Number(new URL(node.url).port)

describe('clients that stop reading', () => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1e9))
  let expectNoLeaks: ReturnType<typeof leakCheck>
  let nats: NatsServer
  let nodes: TestNode[] = []
  let followers: Follower[] = []
  let clients: RawClient[] = []
  let processes: StartedProcess[] = []

  const startOnNats = async (overrides: NodeOverrides): Promise<TestNode> => {
    const events = new TypedEvents<BrokerEvents>()
    const broker = await createNatsBroker({ urls: [nats.url], prefix: 'natter', name: 'test', events })
    const node = await startNode(broker, overrides)
    nodes.push(node)
    return node
  }

  const connect = async (url: string): Promise<RawClient> => {
    const client = await RawClient.connect(url)
    clients.push(client)
    return client
  }

  const start = async (
    args: readonly string[],
    env: Record<string, string> = {},
  ): Promise<StartedProcess> => {
    const started = await startProcess({ args, env })
    processes.push(started)
    return started
  }

  /** Resolves when so many connections, from the node's start on, were closed with 3008. */
  const countSlow = (node: TestNode): ((count: number) => Promise<void>) & { count: () => number } => {
    let closed = 0
    let look = (): void => {}
    node.gateway.events.on('connection:close', ({ code }) => {
      if (code === 3008) closed += 1
      look()
    })
    const reach = (count: number): Promise<void> =>
      new Promise((resolve) => {
        look = () => {
          if (closed >= count) resolve()
        }
        look()
      })
    return Object.assign(reach, { count: () => closed })
  }

  beforeEach(async () => {
    expectNoLeaks = leakCheck()
    nats = await startNatsServer()
  })

  afterEach(async () => {
    for (const follower of followers) follower.end()
    for (const client of clients) client.end()
    await Promise.all(processes.map((one) => one.kill('SIGKILL')))
    await Promise.all(nodes.map((node) => node.stop()))
    await nats.stop()
    nodes = []
    followers = []
    clients = []
    processes = []
    await expectNoLeaks()
  })

  it(`24 stalls: each ends the connection, and who resumes by position has every publication once, in order (SEED=${seed})`, async () => {
    const [rounds, readers] = [4, 6]
    const random = seededRandom(seed)
    const node = await startOnNats({
      client: { ...eager, maxQueueBytes: 65_536 + Math.floor(random() * 200_000) },
    })
    const slow = countSlow(node)
    followers = Array.from({ length: readers }, () => new Follower(portOf(node), 'room:slow'))
    for (const follower of followers) await follower.connect()

    let published = 0
    const publishSome = async (publisher: RawClient, count: number): Promise<void> => {
      const replies = Array.from({ length: count }, () => {
        published += 1
        const bytes = random() < 0.5 ? random() * 16_000 : 16_384 + random() * 40_000
        return publisher.call('publish', {
          channel: 'room:slow',
          data: { n: published, pad: '.'.repeat(bytes) },
        })
      })
      for (const reply of await Promise.all(replies)) expect(reply['publish']).toEqual({})
    }

    for (let round = 1; round <= rounds; round += 1) {
      const publisher = await connect(node.url)
      for (const follower of followers) {
        follower.stopReading()
        await publishSome(publisher, Math.ceil(random() * 4))
      }
      while (slow.count() < round * readers) await publishSome(publisher, 30)
      await Promise.all(
        followers.map(async (follower) => {
          await publishSome(publisher, Math.floor(random() * 4))
          const { code } = await follower.readOn()
          expect([3008, 1006]).toContain(code)
          await follower.connect()
        }),
      )
      await Promise.all(followers.map((follower) => follower.reached(published)))
      publisher.end()
    }
    const all = Array.from({ length: published }, (_, index) => index + 1)
    for (const follower of followers) {
      expect(follower.complaints).toEqual([])
      expect(follower.seen).toEqual(all)
    }
    expect(slow.count()).toBe(rounds * readers)
  }, 90_000)

  it('1,000 readers that stall cost the node a bounded amount, are all ended with 3008, and leave nothing behind', async () => {
    const [readers, maxQueueBytes, dataBytes] = [1_000, 65_536, 1_500]
    const slowSeries = 'natter_gateway_closes_total{code="3008"'
    const [port, opsPort] = [await freePort(), await freePort()]
    const gateway = await start([...collectsOnSignal, ...typescriptArgs, main], {
      NATTER_NATS_URL: nats.url,
      NATTER_CONFIG: config,
      NATTER_GATEWAY_NAME: 'slow-readers',
      NATTER_GATEWAY_PORT: String(port),
      NATTER_OPS_PORT: String(opsPort),
      NATTER_CLIENT_MAX_QUEUE_SIZE: String(maxQueueBytes),
    })
    await gateway.waitForLine((line) => line.includes('"ops:listen"'))
    const heapBytes = async (): Promise<number> => {
      const earlier = gateway.lines.length
      process.kill(gateway.pid, 'SIGUSR2')
      const line = await gateway.waitForLine(
        (one) => one.startsWith('heap ') && gateway.lines.lastIndexOf(one) >= earlier,
      )
      return Number(line.slice('heap '.length))
    }
    const rssBytes = async (): Promise<number> => {
      const status = await readFile(`/proc/${gateway.pid}/status`, 'utf8')
      return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1_024
    }
    const metric = async (series: string): Promise<number> => {
      const text = await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text()
      return Number(
        text
          .split('\n')
          .find((line) => line.startsWith(series))
          ?.split(' ')
          .at(-1) ?? 0,
      )
    }
    const url = `ws://127.0.0.1:${port}/connection/websocket`
    const publisher = await connect(url)
    const load = await start([stalledReaders, String(port), String(readers), 'live:stalled'])
    await load.waitForLine((line) => line === 'stalled', 60_000)

    const pad = '.'.repeat(dataBytes)
    const batch = 20 // times a thousand readers
    const publishTo = async (channel: string): Promise<void> => {
      publisher.received.length = 0
      const replies = Array.from({ length: batch }, (_, n) =>
        publisher.call('publish', { channel, data: { n, pad } }),
      )
      await Promise.all(replies)
    }
    for (let n = 0; n < 1_000; n += batch) await publishTo('live:nobody') // what any work costs is no part of it

    const heapBefore = await heapBytes()
    const before = await rssBytes()
    let [peak, publications] = [before, 0]
    while (publications < 2_000 || (publications < 6_000 && (await metric(slowSeries)) < readers)) {
      await publishTo('live:stalled')
      publications += batch
      peak = Math.max(peak, await rssBytes())
    }
    // a buffer grows by doubling
    expect(peak - before).toBeLessThan(readers * 2 * (maxQueueBytes + dataBytes) + spareBytes)
    expect(await metric(slowSeries)).toBe(readers)
    await eventually(async () => (await metric('natter_gateway_connections{')) === 1, { timeoutMs: 20_000 })
    let after = 0
    await eventually(
      async () => {
        const heap = await heapBytes()
        after = await rssBytes()
        return heap - heapBefore < 8 * 1_048_576 && after - before < spareBytes // the allocator keeps some of it
      },
      { timeoutMs: 20_000, intervalMs: 500 },
    )
    const mebibytes = (bytes: number): number => Math.round(bytes / 1_048_576)
    process.stdout.write(
      `MiB before, at the peak, after: ${[before, peak, after].map(mebibytes).join(', ')}; ${publications} publications\n`,
    )
    expect((await publisher.call('publish', { channel: 'live:stalled', data: 'last' }))['publish']).toEqual(
      {},
    )
  }, 120_000)

  it('a catch-up waits for its reader, page by page; what is published meanwhile comes after it, each once', async () => {
    const node = await startMemoryNode(new MemoryMesh(), { client: { ...eager, maxQueueBytes: 200_000 } })
    nodes.push(node)
    const slow = countSlow(node)
    const publisher = await connect(node.url)
    let published = 0
    const publish = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n += 1) {
        published += 1
        const data = { n: published, pad: '.'.repeat(40_000) }
        expect((await publisher.call('publish', { channel: 'room:long', data }))['publish']).toEqual({})
      }
    }
    const follower = new Follower(portOf(node), 'room:long')
    followers.push(follower)
    await follower.connect()
    await publish(1)
    await follower.reached(1)
    follower.end()
    await publish(250) // 10 MB: more than the kernel takes, fifty times the limit
    await follower.connect()
    follower.stopReading()
    await publish(50)
    expect(slow.count()).toBe(0)
    void follower.readOn()
    await follower.reached(published)
    expect(follower.complaints).toEqual([])
    expect(follower.seen).toEqual(Array.from({ length: published }, (_, index) => index + 1))
  })

  it('a reader that stalls while nothing waits for it is ended by its ping, not kept for ever', async () => {
    const node = await startMemoryNode(new MemoryMesh(), {
      client: { pingIntervalMs: 500, pongTimeoutMs: 200 },
    })
    nodes.push(node)
    const closed = new Promise<number>((resolve) => {
      node.gateway.events.on('connection:close', ({ code }) => resolve(code))
    })
    const peer = await MisbehavingPeer.connect({ port: portOf(node) })
    peer.send('{"id":1,"connect":{}}')
    await peer.received(1)
    peer.pause()
    expect(await closed).toBe(3012)
    peer.destroy()
  })
})
