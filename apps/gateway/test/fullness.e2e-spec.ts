/** Streams that fill, on a real NATS: what refuses loses nothing, what forgets says so. */
import { describe, expect, it } from '@jest/globals'
import type { Broker, NatsBrokerOptions } from '@natter/broker'
import { Metrics } from '@natter/observability'
import { TypedEvents } from '@natter/primitives'
import type { GatewayEvents } from '../src/gateway.events.js'
import { meter } from '../src/gateway.metrics.js'
import { natsBench } from './bench.js'
import type { Incoming, TestNode } from './harness.js'

const MiB = 1_048_576
const pad = 'x'.repeat(2_000)

describe('a gateway whose stream fills', () => {
  const bench = natsBench()
  const { connect } = bench
  const open = (options: Partial<NatsBrokerOptions>): Promise<Broker> =>
    bench.open({ maxBytes: MiB, ...options })
  const start = (options: Partial<NatsBrokerOptions>): Promise<TestNode> =>
    bench.start({}, { maxBytes: MiB, ...options })

  const streamOf = (broker: Broker): string => broker.streams[0] ?? ''

  /** Past the gateway, as much as it takes: until the stream holds this share, or refuses. */
  const fill = async (broker: Broker, share: number, bytes = 5_000): Promise<void> => {
    const { stream, subject } = broker.route('room', 'room:filler')
    for (;;) {
      const state = await broker.log.state(stream)
      const count = Math.floor((share * state.maxBytes - state.bytes) / (bytes + 100))
      if (count <= 0) return
      const round = Array.from({ length: count }, () => broker.log.append(subject, new Uint8Array(bytes)))
      if ((await Promise.allSettled(round)).some(({ status }) => status === 'rejected')) return
    }
  }

  /** Until not even the smallest message has room. */
  const fillUp = async (broker: Broker): Promise<void> => {
    for (const bytes of [5_000, 100, 0]) await fill(broker, 2, bytes)
  }

  const numbersIn = async (broker: Broker, channel: string): Promise<{ seq: number; n: number }[]> => {
    const { stream, subject } = broker.route('room', channel)
    const all: { seq: number; n: number }[] = []
    for (let from = 1; ;) {
      const { messages, pending } = await broker.log.readStream(stream, { from, limit: 200, maxBytes: MiB })
      for (const { seq, body, subject: of } of messages) {
        if (of === subject)
          all.push({ seq, n: (JSON.parse(Buffer.from(body).toString()) as { n: number }).n })
      }
      if (pending === 0) return all
      from = (messages.at(-1)?.seq ?? 0) + 1
    }
  }

  const ns = (publications: Incoming[]): number[] => publications.map((pub) => pub['data'].n as number)
  const temporary = { code: 100, temporary: true }

  it('what was acknowledged before, while and after a stream was full is there, in order; what was refused can be repeated', async () => {
    const node = await start({ onFull: 'refuse' })
    const { log } = node.broker
    const [ana, ben] = [await connect(node), await connect(node)]
    await ben.call('subscribe', { channel: 'room:a' })
    const acknowledged: number[] = []
    const refused: number[] = []
    let n = 0
    const publish = async (until: () => boolean): Promise<void> => {
      while (!until()) {
        const mine = (n += 1)
        const reply = await ana.call('publish', { channel: 'room:a', data: { n: mine, pad } })
        if ('publish' in reply) acknowledged.push(mine)
        else {
          expect(reply['error']).toMatchObject(temporary)
          refused.push(mine)
        }
      }
    }
    const inParallel = (until: () => boolean): Promise<unknown> =>
      Promise.all(Array.from({ length: 8 }, () => publish(until)))
    const sorted = (): number[] => acknowledged.toSorted((one, next) => one - next)

    await inParallel(() => refused.length >= 50)
    await fillUp(node.broker)
    await inParallel(() => refused.length >= 100)
    const full = await numbersIn(node.broker, 'room:a')
    expect(full.map((one) => one.n)).toEqual(sorted())

    const before = full[Math.floor(full.length / 2)]?.seq ?? 0
    const hasRoom = new Promise<void>((resolve) =>
      node.gateway.events.on('stream:level', ({ level }) => (level < 90 ? resolve() : undefined)),
    )
    await log.purge(streamOf(node.broker), before)
    await hasRoom
    const target = acknowledged.length + 100
    await inParallel(() => acknowledged.length >= target)
    const again = refused[0] ?? 0
    expect((await ana.call('publish', { channel: 'room:a', data: { n: again, pad } }))['publish']).toEqual({})

    const purged = new Set(full.filter(({ seq }) => seq < before).map((one) => one.n))
    const kept = await numbersIn(node.broker, 'room:a')
    expect(kept.map((one) => one.n)).toEqual([...sorted().filter((one) => !purged.has(one)), again])
    await ben.until(() => ben.publications('room:a').length === acknowledged.length + 1, 'all at ben')
    expect(ns(ben.publications('room:a'))).toEqual([...sorted(), again])
  }, 60_000)

  it('from 90 % on the gateway refuses durable publications, at once and without NATS; all else goes on', async () => {
    const filler = await open({ onFull: 'refuse' })
    await fill(filler, 0.95)
    const node = await start({ onFull: 'refuse' })
    await levelReached(node, 90)
    const { lastSeq } = await filler.log.state(streamOf(filler))
    const reasons: string[] = []
    node.gateway.events.on('publication:refused', ({ reason }) => reasons.push(reason))
    const client = await connect(node)
    const { subscribe } = await client.call('subscribe', { channel: 'room:b' })
    expect(subscribe.offset).toBe(lastSeq)
    expect((await client.call('publish', { channel: 'room:b', data: 1 }))['error']).toMatchObject(temporary)
    expect(reasons).toEqual(['stream-full'])
    expect((await filler.log.state(streamOf(filler))).lastSeq).toBe(lastSeq)
    expect((await client.call('publish', { channel: 'quick', data: 1 }))['publish']).toEqual({})
    const { history } = await client.call('history', { channel: 'room:b', limit: 10 })
    expect(history).toMatchObject({ publications: [] })
  }, 30_000)

  it('each crossing of 50, 75, 90 and 100 % is told once, with what to do, and measured', async () => {
    const filler = await open({ onFull: 'refuse' })
    await fill(filler, 0.45)
    const node = await start({ onFull: 'refuse' })
    const told: [number, number][] = []
    node.gateway.events.on('stream:level', (event) => {
      expect(event.advice).toMatch(/nats\.stream_max_bytes|are taken|still refused/)
      told.push([event.before, event.level])
    })
    const metrics = new Metrics({ processMetrics: false })
    const events = { gateway: new TypedEvents<GatewayEvents>(), broker: node.broker.events }
    meter(metrics, { gateway: node.gateway, broker: node.broker, events })
    for (const share of [50, 75, 90, 100] as const) {
      const reached = levelReached(node, share)
      if (share === 100) await fillUp(filler)
      else await fill(filler, share / 100 + 0.03)
      await reached
    }
    const { bytes } = await filler.log.state(streamOf(filler))
    const text = await metrics.text()
    expect(text).toContain(`natter_stream_bytes{stream="NATTER_CH_0"} ${bytes}`)
    expect(text).toContain(`natter_stream_max_bytes{stream="NATTER_CH_0"} ${MiB}`)
    expect(text).toMatch(/natter_stream_fill_ratio\{stream="NATTER_CH_0"\} 0\.9/)
    const empty = levelReached(node, 0)
    await filler.log.purge(streamOf(filler), 1_000_000)
    await empty
    expect(told).toEqual([
      [0, 50],
      [50, 75],
      [75, 90],
      [90, 100],
      [100, 0],
    ])
    metrics.stop()
  }, 30_000)

  it('a channel can be opened though the stream is full to the last byte and its sentinel was purged', async () => {
    const filler = await open({ onFull: 'refuse' })
    await fill(filler, 0.5)
    await filler.log.purge(streamOf(filler), 20)
    await fillUp(filler)
    const node = await start({ onFull: 'refuse' })
    const client = await connect(node)
    const { lastSeq } = await filler.log.state(streamOf(filler))
    const { subscribe } = await client.call('subscribe', { channel: 'room:new' })
    expect(subscribe).toMatchObject({ offset: lastSeq, recoverable: true })
    const again = await client.call('subscribe', { channel: 'room:filler' })
    expect(again['subscribe'].offset).toBe(lastSeq)
  }, 30_000)

  it('a stream that forgets refuses nobody: who comes back to what is gone is told so, and history begins where it does', async () => {
    const node = await start({ onFull: 'forget' })
    const client = await connect(node)
    const { subscribe } = await client.call('subscribe', { channel: 'room:a' })
    for (let n = 0; n < 1_000; n += 1) {
      const reply = await client.call('publish', { channel: 'room:a', data: { n, pad } })
      expect(reply['publish']).toEqual({})
    }
    await client.until(() => client.publications('room:a').length === 1_000, 'all thousand')
    const kept = await numbersIn(node.broker, 'room:a')
    expect(kept.length).toBeLessThan(600)
    expect(kept.at(-1)?.n).toBe(999)

    const other = await connect(await start({ onFull: 'forget' })) // a node that has nothing in memory
    const resume = (offset: number): Promise<Incoming> =>
      other.call('subscribe', { channel: 'room:a', recover: true, epoch: subscribe.epoch, offset })
    const lost = await resume((kept[0]?.seq ?? 0) - 2)
    expect(lost['subscribe'].recovered).toBeUndefined()
    expect(lost['subscribe'].publications ?? []).toEqual([])
    await other.call('unsubscribe', { channel: 'room:a' })
    const position = kept.at(-10)?.seq ?? 0
    const found = await resume(position)
    expect(found['subscribe'].recovered).toBe(true)
    expect(ns(found['subscribe'].publications)).toEqual(kept.slice(-9).map(({ n }) => n))
    const { history } = await other.call('history', {
      channel: 'room:a',
      limit: 5,
      since: { offset: 0, epoch: '' },
    })
    expect(ns(history.publications)).toEqual(kept.slice(0, 5).map(({ n }) => n))
  }, 60_000)

  function levelReached(node: TestNode, wanted: number): Promise<void> {
    return new Promise((resolve) =>
      node.gateway.events.on('stream:level', (event) => (event.level === wanted ? resolve() : undefined)),
    )
  }
})
