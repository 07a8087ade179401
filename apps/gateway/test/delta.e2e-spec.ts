import { describe, expect, it } from '@jest/globals'
import type { Broker } from '@natter/broker'
import { ApiClient } from '@natter/hooks'
import { Disconnects } from '@natter/protocol'
import { connectSdk, type SdkClient } from '@natter/testing'
import type { PublicationContext, SubscribedContext } from 'centrifuge'
import fc from 'fast-check'
import { natsBench } from './bench.js'
import { dialects } from './dialect.js'
import { RawClient, type Incoming, type TestNode } from './harness.js'

const encodings = [
  { encoding: 'json', written: (value: unknown): unknown => value, read: (data: unknown): unknown => data },
  {
    encoding: 'protobuf',
    written: (value: unknown): unknown => new TextEncoder().encode(JSON.stringify(value)),
    read: (data: unknown): unknown => JSON.parse(new TextDecoder().decode(data as Uint8Array)),
  },
] as const

/** A table of prices in which few change: what deltas are for. */
const table = (n: number): object => ({
  rows: Array.from({ length: 20 }, (_, row) => ({
    symbol: `SYM${row}`,
    name: `бумага №${row}`,
    bid: 100 + row,
  })),
  last: n,
})

const happens = ({ events }: Broker, event: 'broker:reconnect' | 'broker:disconnect'): Promise<void> =>
  new Promise((resolve) => events.on(event, () => resolve()))

