import { describe, expect, it } from '@jest/globals'
import { connectSdk, eventually } from '@natter/testing'
import type { StreamPosition, SubscribedContext } from 'centrifuge'
import { natsBench } from './bench.js'
import { dialects } from './dialect.js'
import { RawClient, type Incoming, type TestNode } from './harness.js'

describe('recovery of a cache, and of a state that the app loads', () => {
  const bench = natsBench()

  describe.each(dialects)('for clients that speak $name', (dialect) => {
    const connect = async ({ url }: TestNode, request: object = {}): Promise<[RawClient, Incoming]> => {
      const client = await bench.keep(RawClient.open(url, { dialect }))
      const reply = await client.call('connect', request)
      return [client, reply['connect'] as Incoming]
    }
    const publish = async (client: RawClient, channel: string, data: unknown): Promise<void> => {
      expect((await client.call('publish', { channel, data }))['publish']).toBeDefined()
    }
    const subscribe = async (client: RawClient, channel: string, request: object = {}): Promise<Incoming> =>
      (await client.call('subscribe', { channel, ...request }))['subscribe'] as Incoming
    const positionIn = async (client: RawClient, channel: string): Promise<Incoming> => {
      const { history } = await client.call('history', { channel })
      return { offset: history.offset as number, epoch: history.epoch as string }
    }
    const dataOf = (result: Incoming): unknown[] =>
      ((result['publications'] ?? []) as Incoming[]).map(({ data }) => data as unknown)

    /** Two gateways, a writer on the first and a reader on the second, which has not opened the channel. */
    const pair = async (): Promise<[RawClient, RawClient, TestNode]> => {
      const [one, two] = [await bench.start(), await bench.start()]
      return [(await connect(one))[0], (await connect(two))[0], two]
    }

    it('[7.7] brings the newest alone, from whatever position, also one of another numbering', async () => {
      const [writer, reader, two] = await pair()
      for (const n of [1, 2, 3]) await publish(writer, 'latest:a', n)
      const { offset } = await positionIn(writer, 'latest:a')
      for (const from of [
        {},
        { offset: 1, epoch: '' },
        { offset: 7, epoch: 'gone' },
        { offset, epoch: 'gone' },
      ]) {
        const [client] = await connect(two)
        const result = await subscribe(client, 'latest:a', { recover: true, ...from })
        expect(result).toMatchObject({ was_recovering: true, recovered: true, recoverable: true })
        expect(dataOf(result)).toEqual([3])
        expect((result['publications'] as Incoming[])[0]?.['offset']).toBe(offset)
      }
      expect(await subscribe(reader, 'latest:a')).not.toHaveProperty('recovered')
      await publish(writer, 'latest:a', 4)
      await reader.until(() => reader.publications('latest:a').length === 1, 'what comes then')
    })

    it('[7.7] brings nothing to who has the newest, and says that nothing is missing', async () => {
      const [writer, reader] = await pair()
      for (const n of [1, 2]) await publish(writer, 'latest:a', n)
      const position = await positionIn(writer, 'latest:a')
      const result = await subscribe(reader, 'latest:a', { recover: true, ...position })
      expect(result).toMatchObject({ recovered: true, ...position })
      expect(dataOf(result)).toEqual([])
    })

    it('[7.7] of a channel in which there is nothing, nothing is missing to who begins there', async () => {
      const [, reader, two] = await pair()
      const { offset = 0, epoch } = await subscribe(reader, 'latest:empty')
      const [again] = await connect(two)
      const result = await subscribe(again, 'latest:empty', { recover: true, offset, epoch })
      expect(result).toMatchObject({ recovered: true })
      expect(dataOf(result)).toEqual([])
      const [lost] = await connect(two)
      const other = await subscribe(lost, 'latest:empty', { recover: true, offset: 3, epoch: 'gone' })
      expect(other).not.toHaveProperty('recovered', true)
    })

    it('[7.7] nothing is lost or doubled beside what comes meanwhile', async () => {
      const [writer, , two] = await pair()
      await publish(writer, 'latest:a', 0)
      const readers = await Promise.all(Array.from({ length: 12 }, async () => (await connect(two))[0]))
      const results = readers.map(async (reader, n) => {
        const sent = publish(writer, 'latest:a', n + 1)
        const result = await subscribe(reader, 'latest:a', { recover: true })
        await sent
        return result
      })
      const replies = await Promise.all(results)
      for (const [n, reader] of readers.entries()) {
        const seen = (): number[] => [
          ...(dataOf(replies[n] ?? {}) as number[]),
          ...reader.publications('latest:a').map(({ data }) => data as number),
        ]
        await reader.until(() => seen().at(-1) === 12, 'the last one')
        const first = seen()[0] ?? Number.NaN
        expect(seen()).toEqual(Array.from({ length: 13 - first }, (_, place) => first + place))
      }
    })

    it('[7.7] what has grown too old is not recovered', async () => {
      const [writer, reader] = await pair()
      await publish(writer, 'brief:a', 1)
      const epoch = (await positionIn(writer, 'brief:a'))['epoch'] as string
      await eventually(async () => dataOf(await historyOf(writer)).length === 0)
      const result = await subscribe(reader, 'brief:a', { recover: true, offset: 0, epoch })
      expect(result).toMatchObject({ was_recovering: true })
      expect(result).not.toHaveProperty('recovered', true)
    })

    const historyOf = async (client: RawClient): Promise<Incoming> =>
      (await client.call('history', { channel: 'brief:a', limit: 1 }))['history'] as Incoming

    it('[7.8] brings the newest to everybody, asked or not, in the form of who negotiated delta', async () => {
      const [writer, reader, two] = await pair()
      expect(await subscribe(reader, 'shown:a')).toMatchObject({ was_recovering: true })
      for (const n of [1, 2]) await publish(writer, 'shown:a', { n })
      const [later] = await connect(two)
      const result = await subscribe(later, 'shown:a')
      expect(result).toMatchObject({ was_recovering: true, recovered: true })
      expect(dataOf(result)).toEqual([{ n: 2 }])
      const [patched] = await connect(two)
      const inForm = await subscribe(patched, 'shown:a', { delta: 'fossil' })
      expect(dataOf(inForm)).toEqual([dialect.name === 'json' ? '{"n":2}' : { n: 2 }])
    })

    it('[7.8] brings it with the connect as well', async () => {
      const [writer, , two] = await pair()
      for (const n of [1, 2]) await publish(writer, 'shown:a', n)
      const [client, { subs }] = await connect(two, { subs: { 'shown:a': {}, 'latest:a': {} } })
      const { 'shown:a': shown, 'latest:a': latest } = subs as Incoming
      expect(shown).toMatchObject({ was_recovering: true, recovered: true })
      expect(dataOf(shown as Incoming)).toEqual([2])
      expect(latest).not.toHaveProperty('was_recovering')
      await publish(writer, 'shown:a', 3)
      await client.until(() => client.publications('shown:a').length === 1, 'the live one')
    })

    it('[7.7] a filter leaves out the newest too, and nothing older stands in for it', async () => {
      const [writer, reader] = await pair()
      for (const n of [1, 2]) await publish(writer, 'latest:a', n)
      const tf = { key: 'colour', cmp: 'eq', val: 'red' }
      const result = await subscribe(reader, 'latest:a', { recover: true, tf })
      expect(result).toMatchObject({ recovered: true })
      expect(dataOf(result)).toEqual([])
    })

    it('[7.9] who would rather have an error than no recovery gets 112, and is not subscribed', async () => {
      const [writer, reader] = await pair()
      for (let n = 0; n < 9; n += 1) await publish(writer, 'capped:a', n)
      const { epoch } = await positionIn(writer, 'capped:a')
      const lost = [
        { offset: 0, epoch }, // more than the namespace keeps
        { offset: 1, epoch: 'gone' },
        { offset: 2 ** 50, epoch },
      ]
      for (const from of lost) {
        expect(
          await reader.call('subscribe', { channel: 'capped:a', recover: true, flag: 2, ...from }),
        ).toMatchObject({
          error: { code: 112, message: 'unrecoverable position' },
        })
      }
      const { presence_stats: stats } = await writer.call('presence_stats', { channel: 'capped:a' })
      expect(stats).toMatchObject({ num_clients: 0 })
      expect(await subscribe(reader, 'capped:a', { flag: 2 })).toMatchObject({ recoverable: true })
    })

    it('[7.5] more than 300 missed are not recovered where history is capped, and 300 are', async () => {
      const [writer, , two] = await pair()
      const first = await positionIn(writer, 'deep:a')
      for (let n = 0; n < 301; n += 1) await publish(writer, 'deep:a', n)
      const [tooMany] = await connect(two)
      const lost = await subscribe(tooMany, 'deep:a', { recover: true, ...first })
      expect(lost).toMatchObject({ was_recovering: true })
      expect(lost).not.toHaveProperty('recovered', true)
      expect(dataOf(lost)).toEqual([])
      const { history } = await writer.call('history', { channel: 'deep:a', limit: 1 })
      const { offset } = (history.publications as Incoming[])[0] as Incoming
      const [many] = await connect(two)
      const found = await subscribe(many, 'deep:a', { recover: true, offset, epoch: first['epoch'] })
      expect(found).toMatchObject({ recovered: true })
      expect(dataOf(found)).toHaveLength(300)
    })
  })

  it('[7.9] the SDK loads its state by getState, goes on from there, and loads it again when it fell too far behind', async () => {
    const node = await bench.start()
    const writer = await connectSdk(node.url)
    const reader = await connectSdk(node.url, { minReconnectDelay: 20, maxReconnectDelay: 100 })
    bench.atEnd(() => writer.dispose())
    bench.atEnd(() => reader.dispose())
    const state: number[] = []
    const publish = async (n: number): Promise<void> => {
      state.push(n)
      await writer.centrifuge.publish('capped:a', n)
    }
    const loads: number[][] = []
    /** The position first, then the state: so nothing can lie between them unseen. */
    const getState = async (): Promise<StreamPosition> => {
      const { offset, epoch } = await reader.centrifuge.history('capped:a', { limit: 0 })
      loads.push([...state])
      await publish(100 + loads.length) // between the state and the subscription
      return { offset, epoch }
    }
    for (const n of [1, 2, 3]) await publish(n)
    const subscription = await reader.subscribe('capped:a', { getState })
    await publish(4)
    expect((await reader.received('capped:a', 2)).map(({ data }) => data as unknown)).toEqual([101, 4])
    const again = new Promise<SubscribedContext>((resolve) => subscription.on('subscribed', resolve))
    reader.centrifuge.disconnect()
    for (let n = 10; n < 20; n += 1) await publish(n) // more than the namespace keeps
    reader.centrifuge.connect()
    await again
    expect(loads).toHaveLength(2)
    expect(loads[1]).toEqual([1, 2, 3, 101, 4, ...Array.from({ length: 10 }, (_, n) => 10 + n)])
    expect((await reader.received('capped:a', 3)).at(-1)?.data).toBe(102)
  })
})
