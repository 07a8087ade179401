import { describe, expect, it } from '@jest/globals'
import { eventually, MisbehavingPeer } from '@natter/testing'
import { natsBench } from './bench.js'
import { runningGateway, startLoad, type GatewayProcess } from './gateway-process.js'
import { Inspector, type MemoryUse } from './inspector.js'

interface FloodStats {
  connects: number
  closes: Record<string, number>
}

describe('a gateway process with bad neighbours', () => {
  const bench = natsBench()

  /** Soon done with whoever is silent. */
  const start = (): Promise<GatewayProcess> =>
    runningGateway(bench, {
      env: { NATTER_CLIENT_PING_INTERVAL: '1s', NATTER_CLIENT_PONG_TIMEOUT: '300ms' },
      nodeArgs: ['--inspect=127.0.0.1:0'],
    })

  /** Floods in every way until it was closed with 3013 some times, and ends the flood. */
  const floodOnce = async (port: number): Promise<void> => {
    const process = await startLoad(bench, 'flood.ts', port, 5, 'publish,churn,big,pings,nested')
    await process.waitForLine((one) => ((JSON.parse(one) as FloodStats).closes['3013'] ?? 0) > 50, 30_000)
    await process.kill('SIGKILL')
  }

  const badRound = async (gateway: GatewayProcess): Promise<void> => {
    const { port } = gateway
    await floodOnce(port)
    const many = await bench.connect(gateway)
    for (let n = 0; n < 9_000; n += 1) many.send({ id: n + 2, subscribe: { channel: `live:${n}` } })
    // in the second round its address is known for flooding, and it is closed as well
    await many.until(() => many.received.length > 9_000 || many.closed, 'all answers', 15_000)
    many.end()
    const halfOpen = await Promise.all(
      Array.from({ length: 50 }, () =>
        MisbehavingPeer.connect({ port, path: '/connection/websocket' }).then((peer) => {
          bench.atEnd(() => peer.destroy())
          peer.send('{"id":1,"connect":{}}')
          peer.announce(60_000)
          peer.sendBytes(Buffer.alloc(10_000))
          return peer
        }),
      ),
    )
    await Promise.all(halfOpen.map(({ closed }) => closed))
    for (const text of ['', 'hello', 'null', '{"id":-1}', 'x'.repeat(70_000), 'x'.repeat(2_000_000)]) {
      const client = await bench.connect(gateway)
      client.text(text)
      await client.close()
    }
  }

  it('answers every publication of its honest clients while others flood it and come back at once', async () => {
    const { port } = await runningGateway(bench) // with time for pongs: on a busy machine honest clients are late as well
    const flooding = await startLoad(bench, 'flood.ts', port, 4, 'stored')
    await flooding.waitForLine((line) => (JSON.parse(line) as FloodStats).connects > 10)
    const honest = await startLoad(bench, 'round-trips.ts', port, 20, 3)
    const line = await honest.waitForLine((one) => one.includes('"count"'), 30_000)
    expect(JSON.parse(line)).toMatchObject({ missing: 0 })
    expect((JSON.parse(line) as { count: number }).count).toBeGreaterThan(100)
  }, 60_000)

  it('has given back all memory after floods, churn, huge and malformed messages and half-open sockets', async () => {
    const gateway = await start()
    const { metric } = gateway
    const inspector = await Inspector.attach(gateway.process)
    const settled = async (): Promise<MemoryUse> => {
      await eventually(async () => (await metric('natter_gateway_connections{')) === 0, { timeoutMs: 10_000 })
      await eventually(async () => (await metric('natter_gateway_channels{')) === 0, { timeoutMs: 30_000 })
      return await inspector.memory()
    }
    await badRound(gateway) // what is compiled, cached and pooled comes with the first round
    const before = await settled()
    await badRound(gateway)
    const after = await settled()
    inspector.close()
    expect(after.heapMiB - before.heapMiB).toBeLessThan(10)
    expect(after.externalMiB - before.externalMiB).toBeLessThan(10)
    expect(after.rssMiB - before.rssMiB).toBeLessThan(10)
  }, 180_000)
})
