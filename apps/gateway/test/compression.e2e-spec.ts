/** WebSockets with what the protocol leaves to their own frames: compression and pings. */
import { describe, expect, it } from '@jest/globals'
import { connectSdk } from '@natter/testing'
import { createUwsServer } from '@natter/transport'
import { WebSocket, type ClientOptions } from 'ws'
import { memoryBench } from './bench.js'
import type { Incoming, TestNode } from './harness.js'

class PackingWebSocket extends WebSocket {
  constructor(url: string, protocols?: string | string[]) {
    super(url, protocols, { perMessageDeflate: true } satisfies ClientOptions)
  }
}

const text = 'again and again the same. '.repeat(200)

describe('compressed WebSockets', () => {
  const bench = memoryBench()

  const start = (): Promise<TestNode> =>
    bench.start({
      createServer: (handlers) =>
        createUwsServer({ host: '127.0.0.1', port: 0, compression: { fromBytes: 256 } }, handlers),
    })

  it.each(['json', 'protobuf'] as const)(
    '[1.6] an SDK that offers it hears what others hear, and publishes: %s',
    async (encoding) => {
      const node = await start()
      const sdk = await connectSdk(node.url, { encoding, websocket: PackingWebSocket })
      bench.atEnd(() => sdk.dispose())
      const plain = await bench.connect(node)
      await sdk.subscribe('room:a')
      await plain.call('subscribe', { channel: 'room:a' })
      const data = encoding === 'json' ? text : Buffer.from(JSON.stringify(text))
      await sdk.centrifuge.publish('room:a', data)
      await plain.call('publish', { channel: 'room:a', data: text })
      const heard = (await sdk.received('room:a', 2)).map(({ data: one }) =>
        typeof one === 'string' ? one : (JSON.parse(Buffer.from(one as Uint8Array).toString()) as string),
      )
      expect(heard).toEqual([text, text])
      await plain.until(() => plain.publications('room:a').length === 2, 'both')
    },
  )

  it('[1.6] what comes out has the limit of a message: 1009', async () => {
    const node = await start()
    const client = new PackingWebSocket(node.url)
    bench.atEnd(() => client.terminate())
    const closed = new Promise((resolve) => client.on('close', resolve))
    client.on('open', () => client.send(JSON.stringify({ id: 1, connect: { name: 'x'.repeat(70_000) } })))
    expect(await closed).toBe(1009)
  })
})

describe('pings by frames of WebSocket', () => {
  const bench = memoryBench()

  const open = async (autoPong: boolean) => {
    const node = await bench.start({ client: { pingIntervalMs: 1_000, pongTimeoutMs: 300 } })
    const client = new WebSocket(`${node.url}?cf_ws_frame_ping_pong=true`, { autoPong })
    bench.atEnd(() => client.terminate())
    const received: Incoming[] = []
    const closed = new Promise<number>((resolve) => client.on('close', resolve))
    const pings = { count: 0, changed: (): void => {} }
    client.on('message', (data: Buffer) => received.push(JSON.parse(data.toString()) as Incoming))
    client.on('ping', () => {
      pings.count += 1
      pings.changed()
    })
    await new Promise((resolve) => client.on('open', resolve))
    client.send('{"id":1,"connect":{}}')
    const pinged = (times: number): Promise<void> =>
      new Promise((resolve) => {
        pings.changed = () => {
          if (pings.count >= times) resolve()
        }
        pings.changed()
      })
    return { received, closed, pinged, client }
  }

  it('[1.5] the connect reply speaks of no pings, none comes as a message, and who answers frames stays', async () => {
    const { received, pinged, client } = await open(true)
    await pinged(3)
    expect(received).toHaveLength(1)
    expect(received[0]?.['connect']).not.toHaveProperty('ping')
    expect(received[0]?.['connect']).not.toHaveProperty('pong')
    expect(client.readyState).toBe(WebSocket.OPEN)
  })

  it('[1.5] who answers none is closed with 3012', async () => {
    const { closed } = await open(false)
    expect(await closed).toBe(3012)
  })
})
