import { describe, expect, it } from '@jest/globals'
import type { Delivery } from '@natter/broker'
import { seededRandom } from '@natter/testing'
import { memoryBench } from './bench.js'
import { dialects } from './dialect.js'
import { RawClient, type Incoming, type TestNode } from './harness.js'

describe.each(dialects)('delivery over two nodes, to clients that speak $name', (dialect) => {
  const bench = memoryBench(dialect)
  const { start, connect } = bench

  const publish = async (client: RawClient, channel: string, from: number, to: number): Promise<void> => {
    for (let n = from; n < to; n += 1) await client.call('publish', { channel, data: n })
  }

  const offsets = (publications: Incoming[]): number[] => publications.map((p) => p['offset'] as number)
  const data = (publications: Incoming[]): unknown[] => publications.map((p) => p['data'])
  const numbers = (from: number, to: number): number[] =>
    Array.from({ length: to - from }, (_, n) => from + n)

  it('[9.7] G1: a publication is acknowledged only after the stream stored it', async () => {
    const [publisher, stored] = [await connect(await start()), () => bench.mesh.stream('NATTER_CH_0').lastSeq]
    for (let n = 1; n <= 20; n += 1) {
      const before = stored()
      await publisher.call('publish', { channel: 'room:a', data: n })
      expect(stored()).toBe(before + 1)
    }
  })

  it('G2: subscribers on both nodes see the same publications in the same order', async () => {
    const [one, two] = [await start(), await start()]
    const [ana, ben] = [await connect(one), await connect(two)]
    await Promise.all([
      ana.call('subscribe', { channel: 'room:a' }),
      ben.call('subscribe', { channel: 'room:a' }),
    ])
    await Promise.all([publish(ana, 'room:a', 0, 50), publish(ben, 'room:a', 100, 150)])
    await ana.until(() => ana.publications('room:a').length === 100, 'all at ana')
    await ben.until(() => ben.publications('room:a').length === 100, 'all at ben')
    expect(data(ana.publications('room:a'))).toEqual(data(ben.publications('room:a')))
    expect(offsets(ana.publications('room:a'))).toEqual(
      offsets(ana.publications('room:a')).toSorted((a, b) => a - b),
    )
  })

  it('heals a hole before anybody sees it, and drops what comes twice', async () => {
    const node = await start()
    const client = await connect(node)
    await client.call('subscribe', { channel: 'room:a' })
    const lost = new Set([3, 4, 9])
    bench.mesh.fault = ({ stored }: Delivery) => {
      if (stored === undefined) return undefined
      return lost.has(stored.seq) ? { copies: 0 } : { copies: stored.seq % 4 === 0 ? 2 : 1 }
    }
    await publish(client, 'room:a', 1, 16)
    await client.until(() => client.publications('room:a').length >= 15, 'all publications')
    expect(data(client.publications('room:a'))).toEqual(numbers(1, 16))
  })

  it('[7.5] resumes on the other node exactly where the first was left', async () => {
    const [one, two] = [await start(), await start()]
    const [ana, writer] = [await connect(one), await connect(two)]
    const { subscribe } = await ana.call('subscribe', { channel: 'room:a' })
    await publish(writer, 'room:a', 0, 10)
    await ana.until(() => ana.publications('room:a').length === 10, 'the first ten')
    ana.end()
    await publish(writer, 'room:a', 10, 30)
    const again = await connect(two)
    const offset = offsets(ana.publications('room:a')).at(-1)
    const resumed = (
      await again.call('subscribe', { channel: 'room:a', recover: true, epoch: subscribe.epoch, offset })
    )['subscribe']
    expect(resumed).toMatchObject({ was_recovering: true, recovered: true, offset })
    expect(data(resumed.publications)).toEqual(numbers(10, 30))
  })

  it('a client ahead of its new node waits for it, instead of losing what the node has not seen yet', async () => {
    const [one, two] = [await start(), await start()]
    const [onTwo, onOne] = [await connect(two), await connect(one)]
    const { subscribe } = await onOne.call('subscribe', { channel: 'room:a' })
    await onTwo.call('subscribe', { channel: 'room:a' })
    two.broker.bus.subscribe('natter.l.>', () => {}) // keeps the deliveries to node two countable
    let isDeaf = true
    bench.mesh.fault = ({ stored }) => (stored !== undefined && isDeaf ? { delayMs: 30 } : undefined)
    await publish(onOne, 'room:a', 0, 3)
    await onOne.until(() => onOne.publications('room:a').length === 3, 'three at the first node')
    isDeaf = false
    const offset = offsets(onOne.publications('room:a')).at(-1)
    const late = await connect(two)
    const reply = (
      await late.call('subscribe', { channel: 'room:a', recover: true, epoch: subscribe.epoch, offset })
    )['subscribe']
    expect(reply).toMatchObject({ recovered: true })
    await publish(onOne, 'room:a', 3, 5)
    await late.until(() => late.publications('room:a').length === 2, 'what came later')
    expect(data([...(reply.publications ?? []), ...late.publications('room:a')])).toEqual([3, 4])
  })

  it('[7.5] sends a long recovery in pages, in order, and joins the live ones behind it', async () => {
    const node = await start()
    const writer = await connect(node)
    await publish(writer, 'room:a', 0, 450)
    const { history } = await writer.call('history', { channel: 'room:a' })
    const late = await connect(node)
    const reply = (
      await late.call('subscribe', { channel: 'room:a', recover: true, epoch: history.epoch, offset: 0 })
    )['subscribe']
    expect(reply.recovered).toBe(true)
    expect(reply.publications.length).toBeLessThanOrEqual(100)
    await publish(writer, 'room:a', 450, 460)
    const all = (): Incoming[] => [...reply.publications, ...late.publications('room:a')]
    await late.until(() => all().length >= 460, 'all 460')
    expect(data(all())).toEqual(numbers(0, 460))
  })

  it('[7.5] [20.9] recovers exactly the cap where history is capped, and says recovered: false beyond it', async () => {
    const node = await start()
    const writer = await connect(node)
    const { subscribe } = await writer.call('subscribe', { channel: 'capped:a' })
    await publish(writer, 'capped:a', 0, 8)
    await writer.until(() => writer.publications('capped:a').length === 8, 'all eight')
    const positions = offsets(writer.publications('capped:a'))
    const resume = async (offset: number | undefined): Promise<Incoming> => {
      const client = await connect(node)
      return (
        await client.call('subscribe', { channel: 'capped:a', recover: true, epoch: subscribe.epoch, offset })
      )['subscribe'] as Incoming
    }
    const exact = await resume(positions[2])
    expect(data(exact['publications'] as Incoming[])).toEqual([3, 4, 5, 6, 7])
    const beyond = await resume(positions[1])
    expect(beyond).toMatchObject({ was_recovering: true, offset: positions[7] })
    expect(beyond['recovered']).toBeUndefined()
  })

  it('[7.3] [7.4] tells another epoch by recovered: false, or by 112 when the client would rather have an error', async () => {
    const client = await connect(await start())
    await publish(client, 'room:a', 0, 10) // the offset is one of this numbering: the epoch alone is wrong
    const request = { channel: 'room:a', recover: true, epoch: 'somebodyelses', offset: 7 }
    const refused = await client.call('subscribe', { ...request, flag: 2 })
    expect(refused['error'].code).toBe(112)
    const { subscribe } = await client.call('subscribe', request)
    expect(subscribe).toMatchObject({ was_recovering: true, recoverable: true })
    expect(subscribe.recovered).toBeUndefined()
  })

  it('stores a repeated message once: the same id of the same user in the same channel', async () => {
    const [one, two] = [await start(), await start()]
    const [ana, ben] = [await connect(one), await connect(two)]
    await ana.call('subscribe', { channel: 'room:a' })
    expect((await ana.call('publish', { channel: 'room:a', data: { id: 'x' } }))['publish']).toEqual({})
    expect((await ben.call('publish', { channel: 'room:a', data: { id: 'x' } }))['publish']).toEqual({})
    await ben.call('publish', { channel: 'room:b', data: { id: 'x' } })
    await ben.call('publish', { channel: 'room:a', data: { id: 'y' } })
    await ana.until(() => ana.publications('room:a').some((p) => p['data'].id === 'y'), 'the last one')
    expect(ana.publications('room:a').map((p) => p['data'].id)).toEqual(['x', 'y'])
  })

  it('away from NATS: clients stay, publishes are refused at once as temporary, and what was missed comes afterwards', async () => {
    const [one, two] = [await start(), await start()]
    const [ana, ben] = [await connect(one), await connect(two)]
    await ana.call('subscribe', { channel: 'room:a' })
    one.broker.disconnect()
    const asked = performance.now()
    expect((await ana.call('publish', { channel: 'room:a', data: 1 }))['error']).toMatchObject({
      code: 100,
      temporary: true,
    })
    expect((await ana.call('publish', { channel: 'plain', data: 1 }))['error']).toMatchObject({
      code: 100,
      temporary: true,
    })
    expect(performance.now() - asked).toBeLessThan(1_000)
    await publish(ben, 'room:a', 0, 5)
    expect(ana.publications('room:a')).toEqual([])
    one.broker.reconnect()
    await ana.until(() => ana.publications('room:a').length === 5, 'what was missed')
    expect(data(ana.publications('room:a'))).toEqual(numbers(0, 5))
    expect(ana.closed).toBeUndefined()
    await publish(ana, 'room:a', 5, 6)
    await ana.until(() => ana.publications('room:a').length === 6, 'a live one')
  })

  it('goes on after the streams could not be verified at first, because nothing else would look for what was missed', async () => {
    const [one, two] = [await start(), await start()]
    const [ana, ben] = [await connect(one), await connect(two)]
    await ana.call('subscribe', { channel: 'room:quiet' })
    const failed: unknown[] = []
    one.gateway.events.on('gateway:resume:failed', (fact) => failed.push(fact))
    one.broker.disconnect()
    await publish(ben, 'room:quiet', 0, 1)
    const verify = one.broker.verifyStreams.bind(one.broker)
    let attempts = 0
    one.broker.verifyStreams = () => {
      attempts += 1
      return attempts === 1 ? Promise.reject(new Error('no leader')) : verify()
    }
    one.broker.reconnect()
    await ana.until(() => ana.publications('room:quiet').length === 1, 'what was missed')
    expect(failed).toHaveLength(1)
  })

  it('keeps two messages apart whose ids are numbers that JavaScript takes for one', async () => {
    const client = await bench.keep(RawClient.connect((await start()).url)) // in JSON: as text
    await client.call('subscribe', { channel: 'room:a' })
    for (const id of ['9007199254740992', '9007199254740993']) {
      client.text(`{"id":${id.slice(-3)},"publish":{"channel":"room:a","data":{"id":${id}}}}`)
    }
    await client.until(() => client.publications('room:a').length === 2, 'both')
  })

  it('does not tell a subscription that the one before it was broken', async () => {
    const node = await start()
    const crowd = await Promise.all(Array.from({ length: 200 }, () => connect(node))) // it is told over 200 ms
    await Promise.all(crowd.map((client) => client.call('subscribe', { channel: 'room:a' })))
    node.gateway.channels.renumber('NATTER_CH_0')
    const again = crowd.map(async (client) => {
      await client.call('unsubscribe', { channel: 'room:a' })
      const reached = client.received.length
      expect((await client.call('subscribe', { channel: 'room:a' }))['subscribe']).toBeDefined()
      return () => client.received.slice(reached).filter((one) => one['push']?.unsubscribe !== undefined)
    })
    const later = await Promise.all(again)
    await publish(crowd[0] as RawClient, 'room:a', 0, 1)
    await Promise.all(
      crowd.map((client) => client.until(() => client.publications('room:a').length === 1, 'a live one')),
    )
    for (const ended of later) expect(ended()).toEqual([])
  })

  it('a wiped mesh is another numbering: subscribers are told to resume, and learn that they could not', async () => {
    const node = await start()
    const ana = await connect(node)
    const { subscribe } = await ana.call('subscribe', { channel: 'room:a' })
    await publish(ana, 'room:a', 0, 3)
    node.broker.disconnect()
    bench.mesh.wipe()
    node.broker.reconnect()
    const push = await ana.until(
      () => ana.pushes('room:a').find((one) => one['unsubscribe'] !== undefined),
      'the unsubscribe',
    )
    expect(push['unsubscribe'].code).toBe(2500)
    const again = (
      await ana.call('subscribe', { channel: 'room:a', recover: true, epoch: subscribe.epoch, offset: 3 })
    )['subscribe']
    expect(again.recovered).toBeUndefined()
    expect(again.epoch).not.toBe(subscribe.epoch)
  })

  it('drops and counts what nobody stored in a durable namespace, because a client could not recover it', async () => {
    const node = await start()
    const ana = await connect(node)
    const strays: string[] = []
    node.gateway.events.on('channel:stray', ({ namespace }) => strays.push(namespace))
    await ana.call('subscribe', { channel: 'room:a' })
    node.broker.bus.publish(
      node.broker.route('room', 'room:a').liveSubject,
      new TextEncoder().encode('"forged"'),
    )
    await publish(ana, 'room:a', 0, 1)
    await ana.until(() => ana.publications('room:a').length === 1, 'the real one')
    expect(data(ana.publications('room:a'))).toEqual([0])
    expect(strays).toEqual(['room'])
  })

  it.each([1, 2, 3, 4, 5])(
    'G2 under loss, doubling and delay, with clients that come back anywhere (seed %i)',
    async (seed) => {
      const random = seededRandom(seed)
      const both = [await start(), await start()]
      const pick = (): TestNode => both[Math.floor(random() * 2)] as TestNode
      bench.mesh.fault = ({ stored }) => {
        if (stored === undefined) return undefined
        const dice = random()
        if (dice < 0.1) return { copies: 0 }
        if (dice < 0.2) return { copies: 2 }
        return dice < 0.5 ? { delayMs: Math.floor(random() * 15) } : undefined
      }
      const writer = await connect(both[0] as TestNode)
      const reader = new Reader(() => connect(pick()))
      await reader.join()
      const writing = publish(writer, 'room:a', 0, 300)
      for (let times = 0; times < 8; times += 1) {
        const seen = reader.seen.length
        await reader.waitFor(seen + Math.floor(random() * 25))
        await reader.join()
      }
      await writing
      bench.mesh.fault = undefined
      await publish(writer, 'room:a', 300, 301)
      await reader.waitFor(301)
      reader.collect()
      expect(reader.unrecovered).toBe(0)
      expect(reader.seen.map((p) => p['data'])).toEqual(numbers(0, 301))
    },
  )
})

