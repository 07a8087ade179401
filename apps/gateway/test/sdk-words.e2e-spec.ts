/** What docs/protocol.md tells users of an SDK, tried with the SDK. */
import { describe, expect, it } from '@jest/globals'
import { Disconnects, Unsubscribes } from '@natter/protocol'
import { connectSdk, type SdkClient } from '@natter/testing'
import { Centrifuge, type StreamPosition } from 'centrifuge'
import { commandTimeoutMs } from '../src/connection/command-deadline.js'
import { jsonDialect } from './dialect.js'
import { FakeApp } from './fake-app.js'
import type { TestNode } from './harness.js'
import { wireBench } from './wire-bench.js'

describe('in the words of the JavaScript SDK', () => {
  const { start, api, atEnd } = wireBench(jsonDialect)

  const connect = async ({ url }: TestNode): Promise<SdkClient> => {
    const client = await connectSdk(url, { minReconnectDelay: 20, maxReconnectDelay: 50 })
    atEnd(() => client.dispose())
    return client
  }

  it('[21.1] publish resolves when the publication is stored: whoever reads after it finds it, on any gateway', async () => {
    const [one, two] = [await start(), await start()]
    const [writer, reader] = [await connect(one), await connect(two)]
    for (const n of [1, 2, 3, 4, 5]) {
      await writer.centrifuge.publish('room:words', n)
      const { publications } = await reader.centrifuge.history('room:words', { limit: 1, reverse: true })
      expect(publications.map(({ data }) => data as unknown)).toEqual([n])
    }
  })

  it('[21.2] a history is read to its end page by page, from the last publication of each', async () => {
    const { centrifuge } = await connect(await start())
    const numbers = Array.from({ length: 650 }, (_, n) => n)
    await Promise.all(numbers.map((n) => centrifuge.publish('room:pages', n)))
    const seen: unknown[] = []
    for (let since: StreamPosition | undefined; ;) {
      const from = since === undefined ? {} : { since }
      const { publications, epoch } = await centrifuge.history('room:pages', { limit: 300, ...from })
      const last = publications.at(-1)
      if (last === undefined) break
      seen.push(...publications.map(({ data }) => data as unknown))
      since = { offset: last.offset ?? 0, epoch }
    }
    expect(seen).toEqual(numbers)
  })

  it.each([
    ['stays away', Disconnects.forceDisconnect, 'disconnected'],
    ['comes back', Disconnects.forceReconnect, 'connected'],
  ] as const)('[21.3] after a close it %s, and its event has the code', async (_, ending, last) => {
    const node = await start({ hooks: new FakeApp({ connect: () => ({ user: 'ana' }) }) })
    const { centrifuge } = await connect(node)
    const told = new Promise((resolve) => {
      centrifuge.once(last === 'disconnected' ? 'disconnected' : 'connecting', resolve)
    })
    const ended = new Promise((resolve) => centrifuge.once(last, resolve))
    await (await api()).disconnect('ana', ending)
    expect(await told).toMatchObject(ending)
    await ended
    expect(centrifuge.state).toBe(last)
  })

  it.each([
    ['stays away', Unsubscribes.server, 'unsubscribed'],
    ['subscribes again', Unsubscribes.insufficientState, 'subscribed'],
  ] as const)('[21.3] after an unsubscribe it %s, and its event has the code', async (_, ending, last) => {
    const node = await start({ hooks: new FakeApp({ connect: () => ({ user: 'ana' }) }) })
    const subscription = await (await connect(node)).subscribe('room:words')
    const told = new Promise((resolve) => {
      subscription.once(last === 'unsubscribed' ? 'unsubscribed' : 'subscribing', resolve)
    })
    const ended = new Promise((resolve) => subscription.once(last, resolve))
    await (await api()).unsubscribe('ana', 'room:words', ending)
    expect(await told).toMatchObject(ending)
    await ended
    expect(subscription.state).toBe(last)
  })

  it('[21.4] its own patience is longer than a gateway takes for any answer', () => {
    const { _config: config } = new Centrifuge('ws://nowhere') as unknown as {
      _config: { timeout: number; maxServerPingDelay: number }
    }
    expect(config.timeout).toBeGreaterThanOrEqual(commandTimeoutMs + 1_000)
    expect(config.maxServerPingDelay).toBeGreaterThanOrEqual(10_000)
  })
})
