/** Records, in memory and on a real NATS whose way can be cut. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { createNatsBroker, MemoryBroker, MemoryMesh, type Broker } from '@natter/broker'
import { TcpProxy } from '@natter/testing'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { TestNats } from './nats-server.js'
import { next } from './next-event.js'
import { describeRecords, Known } from './records.contract.js'

const text = (value: string): Uint8Array => Buffer.from(value, 'utf8')

describeRecords('memory', async () => {
  const mesh = new MemoryMesh()
  const [a, b] = [new MemoryBroker(mesh), new MemoryBroker(mesh)]
  return {
    a,
    b,
    cut: async () => a.disconnect(),
    heal: () => a.reconnect(),
    close: async () => void (await Promise.all([a.close(), b.close()])),
  }
})

describe('on NATS', () => {
  let server: TestNats
  let proxy: TcpProxy
  let raw: NatsConnection
  let meshes = 0
  const brokers: Broker[] = []

  beforeAll(async () => {
    server = await TestNats.start()
    proxy = await TcpProxy.start({ port: server.port })
    raw = await connect({ servers: server.url })
  })
  afterEach(async () => {
    proxy.refuse(false)
    proxy.resume()
    await Promise.all(brokers.splice(0).map((broker) => broker.close()))
  })
  afterAll(async () => {
    await proxy.stop()
    await raw.close()
    await server.stop()
  })

  const open = async (name: string, port: number): Promise<Broker> => {
    const urls = [`nats://127.0.0.1:${port}`]
    const broker = await createNatsBroker({ urls, prefix: `held${meshes}`, name })
    brokers.push(broker)
    return broker
  }
  const openPair = async () => {
    meshes += 1
    const [a, b] = [await open('a', proxy.port), await open('b', server.port)]
    const cut = async (): Promise<void> => {
      const away = next(a, 'broker:disconnect')
      proxy.refuse()
      proxy.cut()
      await away
    }
    return { a, b, cut, heal: () => proxy.refuse(false), stream: `KV_HELD${meshes}_revocations` }
  }
  const info = async (stream: string) =>
    (await raw.request(`$JS.API.STREAM.INFO.${stream}`)).json<{
      config: Record<string, unknown>
      state: { messages: number; consumer_count: number }
    }>()

  describeRecords('nats', async () => ({ ...(await openPair()), close: () => Promise.resolve() }))

  it('RC2: the stream keeps each key once, drops nothing for want of room, and refuses one more', async () => {
    const { a, stream } = await openPair()
    await a.revocations.put('one', text('1'))
    const { config } = await info(stream)
    expect(config).toMatchObject({
      discard: 'new',
      max_msgs_per_subject: 1,
      max_msgs: 110_001,
      allow_msg_ttl: true,
    })
    const known = new Known(a.revocations)
    await known.until('caught up')
    await raw.request(`$JS.API.STREAM.UPDATE.${stream}`, JSON.stringify({ ...config, max_msgs: 2 }))
    await expect(a.revocations.put('two', text('2'))).rejects.toMatchObject({
      name: 'UnavailableError',
      code: 'records-full',
    })
    await a.revocations.put('one', text('written over')) // needs no room
    await known.until('one=written over')
    const late = new Known(a.revocations) // nor does the mark (RC3)
    await late.until('caught up')
    expect(late.all).toEqual({ one: 'written over' })
    known.following.stop()
    late.following.stop()
  })

  it('a record outlives its end by a minute, so that no clock that is late misses it, and goes then', async () => {
    const { a, stream } = await openPair()
    const ttlOf = async (key: string): Promise<string> => {
      const query = JSON.stringify({ last_by_subj: `$KV.${stream.slice(3)}.${key}` })
      const found = await raw.request(`$JS.API.STREAM.MSG.GET.${stream}`, query)
      return Buffer.from(found.json<{ message: { hdrs?: string } }>().message.hdrs ?? '', 'base64').toString()
    }
    await a.revocations.put('soon', text('1'), { expiresAtMs: Date.now() + 9_500 })
    await a.revocations.put('past', text('1'), { expiresAtMs: Date.now() - 60_000 })
    await a.revocations.put('never', text('1'))
    await a.revocations.put('ages', text('1'), { expiresAtMs: Number.MAX_SAFE_INTEGER })
    expect(await ttlOf('soon')).toMatch(/Nats-TTL: 70s/)
    expect(await ttlOf('past')).toMatch(/Nats-TTL: 60s/)
    expect([await ttlOf('never'), await ttlOf('ages')]).toEqual(['', ''])
  })

  it('RF2: a follower whose consumer is taken away reads all again', async () => {
    const { a, b, stream } = await openPair()
    const known = new Known(a.revocations)
    await known.until('caught up')
    const { consumers } = (await raw.request(`$JS.API.CONSUMER.NAMES.${stream}`)).json<{
      consumers: string[]
    }>()
    expect(consumers).toHaveLength(1)
    await raw.request(`$JS.API.CONSUMER.DELETE.${stream}.${consumers[0]}`)
    await known.until('caught up', 2)
    await b.revocations.put('after', text('1'))
    await known.until('after=1')
    expect(known.told.filter((one) => one === 'away')).toHaveLength(1)
    known.following.stop()
  })

  it('RF2: a mesh that falls silent on a connection that stands is away, and is read again when it answers', async () => {
    const { a, b } = await openPair()
    const known = new Known(a.revocations)
    await known.until('caught up')
    const back = next(a, 'broker:disconnect').then(() => 'lost')
    proxy.pause()
    await known.until('away')
    await b.revocations.put('meanwhile', text('1'))
    proxy.resume()
    await known.until('caught up', 2)
    expect(known.all).toEqual({ meanwhile: '1' })
    await Promise.race([back, Promise.resolve()])
    known.following.stop()
  })

  it('RC1: a stream that is gone is made anew by the next who needs it', async () => {
    const { a, stream } = await openPair()
    await a.revocations.put('one', text('1'))
    await raw.request(`$JS.API.STREAM.DELETE.${stream}`)
    await expect(a.revocations.put('two', text('1'))).rejects.toMatchObject({ code: 'stream-unavailable' })
    expect(await a.revocations.put('two', text('1'))).toBe(1)
  })

  it('a guest makes no stream, and is told that there is none', async () => {
    const { a } = await openPair()
    await a.registry.get('k')
    const guest = await createNatsBroker({
      urls: [server.url],
      prefix: `held${meshes}`,
      name: 'guest',
      isGuest: true,
    })
    brokers.push(guest)
    await expect(guest.revocations.put('k', text('1'))).rejects.toMatchObject({ code: 'no-mesh' })
  })

  it('ten thousand records are read in one go, through several pulls', async () => {
    const { a, b } = await openPair()
    for (let from = 0; from < 10_000; from += 1_000)
      await Promise.all(
        Array.from({ length: 1_000 }, (_, i) => b.revocations.put(`user.${from + i}`, text('{}'))),
      )
    const known = new Known(a.revocations)
    await known.until('caught up')
    expect(Object.keys(known.all)).toHaveLength(10_000)
    known.following.stop()
  }, 20_000)
})