/** A subscriber that leaves without a word and resumes somewhere else from its position. */
class Reader {
  readonly seen: Incoming[] = []
  unrecovered = 0
  private client: RawClient | undefined
  private epoch: string | undefined
  private start = 0

  constructor(private readonly connect: () => Promise<RawClient>) {}

  async join(): Promise<void> {
    this.collect()
    this.client?.end()
    this.client = await this.connect()
    const position = this.epoch === undefined ? {} : { recover: true, epoch: this.epoch, offset: this.offset }
    const { subscribe } = await this.client.call('subscribe', { channel: 'room:a', ...position })
    if (this.epoch !== undefined && subscribe.recovered !== true) this.unrecovered += 1
    if (this.epoch === undefined) this.start = subscribe.offset
    this.epoch = subscribe.epoch as string
    this.seen.push(...((subscribe.publications ?? []) as Incoming[]))
  }

  async waitFor(count: number): Promise<void> {
    const { client } = this
    const before = this.seen.length
    await client?.until(() => before + client.publications('room:a').length >= count, `${count} publications`)
  }

  /** Takes over what the present connection received. */
  collect(): void {
    this.seen.push(...(this.client?.publications('room:a') ?? []))
    if (this.client !== undefined) this.client.received.length = 0
  }

  private get offset(): number {
    return (this.seen.at(-1)?.['offset'] as number | undefined) ?? this.start
  }
}
