import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import {
  eventually,
  freePort,
  leakCheck,
  MisbehavingPeer,
  startNatsServer,
  startProcess,
  typescriptArgs,
  type NatsServer,
  type StartedProcess,
} from '@natter/testing'
import { join } from 'node:path'
import { RawClient } from './harness.js'
import { Inspector, type MemoryUse } from './inspector.js'

const main = join(import.meta.dirname, '../src/main.ts')
const flood = join(import.meta.dirname, 'load/flood.ts')
const roundTrips = join(import.meta.dirname, 'load/round-trips.ts')
const config = join(import.meta.dirname, '../../../natter.yaml')

interface FloodStats {
  connects: number
  closes: Record<string, number>
}

describe('a gateway process with bad neighbours', () => {
  let expectNoLeaks: ReturnType<typeof leakCheck>
  let nats: NatsServer
  const started: StartedProcess[] = []
  const clients: RawClient[] = []
  const peers: MisbehavingPeer[] = []

  const start = async () => {
    const [port, opsPort] = [await freePort(), await freePort()]
    const process = await startProcess({
      args: ['--inspect=127.0.0.1:0', ...typescriptArgs, main],
      env: {
        NATTER_NATS_URL: nats.url,
        NATTER_CONFIG: config,
        NATTER_GATEWAY_PORT: String(port),
        NATTER_OPS_PORT: String(opsPort),
        NATTER_CLIENT_PING_INTERVAL: '1s',
        NATTER_CLIENT_PONG_TIMEOUT: '300ms',
      },
    })
    started.push(process)
    await process.waitForLine((line) => line.includes('"ops:listen"'))
    const metric = async (name: string): Promise<number> => {
      const text = await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text()
      return Number(
        text
          .split('\n')
          .find((line) => line.startsWith(`${name}{`))
          ?.split(' ')
          .at(-1),
      )
    }
    return { process, port, url: `ws://127.0.0.1:${port}/connection/websocket`, metric }
  }

  /** Floods in every way until it was closed with 3013 some times, and ends the flood. */
  const floodOnce = async (port: number): Promise<void> => {
    const process = await startProcess({ args: [flood, String(port), '5', 'publish,churn,big,pings,nested'] })
    started.push(process)
    await process.waitForLine((one) => ((JSON.parse(one) as FloodStats).closes['3013'] ?? 0) > 50, 30_000)
    await process.kill('SIGKILL')
  }

  const badRound = async (url: string, port: number): Promise<void> => {
    await floodOnce(port)
    const many = await RawClient.connect(url)
    clients.push(many)
    for (let n = 0; n < 9_000; n += 1) many.send({ id: n + 2, subscribe: { channel: `live:${n}` } })
    // in the second round its address is known for flooding, and it is closed as well
    await many.until(() => many.received.length > 9_000 || many.closed, 'all answers', 15_000)
    many.end()
    const halfOpen = await Promise.all(
      Array.from({ length: 50 }, () =>
        MisbehavingPeer.connect({ port, path: '/connection/websocket' }).then((peer) => {
          peers.push(peer)
          peer.send('{"id":1,"connect":{}}')
          peer.announce(60_000)
          peer.sendBytes(Buffer.alloc(10_000))
          return peer
        }),
      ),
    )
    await Promise.all(halfOpen.map(({ closed }) => closed))
    for (const text of ['', 'hello', 'null', '{"id":-1}', 'x'.repeat(70_000), 'x'.repeat(2_000_000)]) {
      const client = await RawClient.connect(url)
      clients.push(client)
      client.text(text)
      await client.close()
    }
  }

  beforeEach(async () => {
    expectNoLeaks = leakCheck()
    nats = await startNatsServer()
  })

  afterEach(async () => {
    for (const client of clients.splice(0)) client.end()
    for (const peer of peers.splice(0)) peer.destroy()
    await Promise.all(started.splice(0).map((one) => one.kill('SIGKILL')))
    await nats.stop()
    await expectNoLeaks()
  })

  it('answers every publication of its honest clients while others flood it and come back at once', async () => {
    const { port } = await start()
    const flooding = await startProcess({ args: [flood, String(port), '4', 'stored'] })
    started.push(flooding)
    await flooding.waitForLine((line) => (JSON.parse(line) as FloodStats).connects > 10)
    const honest = await startProcess({ args: [roundTrips, String(port), '20', '3'] })
    started.push(honest)
    const line = await honest.waitForLine((one) => one.includes('"count"'), 30_000)
    expect(JSON.parse(line)).toMatchObject({ missing: 0 })
    expect((JSON.parse(line) as { count: number }).count).toBeGreaterThan(100)
  }, 60_000)

  it('has given back all memory after floods, churn, huge and malformed messages and half-open sockets', async () => {
    const { process, port, url, metric } = await start()
    const inspector = await Inspector.attach(process)
    const settled = async (): Promise<MemoryUse> => {
      await eventually(async () => (await metric('natter_gateway_connections')) === 0, { timeoutMs: 10_000 })
      await eventually(async () => (await metric('natter_gateway_channels')) === 0, { timeoutMs: 30_000 })
      return await inspector.memory()
    }
    await badRound(url, port) // what is compiled, cached and pooled comes with the first round
    const before = await settled()
    await badRound(url, port)
    const after = await settled()
    inspector.close()
    expect(after.heapMiB - before.heapMiB).toBeLessThan(10)
    expect(after.externalMiB - before.externalMiB).toBeLessThan(10)
    expect(after.rssMiB - before.rssMiB).toBeLessThan(10)
  }, 180_000)
})
