/** Clients that stop reading: they lose their connection, never a publication, and cost the node a bounded amount of memory. */
import { describe, expect, it } from '@jest/globals'
import { MemoryMesh } from '@natter/broker'
import { eventually, MisbehavingPeer, seededRandom } from '@natter/testing'
import { readFile } from 'node:fs/promises'
import { natsBench } from './bench.js'
import { Follower } from './follower.js'
import { runningGateway, startLoad } from './gateway-process.js'
import { startMemoryNode, type NodeOverrides, type RawClient, type TestNode } from './harness.js'

/** What a node's memory may move by itself: heap that isn't collected, memory that the allocator keeps. */
const spareBytes = 96 * 1_048_576

/** Publishers may say as much as they like. */
const eager = { commandRate: 1_000_000, commandBurst: 1_000_000 }

/**
 * Flags of a Node that collects its garbage when it is told to, and says how much of the heap is left. Not an `Inspector`: after a
 * collection by that the node was slower, and its publisher waited too long on a busy machine.
 */
const collectsOnSignal = [
  '--expose-gc',
  '--import',
  'data:text/javascript,process.on("SIGUSR2",()=>{gc();console.log("heap "+process.memoryUsage().heapUsed)})',
]

const portOf = (node: TestNode): number => Number(new URL(node.url).port)

describe('clients that stop reading', () => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1e9))
  const bench = natsBench()
  const { connect } = bench

  const follow = (node: TestNode, channel: string): Follower => {
    const follower = new Follower(portOf(node), channel)
    bench.atEnd(() => follower.end())
    return follower
  }

  const startInMemory = async (overrides: NodeOverrides): Promise<TestNode> => {
    const node = await startMemoryNode(new MemoryMesh(), overrides)
    bench.nodes.push(node)
    return node
  }

  /** How many connections, from the node's start on, were closed with 3008. */
  const countSlow = (node: TestNode): (() => number) => {
    let closed = 0
    node.gateway.events.on('connection:close', ({ code }) => {
      if (code === 3008) closed += 1
    })
    return () => closed
  }

  it(`24 stalls: each ends the connection, and who resumes by position has every publication once, in order (SEED=${seed})`, async () => {
    const [rounds, readers] = [4, 6]
    const random = seededRandom(seed)
    const node = await bench.start({
      client: { ...eager, maxQueueBytes: 65_536 + Math.floor(random() * 200_000) },
    })
    const slow = countSlow(node)
    const followers = Array.from({ length: readers }, () => follow(node, 'room:slow'))
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
      const publisher = await connect(node)
      for (const follower of followers) {
        follower.stopReading()
        await publishSome(publisher, Math.ceil(random() * 4))
      }
      while (slow() < round * readers) await publishSome(publisher, 30)
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
    expect(slow()).toBe(rounds * readers)
  }, 90_000)

  it('[20.3] 1,000 readers that stall cost the node a bounded amount, are all ended with 3008, and leave nothing behind', async () => {
    const [readers, maxQueueBytes, dataBytes] = [1_000, 65_536, 1_500]
    const slowSeries = 'natter_gateway_closes_total{code="3008"'
    const gateway = await runningGateway(bench, {
      env: {
        NATTER_CLIENT_MAX_QUEUE_SIZE: String(maxQueueBytes),
        NATTER_CLIENT_PING_INTERVAL: '10m', // the publisher answers no pings: a slow machine would see it closed for that
      },
      nodeArgs: collectsOnSignal,
    })
    const heapBytes = async (): Promise<number> => {
      const { lines, pid } = gateway.process
      const earlier = lines.length
      process.kill(pid, 'SIGUSR2')
      const line = await gateway.process.waitForLine(
        (one) => one.startsWith('heap ') && lines.lastIndexOf(one) >= earlier,
      )
      return Number(line.slice('heap '.length))
    }
    const rssBytes = async (): Promise<number> => {
      const status = await readFile(`/proc/${gateway.process.pid}/status`, 'utf8')
      return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1_024
    }
    const metric = async (series: string): Promise<number> => (await gateway.metric(series)) ?? 0
    const publisher = await connect(gateway)
    const load = await startLoad(bench, 'stalled-readers.ts', gateway.port, readers, 'live:stalled')
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
    const node = await startInMemory({ client: { ...eager, maxQueueBytes: 200_000 } })
    const slow = countSlow(node)
    const publisher = await connect(node)
    let published = 0
    const publish = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n += 1) {
        published += 1
        const data = { n: published, pad: '.'.repeat(40_000) }
        expect((await publisher.call('publish', { channel: 'room:long', data }))['publish']).toEqual({})
      }
    }
    const follower = follow(node, 'room:long')
    await follower.connect()
    await publish(1)
    await follower.reached(1)
    follower.end()
    await publish(250) // 10 MB: more than the kernel takes, fifty times the limit
    await follower.connect()
    follower.stopReading()
    await publish(50)
    expect(slow()).toBe(0)
    void follower.readOn()
    await follower.reached(published)
    expect(follower.complaints).toEqual([])
    expect(follower.seen).toEqual(Array.from({ length: published }, (_, index) => index + 1))
  })

  it('[3.10] [3.12] a catch-up, however long, holds up nothing behind its subscribe: it may be left, and gives its rights, from the reply on', async () => {
    const channel = 'insiders:left'
    const node = await startInMemory({ client: { ...eager, maxQueueBytes: 200_000 } })
    const [publisher, reader] = [await connect(node), await connect(node)]
    for (let n = 0; n < 250; n += 1) await publisher.call('publish', { channel, data: '.'.repeat(40_000) })
    reader.socket.pause()
    reader.start('subscribe', { channel, recover: true })
    await eventually(() => [...node.gateway.hub.subscribers(channel).values()][0]?.state === 'replied')
    const history = reader.start('history', { channel })
    const unsubscribe = reader.start('unsubscribe', { channel })
    await eventually(() => node.gateway.hub.subscriberCount(channel) === 0)
    reader.socket.resume()
    expect((await reader.reply(unsubscribe))['unsubscribe']).toEqual({})
    expect((await reader.reply(history))['history']).toBeDefined()
    expect(reader.publications(channel).length).toBeLessThan(200)
  })

  it('a reader that stalls while nothing waits for it is ended by its ping, not kept for ever', async () => {
    const node = await startInMemory({ client: { pingIntervalMs: 500, pongTimeoutMs: 200 } })
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
