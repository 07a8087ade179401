/** What a hook over HTTP says is to skip history, on a real mesh: seen by who is there on any gateway, by nobody else, and in nobody's way. */
import { describe, expect, it } from '@jest/globals'
import { connectSdk } from '@natter/testing'
import { natsBench } from './bench.js'
import type { Incoming, RawClient, TestNode } from './harness.js'
import { startHookServer, tableOf } from './hook-server.js'

const text = 'a text that is long enough for a patch of it to be shorter than all of it: '

describe('publications that skip history', () => {
  const bench = natsBench()

  /** Two gateways whose publish hook says what the data says: skip it or not. */
  const start = async (namespace: string): Promise<TestNode[]> => {
    const server = await startHookServer({
      publish: (response, { data }: Incoming) =>
        response.end(JSON.stringify({ result: { skip_history: (data as { skip: boolean }).skip } })),
    })
    bench.atEnd(() => server.stop())
    const httpHooks = tableOf({ channels: { [`publish ${namespace}`]: server.hook('publish') } })
    return Promise.all([bench.start({ httpHooks }), bench.start({ httpHooks })])
  }

  const publish = async (client: RawClient, channel: string, n: number, skip: boolean): Promise<void> => {
    expect(await client.call('publish', { channel, data: { text, n, skip } })).toHaveProperty('publish')
  }

  const numbers = (publications: readonly Incoming[]): unknown[] =>
    publications.map((one) => (one['data'] as { n: number }).n)

  it('[22.8] reach who is there on another gateway, and no history, position or recovery', async () => {
    const [here, there] = (await start('room')) as [TestNode, TestNode]
    const channel = 'room:x'
    const [publisher, reader] = [await bench.connect(here), await bench.connect(there)]
    const { subscribe } = await reader.call('subscribe', { channel })
    for (const [n, skip] of [false, true, true, false].entries()) await publish(publisher, channel, n, skip)
    await reader.until(() => reader.publications(channel).length === 4, 'all four')
    const live = reader.publications(channel)
    expect(numbers(live).toSorted()).toEqual([0, 1, 2, 3])
    expect(numbers(live.filter((one) => one['offset'] !== undefined))).toEqual([0, 3])
    const late = await bench.connect(here)
    const { epoch, offset } = subscribe
    const recovered = await late.call('subscribe', { channel, recover: true, epoch, offset })
    expect(recovered['subscribe'].recovered).toBe(true)
    expect(numbers(recovered['subscribe'].publications as Incoming[])).toEqual([0, 3])
    const { history } = await late.call('history', { channel, limit: 10 })
    expect(numbers(history.publications as Incoming[])).toEqual([0, 3])
  })

  it('[22.8] [8.3] leave who is told changes with the right text', async () => {
    const [here, there] = (await start('ticker')) as [TestNode, TestNode]
    const channel = 'ticker:x'
    const sdk = await connectSdk(there.url)
    bench.atEnd(() => sdk.dispose())
    await sdk.subscribe(channel, { delta: 'fossil' })
    const publisher = await bench.connect(here)
    for (const [n, skip] of [false, false, true, false, true, false].entries()) {
      await publish(publisher, channel, n, skip)
      await sdk.received(channel, n + 1)
    }
    const seen = await sdk.received(channel, 6)
    expect(seen.map(({ data }) => data as unknown)).toEqual(
      [false, false, true, false, true, false].map((skip, n) => ({ text, n, skip })),
    )
  })
})
