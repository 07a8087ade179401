/** What streams keep is a record, and streams follow it; what they refuse, they refuse before losing anything. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createNatsBroker, type Broker, type BrokerEvents, type NatsBrokerOptions } from '@natter/broker'
import { TypedEvents } from '@natter/primitives'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { TestNats } from './nats-server.js'
import { Relay } from './relay.js'

const text = (value: string): Uint8Array => Buffer.from(value, 'utf8')
const record = '$KV.KEEP_topology.shards'
const MiB = 1_048_576

interface Config {
  discard: string
  max_bytes: number
  max_age: number
  duplicate_window: number
  num_replicas: number
  subjects: string[]
}

describe('what the streams of a mesh keep', () => {
  let server: TestNats
  let raw: NatsConnection
  const opened: Broker[] = []

  const open = async (
    options: Partial<NatsBrokerOptions> = {},
  ): Promise<{ broker: Broker; told: [string, unknown][] }> => {
    const events = new TypedEvents<BrokerEvents>()
    const told: [string, unknown][] = []
    for (const name of ['broker:retention:change', 'broker:retention:kept'] as const) {
      events.on(name, (event) => told.push([name, event]))
    }
    const broker = await createNatsBroker({
      urls: [server.url],
      prefix: 'keep',
      name: 'test',
      maxBytes: MiB,
      events,
      ...options,
    })
    opened.push(broker)
    return { broker, told }
  }

  const api = async <T>(call: string, body: unknown = {}): Promise<T> =>
    (await raw.request(`$JS.API.${call}`, JSON.stringify(body))).json<T>()
  const configOf = async (index = 0): Promise<Config> =>
    (await api<{ config: Config }>(`STREAM.INFO.KEEP_CH_${index}`)).config
  const topology = async (): Promise<Record<string, unknown>> => {
    const query = { last_by_subj: record }
    const { message } = await api<{ message: { data: string } }>('STREAM.MSG.GET.KV_KEEP_topology', query)
    return JSON.parse(Buffer.from(message.data, 'base64').toString()) as Record<string, unknown>
  }

  /** Appends until JetStream itself refuses; answers what it took. */
  const fill = async (broker: Broker, bytes = 4_000): Promise<number[]> => {
    const { subject } = broker.route('', 'room')
    const taken: number[] = []
    for (;;) {
      const round = Array.from({ length: 20 }, () => broker.log.append(subject, new Uint8Array(bytes)))
      const settled = await Promise.allSettled(round)
      for (const one of settled) if (one.status === 'fulfilled') taken.push(one.value.seq)
      const refused = settled.find((one) => one.status === 'rejected')
      if (refused === undefined) continue
      expect(refused.reason).toMatchObject({ name: 'UnavailableError', code: 'stream-full' })
      return taken
    }
  }

  const kept = async (broker: Broker): Promise<number[]> => {
    const { stream, subject } = broker.route('', 'room')
    const seqs: number[] = []
    for (;;) {
      const range = { from: (seqs.at(-1) ?? 0) + 1, limit: 200, maxBytes: MiB }
      const { messages, pending } = await broker.log.readStream(stream, range)
      seqs.push(...messages.filter((message) => message.subject === subject).map(({ seq }) => seq))
      if (pending === 0) return seqs
    }
  }

  beforeEach(async () => {
    server = await TestNats.start()
    raw = await connect({ servers: server.url })
  })

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((broker) => broker.close()))
    await raw.close()
    await server.stop()
  })

  it('a full stream that refuses loses nothing of what it took, also while its limits change in place, and takes again after a purge', async () => {
    const { broker } = await open({ onFull: 'refuse' })
    const { stream, subject } = broker.route('', 'room')
    const { created } = await broker.log.state(stream)
    const taken = await fill(broker)
    expect(await kept(broker)).toEqual(taken)
    await open({ onFull: 'refuse', maxBytes: MiB / 2 }) // smaller than what is in it
    expect(await kept(broker)).toEqual(taken)
    expect(await broker.log.state(stream)).toMatchObject({ created, maxBytes: MiB / 2, onFull: 'refuse' })
    await expect(broker.log.append(subject, text('x'))).rejects.toMatchObject({ code: 'stream-full' })
    const half = taken[Math.floor(taken.length / 1.5)] ?? 0
    await broker.log.purge(stream, half)
    const { seq } = await broker.log.append(subject, text('again'))
    expect(seq).toBe((taken.at(-1) ?? 0) + 1)
    expect(await kept(broker)).toEqual([...taken.filter((one) => one >= half), seq])
  })

  it('sizes follow the newest boot that sets them, in place, and every node is told from what to what', async () => {
    const { broker: one, told: atOne } = await open({ maxAgeMs: 3_600_000, streams: 2 })
    const { seq } = await one.log.append(one.route('', 'room').subject, text('x'))
    const before = await configOf(1)
    const changed = new Promise<void>((resolve) => one.events.on('broker:retention:change', () => resolve()))
    const { told: atTwo } = await open({ maxAgeMs: 60_000, maxBytes: 2 * MiB, streams: 2 })
    await changed
    const change = [
      'broker:retention:change',
      { from: 'forget, 1048576 bytes, 3600000 ms', to: 'forget, 2097152 bytes, 60000 ms' },
    ]
    expect([atOne, atTwo]).toEqual([[change], [change]])
    for (const index of [0, 1]) {
      expect(await configOf(index)).toMatchObject({
        discard: 'old',
        max_bytes: 2 * MiB,
        max_age: 60e9,
        duplicate_window: 60e9,
      })
    }
    const { discard, max_bytes, max_age, duplicate_window, ...rest } = await configOf(1)
    expect(before).toMatchObject(rest)
    expect([discard, max_bytes, max_age, duplicate_window]).toHaveLength(4)
    expect(await kept(one)).toEqual([seq])
  })

  it('a node without a wish can’t make streams forget, and says so; one that wishes it can', async () => {
    const { told: first } = await open({ onFull: 'refuse' })
    const { told: mistaken } = await open()
    expect(first).toEqual([]) // nobody changed anything
    expect(mistaken).toEqual([
      ['broker:retention:kept', { onFull: 'refuse', hint: expect.any(String) as unknown }],
    ])
    expect(await configOf()).toMatchObject({ discard: 'new', max_age: 0 })
    await open({ onFull: 'forget' })
    expect(await configOf()).toMatchObject({ discard: 'old', max_age: 86_400e9 })
  })

  it('a node that sets no sizes leaves them: one with default settings must not resize the streams of all', async () => {
    const { broker, told } = await open({ maxBytes: 3 * MiB, maxAgeMs: 3_600_000 })
    const settled = await topology()
    const events = new TypedEvents<BrokerEvents>()
    const other = await createNatsBroker({ urls: [server.url], prefix: 'keep', name: 'plain', events })
    opened.push(other)
    await broker.verifyStreams()
    expect(await topology()).toEqual(settled)
    expect(await configOf()).toMatchObject({ max_bytes: 3 * MiB, max_age: 3600e9 })
    expect(told).toEqual([])
    await open({ maxBytes: 4 * MiB })
    expect(await configOf()).toMatchObject({ max_bytes: 4 * MiB, max_age: 3600e9 })
  })

  it('a new mesh that nobody sized has 1 GiB per stream and a day, and one that was given 0 once starts again', async () => {
    const plain = { urls: [server.url], prefix: 'keep', name: 'plain' }
    opened.push(await createNatsBroker(plain))
    expect(await configOf()).toMatchObject({ max_bytes: 2 ** 30, max_age: 86_400e9 })
    const recorded = await topology()
    const zero = { ...recorded, retention: { onFull: 'forget', maxBytes: 0, maxAgeMs: 0 } }
    await raw.request(record, JSON.stringify(zero))
    opened.push(await createNatsBroker(plain))
    expect(await topology()).toEqual(recorded)
  })

  it('a new mesh that NATS has no room for fails with the name of the setting and what to do', async () => {
    await expect(open({ maxBytes: 2 ** 52 })).rejects.toMatchObject({
      name: 'InvalidError',
      code: 'no-room-for-streams',
      message: expect.stringMatching(/nats\.stream_max_bytes.*free space.*lower/i) as unknown,
    })
  })

  it('nodes with different wishes do not take turns: each writes its own once, at its boot, and looks only follow', async () => {
    const wishes = [
      { onFull: 'refuse', maxBytes: MiB },
      { onFull: 'forget', maxBytes: 2 * MiB },
      { onFull: 'refuse', maxBytes: 3 * MiB },
    ] as const
    const brokers = await Promise.all(wishes.map((wish) => open(wish)))
    const settled = await topology()
    const { onFull, maxBytes } = settled['retention'] as (typeof wishes)[number]
    expect(wishes).toContainEqual({ onFull, maxBytes })
    const follows = { discard: onFull === 'refuse' ? 'new' : 'old', max_bytes: maxBytes }
    expect(await configOf()).toMatchObject(follows)
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(brokers.map(({ broker }) => broker.verifyStreams()))
    }
    expect(await topology()).toEqual(settled)
    expect(await configOf()).toMatchObject(follows)
  })

  it('T6: whoever changes a stream late brings it in line with the record that is newest by then', async () => {
    await open()
    const relay = await Relay.to(server.port)
    relay.keepsBack = (packet) => packet.includes('STREAM.UPDATE.KEEP_CH_0')
    const isHeld = relay.keeping()
    const slow = open({ onFull: 'refuse', urls: [relay.url] })
    await isHeld
    await open({ onFull: 'forget', maxBytes: 2 * MiB })
    relay.release()
    await slow
    expect((await topology())['retention']).toMatchObject({ onFull: 'forget', maxBytes: 2 * MiB })
    expect(await configOf()).toMatchObject({ discard: 'old', max_bytes: 2 * MiB })
    relay.close()
  })

  it('K1: after NATS lost its disk the record that a node without a wish makes is wished into again: or what isn’t archived would be evicted', async () => {
    const { broker: archiving } = await open({ onFull: 'refuse' })
    const { broker: bystander, told } = await open()
    for (const name of ['KV_KEEP_topology', 'KEEP_CH_0']) await api(`STREAM.DELETE.${name}`)
    await bystander.verifyStreams()
    expect(await configOf()).toMatchObject({ discard: 'old' })
    await archiving.verifyStreams()
    expect(await configOf()).toMatchObject({ discard: 'new', max_age: 0 })
    const settled = await topology()
    await bystander.verifyStreams()
    expect(await topology()).toEqual(settled)
    expect(told.at(-1)).toMatchObject([
      'broker:retention:change',
      { to: expect.stringContaining('refuse') as unknown },
    ])
  })

  it('a stream that somebody else changed is brought back to the record at the next look', async () => {
    const { broker } = await open({ onFull: 'refuse' })
    await api('STREAM.UPDATE.KEEP_CH_0', { ...(await configOf()), discard: 'old', max_age: 600e9 })
    await broker.verifyStreams()
    expect(await configOf()).toMatchObject({ discard: 'new', max_age: 0 })
  })

  it('T7: a wish that NATS can’t fulfil is told and passed over, because in the record it concerns every node', async () => {
    const { broker: one } = await open()
    const events = new TypedEvents<BrokerEvents>()
    const refused: BrokerEvents['broker:retention:refused'][] = []
    events.on('broker:retention:refused', (event) => refused.push(event))
    const { broker: two } = await open({ maxBytes: 2 ** 52, events })
    expect(refused).toMatchObject([
      { stream: 'KEEP_CH_0', wanted: expect.stringContaining(`${2 ** 52} bytes`) as unknown },
    ])
    await one.verifyStreams()
    await two.log.append(two.route('', 'room').subject, text('x'))
    expect((await configOf()).max_bytes).toBe(MiB)
    await open({ maxBytes: 2 * MiB })
    expect((await configOf()).max_bytes).toBe(2 * MiB)
  })

  it('the record of a build that knew no retention is read: its streams go on forgetting unless somebody wishes otherwise', async () => {
    const { broker } = await open()
    const { retention, ...old } = await topology()
    expect(retention).toBeDefined()
    await broker.close()
    await raw.request(record, JSON.stringify(old))
    await open()
    expect(await topology()).toEqual({ ...old, retention })
    await raw.request(record, JSON.stringify(old))
    const { told } = await open({ onFull: 'refuse' })
    expect(told[0]?.[1]).toMatchObject({ from: 'as the streams were created' })
    expect(await configOf()).toMatchObject({ discard: 'new' })
  })

  it('the end of a full stream is told though its sentinel was purged and has no room: or nobody could subscribe', async () => {
    const { broker } = await open({ onFull: 'refuse' })
    const { stream, subject } = broker.route('', 'room')
    await fill(broker)
    const { firstSeq } = await broker.log.state(stream)
    await broker.log.purge(stream, firstSeq + 2) // the sentinel, and one more
    const taken = await fill(broker)
    await fill(broker, 100)
    await fill(broker, 1)
    const { lastSeq } = await broker.log.state(stream)
    const other = broker.route('', 'quiet').subject
    const tops = await broker.log.tops(stream, [other])
    expect([tops.upTo, [...tops.newest]]).toEqual([lastSeq, []])
    const both = await broker.log.tops(stream, [other, subject])
    expect([both.upTo, both.newest.get(subject)?.seq]).toEqual([lastSeq, lastSeq])
    expect(taken.length).toBeGreaterThan(0)
    expect((await broker.log.state(stream)).lastSeq).toBe(lastSeq) // nothing was appended for it
  })
})
