import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createNatsBroker, type Broker, type NatsBrokerOptions } from '@natter/broker'
import { TestNats } from './nats-server.js'

describe('a guest of a mesh', () => {
  let server: TestNats
  let raw: NatsConnection
  const opened: Promise<Broker>[] = []

  beforeEach(async () => {
    server = await TestNats.start()
    raw = await connect({ servers: server.url })
  })

  afterEach(async () => {
    const brokers = await Promise.allSettled(opened.splice(0))
    for (const one of brokers) if (one.status === 'fulfilled') await one.value.close()
    await raw.close()
    await server.stop()
  })

  function open(options: Partial<NatsBrokerOptions>): Promise<Broker> {
    const broker = createNatsBroker({ urls: [server.url], prefix: 'natter', name: 'test', ...options })
    broker.catch(() => {}) // told to who awaits it
    opened.push(broker)
    return broker
  }

  async function streams(): Promise<string[]> {
    const reply = await raw.request('$JS.API.STREAM.NAMES', '{}')
    return reply.json<{ streams: string[] | null }>().streams ?? []
  }

  it('that comes first waits for a node that knows what the mesh is to be, and makes nothing of its own', async () => {
    const guest = open({ isGuest: true, streams: 7 })
    await raw.flush()
    expect(await streams()).toEqual([])
    const node = await open({ streams: 3 })
    await node.registry.get('apps') // as gateways do at their start
    expect((await guest).streams).toEqual(node.streams)
    expect(node.streams).toHaveLength(3)
  })

  it('is told where there is no mesh, and what to do', async () => {
    await expect(open({ isGuest: true, meshTimeoutMs: 0 })).rejects.toMatchObject({
      code: 'no-mesh',
      message: expect.stringContaining('start a gateway'),
    })
    expect(await streams()).toEqual([])
  })

  it('shares records and messages with the others', async () => {
    const node = await open({})
    await node.registry.create('one', Buffer.from('1'))
    const guest = await open({ isGuest: true })
    const entry = await guest.registry.get('one')
    expect(Buffer.from(entry?.value ?? []).toString()).toBe('1')
    expect(await guest.registry.update('one', Buffer.from('2'), entry?.revision ?? 0)).toBeGreaterThan(0)
    const heard = new Promise<string>((resolve) =>
      node.bus.subscribe('natter.test', ({ body }) => resolve(Buffer.from(body).toString())),
    )
    await node.bus.flush()
    guest.bus.publish('natter.test', Buffer.from('hello'))
    expect(await heard).toBe('hello')
    await guest.verifyStreams()
    expect(guest.meshId).toBe(node.meshId)
  })
})
