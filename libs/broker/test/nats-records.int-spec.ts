/** Records that change while a node can't read them, or reads them slowly. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createNatsBroker, type Broker } from '@natter/broker'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { TestNats } from './nats-server.js'
import { next } from './next-event.js'
import { Relay } from './relay.js'

const text = (value: string): Uint8Array => Buffer.from(value, 'utf8')
const record = '$KV.RECORDS_topology.shards'

describe('records of a mesh', () => {
  let server: TestNats
  let relay: Relay
  let raw: NatsConnection
  let broker: Broker

  /** As another node would: the first stream gets another epoch. */
  const renewEpoch = async (epoch: string): Promise<void> => {
    const query = JSON.stringify({ last_by_subj: record })
    const found = await raw.request('$JS.API.STREAM.MSG.GET.KV_RECORDS_topology', query)
    const { message } = found.json<{ message: { data: string } }>()
    const topology = JSON.parse(Buffer.from(message.data, 'base64').toString()) as {
      streams: { epoch: string }[]
    }
    for (const stream of topology.streams) stream.epoch = epoch
    await raw.request(record, JSON.stringify(topology))
  }

  beforeEach(async () => {
    server = await TestNats.start()
    relay = await Relay.to(server.port)
    raw = await connect({ servers: server.url })
    broker = await createNatsBroker({ urls: [relay.url], prefix: 'records', name: 'test' })
  })

  afterEach(async () => {
    await broker.close()
    await raw.close()
    relay.close()
    await server.stop()
  })

  it('of many nodes that come to a record without a name for the mesh one gives it, and all go by that', async () => {
    const query = JSON.stringify({ last_by_subj: record })
    const found = await raw.request('$JS.API.STREAM.MSG.GET.KV_RECORDS_topology', query)
    const { message } = found.json<{ message: { data: string } }>()
    const { id, ...old } = JSON.parse(Buffer.from(message.data, 'base64').toString()) as { id: string }
    expect(broker.meshId).toBe(id)
    await raw.request(record, JSON.stringify(old))
    const nodes = await Promise.all(
      [1, 2, 3, 4].map((n) => createNatsBroker({ urls: [server.url], prefix: 'records', name: `n${n}` })),
    )
    await broker.verifyStreams()
    const names = new Set([broker, ...nodes].map(({ meshId }) => meshId))
    await Promise.all(nodes.map((node) => node.close()))
    expect(names.size).toBe(1)
    expect([...names][0]).toMatch(/^[a-z]{8}$/)
    expect(names.has(id)).toBe(false)
  })

  it('K2: a read that failed is repeated while connected: a missed epoch would join two numberings', async () => {
    relay.keepsBack = (packet) => packet.includes('MSG.GET.KV_RECORDS_topology')
    const [kept, changed] = [relay.keeping(), next(broker, 'broker:epoch:change')]
    await renewEpoch('later')
    await kept
    relay.keepsBack = () => false // what was kept back is lost
    expect((await changed).epoch).toBe('later')
    expect(broker.route('', 'room').epoch).toBe('later')
  })

  it('T5: a slow look at the streams does not bring back the record that a newer one replaced', async () => {
    relay.keepsBack = (packet) => packet.includes(`STREAM.INFO.${broker.streams[0]}`)
    const kept = relay.keeping()
    const verified = broker.verifyStreams()
    await kept
    const changed = next(broker, 'broker:epoch:change')
    await renewEpoch('newer')
    await changed
    relay.release()
    await verified
    expect(broker.route('', 'room').epoch).toBe('newer')
  })

  it('a record that this build cannot read is told, not passed over in silence, and the next one is adopted', async () => {
    const told = next(broker, 'bus:callback:error')
    raw.publish(record, text('{}'))
    expect((await told).error).toMatchObject({ code: 'bad-topology' })
  })

  it('K3: the bucket of a registry that nobody uses does not exist; once used, it is created again when it is gone', async () => {
    const info = async (): Promise<string> =>
      (await raw.request('$JS.API.STREAM.INFO.KV_RECORDS_registry')).string()
    expect(await info()).toContain('stream not found')
    await broker.registry.create('k', text('1'))
    expect(await info()).toContain('"num_replicas":1')
    await raw.request('$JS.API.STREAM.DELETE.KV_RECORDS_registry')
    await broker.verifyStreams()
    expect(await broker.registry.get('k')).toBeUndefined()
  })

  it('W3: a value that the callback threw at is told again', async () => {
    await broker.registry.create('k', text('1'))
    let attempts = 0
    const { stop } = await broker.registry.watch('k', () => {
      attempts += 1
      throw new Error('of the callback')
    })
    const told = next(broker, 'bus:callback:error')
    raw.publish('records.kv.RECORDS_registry.k', text('a hint'))
    await told
    expect(attempts).toBe(2)
    stop()
  })
})
