/** The publish queue of `@natter/client` against a network that breaks: two gateways on a real NATS behind a proxy that is cut at random. */
import { describe, expect, it } from '@jest/globals'
import { createClient } from '@natter/client'
import { seededRandom, TcpProxy } from '@natter/testing'
import { WebSocket } from 'ws'
import { natsBench } from './bench.js'

interface Mesh {
  channels: { 'deep::name': number }
}

describe('a connection that is cut at random moments', () => {
  const bench = natsBench()

  it('loses no message, doubles none and keeps their order, since the client repeats with the key that it sent first', async () => {
    const seed = Date.now() % 100_000
    const random = seededRandom(seed)
    const nodes = [await bench.start(), await bench.start()] as const
    const ports = nodes.map(({ url }) => Number(new URL(url).port))
    const accepted: number[] = []
    const proxy = await TcpProxy.start(() => {
      const port = ports[accepted.length % ports.length] ?? 0 // each comes back at the other gateway
      accepted.push(port)
      return { port }
    })
    bench.atEnd(() => proxy.stop())
    const client = createClient<Mesh>({
      url: `ws://127.0.0.1:${proxy.port}`,
      sdk: { websocket: WebSocket, minReconnectDelay: 5, maxReconnectDelay: 20 },
    })
    bench.atEnd(() => client.close())
    await client.ready()
    const [channels, each] = [['deep:a', 'deep:b', 'deep:c'] as const, 150]
    let answered = 0
    let attempts = 0
    let isCutting = true
    const { rpc } = client.sdk
    client.sdk.rpc = (method, data) => {
      attempts += 1
      if (random() < 0.05) setTimeout(() => isCutting && proxy.cut(), random() * 4)
      return rpc.call(client.sdk, method, data)
    }
    const sent = channels.flatMap((channel) =>
      Array.from({ length: each }, async (_, n) => {
        const { position } = await client.channel(channel).publish(n)
        answered += 1
        return { channel, n, offset: position?.offset }
      }),
    )
    const places = await Promise.all(sent)
    isCutting = false
    const reader = createClient<Mesh>({ url: nodes[0].url, sdk: { websocket: WebSocket } })
    bench.atEnd(() => reader.close())
    expect({ seed, answered }).toEqual({ seed, answered: each * channels.length })
    for (const channel of channels) {
      const stored: unknown[] = []
      for await (const { data, offset } of reader.channel(channel).history()) stored.push([data, offset])
      const told = places.filter((place) => place.channel === channel).map(({ n, offset }) => [n, offset])
      expect({ seed, stored }).toEqual({ seed, stored: told })
    }
    expect(accepted.length).toBeGreaterThan(3) // it was cut, or this proves nothing
    expect(attempts).toBeGreaterThan(each * channels.length)
  }, 20_000)
})
