import { describe, expect, it } from '@jest/globals'
import { ApiClient } from '@natter/hooks'
import { Disconnects } from '@natter/protocol'
import { connectSdk } from '@natter/testing'
import type { SubscribedContext } from 'centrifuge'
import { natsBench } from './bench.js'
import { dialects } from './dialect.js'
import { RawClient, type Incoming, type TestNode } from './harness.js'

const red = { key: 'colour', cmp: 'eq', val: 'red' } as const

describe('tags filters', () => {
  const bench = natsBench()

  /** Publishes numbers with tags, as an app. */
  const painter = async () => {
    const api = new ApiClient({ broker: await bench.open() })
    api.start()
    bench.atEnd(() => api.stop())
    return async (channel: string, n: number, tags: Record<string, string> = {}) =>
      api.publish(channel, Buffer.from(String(n)), { tags })
  }
  const numbersOf = (publications: readonly { data?: unknown }[]): unknown[] =>
    publications.map(({ data }) => data)

  describe.each(dialects)('for clients that speak $name', (dialect) => {
    const connect = async ({ url }: TestNode, request: object = {}): Promise<[RawClient, Incoming]> => {
      const client = await bench.keep(RawClient.open(url, { dialect }))
      const reply = await client.call('connect', request)
      return [client, reply['connect'] as Incoming]
    }

    it('[14.3] lets through what matches alone, on each gateway, and others see all', async () => {
      const [one, two] = [await bench.start(), await bench.start()]
      const [[here], [there], [all]] = [await connect(one), await connect(two), await connect(two)]
      await here.call('subscribe', { channel: 'ticker:a', tf: red })
      const cheap = { op: 'and', nodes: [red, { key: 'price', cmp: 'lt', val: '10' }] }
      await there.call('subscribe', { channel: 'ticker:a', tf: cheap })
      await all.call('subscribe', { channel: 'ticker:a' })
      const publish = await painter()
      const prices = ['9', '10', '9.99', '1e1', '100']
      for (const [n, price] of prices.entries()) {
        await publish('ticker:a', n, { colour: 'red', price })
        await publish('ticker:a', 10 + n, { colour: 'blue', price })
      }
      await publish('ticker:a', 99, { colour: 'red', price: '0' })
      for (const client of [here, there, all])
        await client.until(
          () => client.publications('ticker:a').some(({ data }) => data === 99),
          'the last one',
        )
      expect(numbersOf(here.publications('ticker:a'))).toEqual([0, 1, 2, 3, 4, 99])
      expect(numbersOf(there.publications('ticker:a'))).toEqual([0, 2, 99])
      expect(all.publications('ticker:a')).toHaveLength(11)
    })

    it('[14.3] works where nothing is kept', async () => {
      const [one, two] = [await bench.start(), await bench.start()]
      const [[reader], [other]] = [await connect(one), await connect(two)]
      await reader.call('subscribe', { channel: 'tagged:a', tf: red })
      await other.call('subscribe', { channel: 'tagged:a' })
      const publish = await painter()
      await publish('tagged:a', 1)
      await publish('tagged:a', 2, { colour: 'red' })
      await reader.until(() => reader.publications('tagged:a').length === 1, 'the red one')
      await other.until(() => other.publications('tagged:a').length === 2, 'both')
      expect(numbersOf(reader.publications('tagged:a'))).toEqual([2])
    })

    it('[14.3] filters what is recovered, page by page, and takes what it left out for no hole', async () => {
      const node = await bench.start()
      const publish = await painter()
      for (let n = 0; n < 250; n += 1) await publish('ticker:a', n, n % 5 === 0 ? { colour: 'red' } : {})
      const [reader] = await connect(node)
      const from = { recover: true, offset: 0, epoch: '' }
      const { subscribe } = await reader.call('subscribe', { channel: 'ticker:a', tf: red, ...from })
      expect(subscribe).toMatchObject({ recovered: true })
      const count = (): number =>
        (subscribe.publications as Incoming[]).length + reader.publications('ticker:a').length
      await reader.until(() => count() === 50, 'all red ones')
      await publish('ticker:a', 250)
      await publish('ticker:a', 251, { colour: 'red' })
      await reader.until(() => count() === 51, 'the live one')
      expect(
        numbersOf([...(subscribe.publications as Incoming[]), ...reader.publications('ticker:a')]),
      ).toEqual([...Array.from({ length: 50 }, (_, n) => n * 5), 251])
    })

    it('[14.3] moves the position over what it leaves out: who missed nothing red is told where the channel is', async () => {
      const node = await bench.start()
      const publish = await painter()
      const first = await publish('ticker:a', 1, { colour: 'red' })
      const { offset, epoch } = first.position ?? {}
      const last = await publish('ticker:a', 2, { colour: 'blue' })
      const [reader] = await connect(node)
      const { subscribe } = await reader.call('subscribe', {
        channel: 'ticker:a',
        tf: red,
        recover: true,
        offset,
        epoch,
      })
      expect(subscribe).toMatchObject({ recovered: true, offset: last.position?.offset })
      expect(subscribe.publications ?? []).toEqual([])
    })

    it('[14.3] does not filter history', async () => {
      const node = await bench.start()
      const publish = await painter()
      for (const n of [1, 2]) await publish('ticker:a', n, n === 1 ? { colour: 'red' } : {})
      const [reader] = await connect(node)
      await reader.call('subscribe', { channel: 'ticker:a', tf: red })
      const { history } = await reader.call('history', { channel: 'ticker:a', limit: 10 })
      expect(numbersOf(history.publications as Incoming[])).toEqual([1, 2])
    })

    it.each([
      ['the namespace takes none', 'room:a', red],
      ['it makes no sense', 'ticker:a', { key: 'colour', cmp: 'like', val: 'red' }],
      ['it joins nothing', 'ticker:a', { op: 'and', nodes: [] }],
      [
        'it has more nodes than are looked at',
        'ticker:a',
        { op: 'or', nodes: Array.from({ length: 300 }, () => red) },
      ],
    ])('[14.1] is refused with 107 where %s, and nobody is subscribed', async (_why, channel, tf) => {
      const [client] = await connect(await bench.start())
      expect(await client.call('subscribe', { channel, tf })).toMatchObject({ error: { code: 107 } })
      expect(await client.call('presence_stats', { channel })).not.toMatchObject({
        presence_stats: { num_clients: 1 },
      })
      expect(await client.call('subscribe', { channel })).toHaveProperty('subscribe')
    })

    it('[14.4] holds for what a client asks for with its connect; a filter that is refused leaves the channel out', async () => {
      const node = await bench.start()
      const publish = await painter()
      const [client, { subs }] = await connect(node, {
        subs: { 'ticker:a': { tf: red }, 'room:a': { tf: red }, 'tagged:a': { tf: { key: 'x', cmp: '' } } },
      })
      expect(Object.keys(subs as object)).toEqual(['ticker:a'])
      await publish('ticker:a', 1)
      await publish('ticker:a', 2, { colour: 'red' })
      await client.until(() => client.publications('ticker:a').length === 1, 'the red one')
      expect(numbersOf(client.publications('ticker:a'))).toEqual([2])
    })
  })

  it('[14.3] of the official SDK survives a reconnect, with what matched meanwhile', async () => {
    const one = await bench.start()
    const reader = await connectSdk(one.url, { minReconnectDelay: 20, maxReconnectDelay: 100 })
    bench.atEnd(() => reader.dispose())
    const subscription = await reader.subscribe('ticker:a', { tagsFilter: red })
    const publish = await painter()
    await publish('ticker:a', 1, { colour: 'red' })
    await reader.received('ticker:a', 1)
    const resumed = new Promise<SubscribedContext>((resolve) => subscription.on('subscribed', resolve))
    for (const connection of one.gateway.hub.connections()) connection.disconnect(Disconnects.forceReconnect)
    for (const n of [2, 3, 4, 5]) await publish('ticker:a', n, n % 2 === 1 ? { colour: 'red' } : {})
    expect(await resumed).toMatchObject({ recovered: true })
    await publish('ticker:a', 6)
    await publish('ticker:a', 7, { colour: 'red' })
    expect(numbersOf(await reader.received('ticker:a', 4))).toEqual([1, 3, 5, 7])
  })
})