describe('deltas', () => {
  const bench = natsBench()

  const openApi = async (): Promise<ApiClient> => {
    const api = new ApiClient({ broker: await bench.open() })
    api.start()
    bench.atEnd(() => api.stop())
    return api
  }

  describe.each(encodings)('of the official JavaScript SDK in $encoding', ({ encoding, written, read }) => {
    const connect = async (node: TestNode): Promise<SdkClient> => {
      const client = await connectSdk(node.url, { encoding, minReconnectDelay: 20, maxReconnectDelay: 100 })
      bench.atEnd(() => client.dispose())
      return client
    }
    const data = (publications: readonly PublicationContext[]): unknown[] =>
      publications.map((one) => read(one.data))

    it('[8.3] three publications are one whole and two patches, from another gateway too', async () => {
      const [one, two] = [await bench.start(), await bench.start()]
      const [reader, writer] = [await connect(one), await connect(two)]
      const subscription = await reader.subscribe('ticker:a', { delta: 'fossil' })
      const here = await writer.subscribe('ticker:a')
      for (const n of [1, 2, 3]) await here.publish(written(table(n)))
      expect(data(await reader.received('ticker:a', 3))).toEqual([table(1), table(2), table(3)])
      const { numFullPayloads, numDeltaPayloads, compressionRatio } = subscription.deltaStats()
      expect([numFullPayloads, numDeltaPayloads]).toEqual([1, 2])
      expect(compressionRatio).toBeGreaterThan(0.6)
      expect(data(await writer.received('ticker:a', 3))).toEqual([table(1), table(2), table(3)])
      const { publications } = await subscription.history({ limit: 3 })
      expect(publications.map((publication) => read(publication.data))).toEqual([
        table(1),
        table(2),
        table(3),
      ])
    })

    it('[8.2] [8.3] what was missed while a client was cut off is whole, and patches go on after it', async () => {
      const [one, two] = [await bench.start(), await bench.start()]
      const [reader, writer] = [await connect(one), await connect(two)]
      const subscription = await reader.subscribe('ticker:a', { delta: 'fossil' })
      const publish = (n: number) => writer.centrifuge.publish('ticker:a', written(table(n)))
      await publish(1)
      await publish(2)
      await reader.received('ticker:a', 2)
      const resumed = new Promise<SubscribedContext>((resolve) => subscription.on('subscribed', resolve))
      for (const connection of one.gateway.hub.connections())
        connection.disconnect(Disconnects.forceReconnect)
      await publish(3)
      await publish(4)
      expect(await resumed).toMatchObject({ recovered: true })
      for (const n of [5, 6, 7]) await publish(n)
      expect(data(await reader.received('ticker:a', 7))).toEqual([1, 2, 3, 4, 5, 6, 7].map(table))
      expect(subscription.deltaStats().numDeltaPayloads).toBeGreaterThanOrEqual(3)
    })

    it('[8.2] pages of a long catch-up are whole, and then it is told what changed', async () => {
      const node = await bench.start()
      const [writer, reader] = [await connect(node), await connect(node)]
      for (let n = 0; n < 250; n += 1) await writer.centrifuge.publish('ticker:a', written(table(n)))
      const since = { offset: 0, epoch: '' }
      const subscription = await reader.subscribe('ticker:a', { delta: 'fossil', since })
      await reader.received('ticker:a', 250)
      for (const n of [250, 251, 252]) await writer.centrifuge.publish('ticker:a', written(table(n)))
      const all = await reader.received('ticker:a', 253)
      expect(data(all)).toEqual(Array.from({ length: 253 }, (_, n) => table(n)))
      expect(subscription.deltaStats()).toMatchObject({ numFullPayloads: 251, numDeltaPayloads: 2 })
    })

    it('[8.3] goes on when NATS was away, and on another gateway when this one has gone', async () => {
      const [one, two] = [await bench.start(), await bench.start()]
      const [reader, writer] = [await connect(one), await connect(two)]
      const subscription = await reader.subscribe('ticker:a', { delta: 'fossil' })
      const publish = async (n: number): Promise<void> =>
        writer.centrifuge.publish('ticker:a', written(table(n))).then(() => {})
      for (const n of [1, 2, 3]) await publish(n)
      const back = Promise.all([one, two].map(({ broker }) => happens(broker, 'broker:reconnect')))
      const away = Promise.all([one, two].map(({ broker }) => happens(broker, 'broker:disconnect')))
      await bench.nats.kill('SIGKILL')
      await away
      await bench.nats.restart()
      await back
      for (const n of [4, 5, 6]) await publish(n)
      expect(data(await reader.received('ticker:a', 6))).toEqual([1, 2, 3, 4, 5, 6].map(table))
      const { offset = 0 } = (await reader.received('ticker:a', 6)).at(-1) ?? {}
      const { epoch } = await subscription.history({ limit: 0 })
      reader.centrifuge.disconnect()
      await publish(7)
      const moved = await connect(two)
      const since = { offset, epoch }
      const again = await moved.subscribe('ticker:a', { delta: 'fossil', since })
      for (const n of [8, 9]) await publish(n)
      expect(data(await moved.received('ticker:a', 3))).toEqual([7, 8, 9].map(table))
      expect(again.deltaStats()).toMatchObject({ numFullPayloads: 2, numDeltaPayloads: 1 })
    }, 30_000)

    it.each([
      ['small', () => 1],
      ['large', () => 40],
      ['small and large', (n: number) => (n % 3 === 0 ? 40 : 0)],
    ])(
      '[8.3] a burst of %s ones keeps its order between whole and patched, for who was there and for who comes within it',
      async (_sizes, kilobytes) => {
        const [one, two] = [await bench.start(), await bench.start()]
        const [writer, reader] = [await connect(one), await connect(two)]
        const ballast = (n: number): string => 'x'.repeat(kilobytes(n) * 1_000)
        const values = Array.from({ length: 40 }, (_, n) => ({
          ...table(n),
          ballast: ballast(n),
          odd: n % 7 === 0 ? n : 0,
        }))
        const first = await reader.subscribe('ticker:a', { delta: 'fossil' })
        const sent = values.map((value) => writer.centrifuge.publish('ticker:a', written(value)))
        const since = { offset: 0, epoch: '' }
        const late = await Promise.all([connect(two), connect(two), connect(two)])
        const joined = late.map((client) => client.subscribe('ticker:a', { delta: 'fossil', since }))
        await Promise.all(sent)
        for (const client of [reader, ...late])
          expect(data(await client.received('ticker:a', 40))).toEqual(values)
        await Promise.all(joined)
        expect(first.deltaStats().numDeltaPayloads).toBeGreaterThan(20)
      },
    )

    it('[8.5] whatever is edited in a text arrives as it was, letter by letter', async () => {
      const node = await bench.start()
      const [writer, reader] = [await connect(node), await connect(node)]
      await reader.subscribe('ticker:a', { delta: 'fossil' })
      const letter = fc.constantFrom(
        'д',
        'ѐ',
        'р',
        '😀',
        '😁',
        'e\u0301',
        'é',
        '漢',
        '\ufeff',
        '"',
        '\n',
        'a',
      )
      const sentence = 'Съешь же ещё этих мягких французских булок, да выпей чаю. '.repeat(4)
      const edits = fc.sample(fc.tuple(fc.nat(sentence.length), fc.nat(3), letter), { numRuns: 60, seed: 7 })
      const texts = edits.map(([at, count, put]) => ({
        text: [...sentence.slice(0, at), put, ...sentence.slice(at + count)].join(''),
      }))
      for (const text of texts) await writer.centrifuge.publish('ticker:a', written(text))
      expect(data(await reader.received('ticker:a', texts.length))).toEqual(texts)
    })
  })

  describe.each(dialects)('on the wire, for clients that speak $name', (dialect) => {
    const connect = async ({ url }: TestNode): Promise<RawClient> => {
      const client = await bench.keep(RawClient.open(url, { dialect }))
      await client.call('connect', {})
      return client
    }
    const subscribe = async (client: RawClient, channel: string, request: object = {}): Promise<Incoming> =>
      (await client.call('subscribe', { channel, delta: 'fossil', ...request }))['subscribe'] as Incoming
    const publish = async (client: RawClient, channel: string, data: unknown): Promise<void> => {
      expect((await client.call('publish', { channel, data }))['publish']).toBeDefined()
    }
    /** Which of the publications so far were patches. */
    const patched = async (client: RawClient, channel: string, count: number): Promise<boolean[]> => {
      await client.until(() => client.publications(channel).length >= count, `${count} publications`)
      return client.publications(channel).map(({ delta }) => delta === true)
    }
    /** The data of a whole publication in the form of a subscription with delta. */
    const whole = (value: unknown): unknown => (dialect.name === 'json' ? JSON.stringify(value) : value)

    it('[8.1] is answered only where the namespace lists fossil; else data is as always', async () => {
      const node = await bench.start()
      const client = await connect(node)
      expect(await subscribe(client, 'ticker:a')).toMatchObject({ delta: true })
      expect(await subscribe(client, 'room:a')).not.toHaveProperty('delta')
      await publish(client, 'room:a', table(1))
      await patched(client, 'room:a', 1)
      expect(client.publications('room:a')[0]?.['data']).toEqual(table(1))
    })

    it('[8.3] after a recovery that found nothing the next one is whole: the client may have no base', async () => {
      const [one, two] = [await bench.start(), await bench.start()]
      const [writer, first] = [await connect(one), await connect(two)]
      await subscribe(first, 'ticker:a')
      await publish(writer, 'ticker:a', table(1))
      await publish(writer, 'ticker:a', table(2))
      expect(await patched(first, 'ticker:a', 2)).toEqual([false, true])
      const { history } = await writer.call('history', { channel: 'ticker:a' })
      const { offset, epoch } = history as Incoming
      const late = await connect(two)
      expect(await subscribe(late, 'ticker:a', { recover: true, offset, epoch })).toMatchObject({
        recovered: true,
        delta: true,
      })
      await publish(writer, 'ticker:a', table(3))
      await publish(writer, 'ticker:a', table(4))
      expect(await patched(late, 'ticker:a', 2)).toEqual([false, true])
      expect(late.publications('ticker:a')[0]?.['data']).toEqual(whole(table(3)))
      expect(await patched(first, 'ticker:a', 4)).toEqual([false, true, true, true])
    })

    it('[8.2] what is recovered comes in the same form as what is live', async () => {
      const node = await bench.start()
      const [writer, reader] = [await connect(node), await connect(node)]
      await publish(writer, 'ticker:a', table(1))
      const { publications } = await subscribe(reader, 'ticker:a', { recover: true, offset: 0, epoch: '' })
      expect((publications as Incoming[]).map(({ data }) => data as unknown)).toEqual([whole(table(1))])
    })

    it('[8.4] patches what its publisher asks for, against the one before it, whatever that asked for', async () => {
      const node = await bench.start()
      const [api, reader] = [await openApi(), await connect(node)]
      await subscribe(reader, 'sparse:a')
      const choices = [false, false, true, false, true]
      for (const [n, delta] of choices.entries())
        await api.publish('sparse:a', Buffer.from(JSON.stringify(table(n))), { delta })
      expect(await patched(reader, 'sparse:a', 5)).toEqual([false, false, true, false, true])
    })

    it('[8.4] is whole where the patch would not be shorter', async () => {
      const node = await bench.start()
      const [writer, reader] = [await connect(node), await connect(node)]
      await subscribe(reader, 'ticker:a')
      for (const data of [table(1), 'short', { quite: 'another thing' }])
        await publish(writer, 'ticker:a', data)
      expect(await patched(reader, 'ticker:a', 3)).toEqual([false, false, false])
    })

    it('[8.4] makes no patches for who knows no position, and the form stays', async () => {
      const node = await bench.start()
      const [writer, blind, seeing] = [await connect(node), await connect(node), await connect(node)]
      expect(await subscribe(blind, 'blind:a')).toMatchObject({ delta: true })
      expect(await subscribe(seeing, 'blind:a', { positioned: true })).toMatchObject({ delta: true })
      for (const n of [1, 2, 3]) await publish(writer, 'blind:a', table(n))
      expect(await patched(blind, 'blind:a', 3)).toEqual([false, false, false])
      expect(await patched(seeing, 'blind:a', 3)).toEqual([false, true, true])
      expect(blind.publications('blind:a').map(({ data }) => data as unknown)).toEqual(
        [1, 2, 3].map((n) => whole(table(n))),
      )
    })

    it('[8.3] who comes later begins with a whole one, while others are told what changed', async () => {
      const node = await bench.start()
      const writer = await connect(node)
      const readers: RawClient[] = []
      for (const n of [0, 1, 2, 3]) {
        const reader = await connect(node)
        await subscribe(reader, 'ticker:a')
        readers.push(reader)
        await publish(writer, 'ticker:a', table(n))
      }
      for (const [n, reader] of readers.entries())
        expect(await patched(reader, 'ticker:a', 4 - n)).toEqual(
          Array.from({ length: 4 - n }, (_, place) => place > 0),
        )
    })

    it('[8.3] nothing comes after the reply to an unsubscribe, and a new subscription begins anew', async () => {
      const node = await bench.start()
      const [writer, reader] = [await connect(node), await connect(node)]
      await subscribe(reader, 'ticker:a')
      await publish(writer, 'ticker:a', table(1))
      await publish(writer, 'ticker:a', table(2))
      await patched(reader, 'ticker:a', 2)
      await reader.call('unsubscribe', { channel: 'ticker:a' })
      await publish(writer, 'ticker:a', table(3))
      await subscribe(reader, 'ticker:a')
      await publish(writer, 'ticker:a', table(4))
      await publish(writer, 'ticker:a', table(5))
      expect(await patched(reader, 'ticker:a', 4)).toEqual([false, true, false, true])
    })

    it('[14.1] excludes a tags filter: 107', async () => {
      const client = await connect(await bench.start())
      const tf = { key: 'a', cmp: 'ex' }
      expect(await client.call('subscribe', { channel: 'ticker:a', delta: 'fossil', tf })).toMatchObject({
        error: { code: 107 },
      })
    })
  })
})
