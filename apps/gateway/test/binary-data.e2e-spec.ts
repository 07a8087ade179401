import { describe, expect, it, jest } from '@jest/globals'
import { Centrifuge, type PublicationContext, type Subscription } from 'centrifuge/build/protobuf'
import { WebSocket } from 'ws'
import { natsBench } from './bench.js'
import { RawClient, type TestNode } from './harness.js'

/** What no JSON can say. */
const bytes = (...values: number[]): Uint8Array => Uint8Array.of(0xff, 0x00, ...values)

const hex = (data: unknown): string => Buffer.from(data as Uint8Array).toString('hex')

const arrived = (subscription: Subscription, count: number): Promise<void> =>
  new Promise((resolve) => {
    let seen = 0
    subscription.on('publication', () => {
      seen += 1
      if (seen === count) resolve()
    })
  })

describe('data that is no JSON', () => {
  const bench = natsBench()

  /** The official SDK in its Protobuf build, subscribed. */
  async function speaker({ url }: TestNode, channel: string) {
    const centrifuge = new Centrifuge(url, { websocket: WebSocket })
    bench.atEnd(() => centrifuge.disconnect())
    const seen: PublicationContext[] = []
    const subscription = centrifuge.newSubscription(channel)
    subscription.on('publication', (publication) => seen.push(publication))
    subscription.subscribe()
    centrifuge.connect()
    await subscription.ready(5_000)
    return { subscription, seen, data: () => seen.map(({ data }) => hex(data)) }
  }

  const subscribed = async (node: TestNode, channel: string, request: object = {}): Promise<RawClient> => {
    const client = await bench.connect(node)
    await client.call('subscribe', { channel, ...request })
    return client
  }

  it('[2.11] reaches who speaks Protobuf byte for byte, live on another gateway, in history and in a recovery', async () => {
    const [one, two] = [await bench.start(), await bench.start()]
    const writer = await speaker(one, 'room:bytes')
    const reader = await speaker(two, 'room:bytes')
    const heard = arrived(reader.subscription, 3)
    for (const n of [1, 2, 3]) await writer.subscription.publish(bytes(n))
    const sent = [1, 2, 3].map((n) => hex(bytes(n)))
    await heard
    expect(reader.data()).toEqual(sent)
    const { publications } = await reader.subscription.history({ limit: 10 })
    expect(publications.map(({ data }) => hex(data))).toEqual(sent)
    const late = new Centrifuge(two.url, { websocket: WebSocket })
    bench.atEnd(() => late.disconnect())
    const recovered: string[] = []
    const since = { offset: reader.seen[0]?.offset ?? 0, epoch: '' }
    const again = late.newSubscription('room:bytes', { since })
    again.on('publication', ({ data }) => recovered.push(hex(data)))
    const resumed = arrived(again, 2)
    again.subscribe()
    late.connect()
    await resumed
    expect(recovered).toEqual(sent.slice(1))
  })

  it('[6.3] 3506: ends the JSON connections that listen, on all gateways, and nobody else', async () => {
    const [one, two] = [await bench.start(), await bench.start()]
    const writer = await speaker(one, 'room:mixed')
    const there = await subscribed(two, 'room:mixed')
    const here = await subscribed(one, 'room:mixed')
    const elsewhere = await subscribed(one, 'room:other')
    await writer.subscription.publish(new TextEncoder().encode('{"n":1}'))
    await there.until(() => there.publications('room:mixed').length === 1, 'what is JSON')
    await writer.subscription.publish(bytes(1))
    const gone = { code: 3506, reason: 'inappropriate protocol' }
    expect([await there.close(), await here.close()]).toEqual([gone, gone])
    expect(there.publications('room:mixed').map(({ data }) => data as unknown)).toEqual([{ n: 1 }])
    expect(await elsewhere.call('presence_stats', { channel: 'room:other' })).toMatchObject({
      presence_stats: { num_clients: 1 },
    })
    expect(writer.seen).toHaveLength(2)
  })

  it('[6.3] 3506: ends a JSON connection that would read it, from history, in a recovery or with its connect', async () => {
    const node = await bench.start()
    const writer = await speaker(node, 'room:past')
    await writer.subscription.publish(bytes(1))
    const reader = await subscribed(node, 'room:elsewhere')
    reader.start('history', { channel: 'room:past', limit: 10 })
    expect(await reader.close()).toMatchObject({ code: 3506 })
    const late = await bench.connect(node)
    late.start('subscribe', { channel: 'room:past', recover: true, offset: 0, epoch: '' })
    expect(await late.close()).toMatchObject({ code: 3506 })
    expect(late.received.filter(({ subscribe }) => subscribe !== undefined)).toEqual([])
    const recover = { recover: true, offset: 0, epoch: '' }
    const begun = await bench.keep(RawClient.open(node.url))
    begun.start('connect', { subs: { 'room:elsewhere': recover, 'room:past': recover } })
    expect(await begun.close()).toMatchObject({ code: 3506 })
    expect(begun.received).toEqual([])
  })

  it.each([{ delta: 'fossil' }, { tf: { key: 'k', cmp: 'nex' } }])(
    '[6.3] keeps nothing of a connection that ends while it recovers with %j: it would get patches and filters for ever',
    async (choice) => {
      const node = await bench.start()
      const writer = await speaker(node, 'ticker:past')
      await writer.subscription.publish(bytes(1))
      const join = jest.spyOn(node.gateway.audience, 'join')
      const late = await bench.connect(node)
      late.start('subscribe', { channel: 'ticker:past', recover: true, offset: 0, epoch: '', ...choice })
      expect(await late.close()).toMatchObject({ code: 3506 })
      expect(join.mock.calls.some(([, { isListening }]) => isListening)).toBe(false)
    },
  )
})
