import { afterEach, describe, expect, it } from '@jest/globals'
import { MemoryBroker } from '@natter/broker'
import { ApiClient } from '@natter/hooks'
import { DeniedError, InvalidError, UnknownOutcomeError } from '@natter/primitives'
import { memoryBench } from './bench.js'
import { FakeApp } from './fake-app.js'
import { RawClient, type NodeOverrides, type TestNode } from './harness.js'

const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))

describe('what apps ask of gateways', () => {
  const bench = memoryBench()
  const apis: ApiClient[] = []

  afterEach(() => {
    for (const api of apis.splice(0)) api.stop()
  })

  const app = (): FakeApp => new FakeApp({ connect: ({ token }) => ({ user: token ?? '' }) })

  const start = (overrides: NodeOverrides = {}): Promise<TestNode & { broker: MemoryBroker }> =>
    bench.start({ hooks: app(), ...overrides })

  const openApi = (): ApiClient => {
    const broker = new MemoryBroker(bench.mesh)
    bench.atEnd(() => broker.close())
    const api = new ApiClient({ broker })
    api.start()
    apis.push(api)
    return api
  }

  /** A client of a user, on a node. */
  const join = async (node: TestNode, user: string): Promise<[RawClient, string]> => {
    const client = await bench.keep(RawClient.open(node.url))
    const { connect } = await client.call('connect', { token: user })
    return [client, connect.client as string]
  }

  it('is published with its place, under the rules for names and data, whatever clients may', async () => {
    const node = await start()
    const api = openApi()
    const [client] = await join(node, 'ana')
    await client.call('subscribe', { channel: 'room:a' })
    const first = await api.publish('room:a', bytes({ n: 1 }), { tags: { colour: 'red' } })
    const second = await api.publish('room:a', bytes({ n: 2 }))
    expect(first.position?.epoch).toEqual(expect.any(String))
    expect(second.position?.offset).toBeGreaterThan(first.position?.offset ?? Infinity)
    await client.until(() => client.publications('room:a').length === 2, 'both')
    expect(client.publications('room:a')).toMatchObject([
      { data: { n: 1 }, tags: { colour: 'red' }, offset: first.position?.offset },
      { data: { n: 2 } },
    ])
    expect(await api.publish('closed:a', bytes(1))).toEqual({}) // nothing is kept there, and no client may publish
    for (const channel of ['nowhere:a', `room:${'x'.repeat(300)}`, ''])
      await expect(api.publish(channel, bytes(1))).rejects.toThrow(InvalidError)
    await expect(api.publish('room:a', Buffer.from('no json'))).rejects.toMatchObject({ code: 'bad-request' })
    await expect(api.publish('nowhere:a', bytes(1))).rejects.toMatchObject({ code: 'unknown-channel' })
  })

  it('with a key is stored once, on whichever gateway it is repeated, and no client can take the key', async () => {
    const [a, b] = [await start(), await start()]
    const api = openApi()
    const [client] = await join(b, '')
    await client.call('publish', { channel: 'room:a', data: { id: 'k1' } })
    const places = []
    for (let n = 0; n < 8; n += 1)
      places.push(await api.publish('room:a', bytes({ n }), { idempotencyKey: 'k1' }))
    expect(new Set(places.map(({ position }) => position?.offset)).size).toBe(1)
    const other = await api.publish('room:b', bytes(1), { idempotencyKey: 'k1' })
    expect(other.position?.offset).not.toBe(places[0]?.position?.offset)
    const { publications } = await api.history('room:a', { limit: 10, isReverse: false })
    expect(publications.map(({ data }) => JSON.parse(String(Buffer.from(data))) as unknown)).toEqual([
      { id: 'k1' },
      { n: 0 },
    ])
    expect(a.name).not.toBe(b.name)
  })

  it('goes to many channels with an outcome for each, so that one bad name spoils nothing', async () => {
    await start()
    const api = openApi()
    const outcomes = await api.broadcast(['room:a', 'nowhere:b', 'plain'], bytes(1))
    expect(outcomes[0]).toEqual({ position: { offset: expect.any(Number), epoch: expect.any(String) } })
    expect(outcomes[1]).toEqual({ error: expect.any(InvalidError) })
    expect(outcomes[2]).toEqual({})
    const many = Array.from({ length: 1_001 }, (_, n) => `room:${n}`)
    await expect(api.broadcast(many, bytes(1))).rejects.toMatchObject({ code: 'limit-exceeded' })
  })

  it('reads presence of all gateways, and history by page and position', async () => {
    const [a, b] = [await start(), await start()]
    const api = openApi()
    const joined = await Promise.all([join(a, 'ana'), join(b, 'ben')])
    for (const [client] of joined) await client.call('subscribe', { channel: 'room:a' })
    const members = await api.presence('room:a')
    expect([...members.values()].map(({ user }) => user).toSorted()).toEqual(['ana', 'ben'])
    for (let n = 0; n < 5; n += 1) await api.publish('room:a', bytes(n))
    const first = await api.history('room:a', { limit: 2, isReverse: false })
    const since = { offset: first.publications.at(-1)?.offset ?? 0, epoch: first.epoch }
    const rest = await api.history('room:a', { limit: 10, isReverse: false, since })
    const numbers = [first, rest].map(({ publications }) =>
      publications.map(({ data }) => Number(Buffer.from(data).toString())),
    )
    expect(numbers).toEqual([
      [0, 1],
      [2, 3, 4],
    ])
    await expect(
      api.history('room:a', { limit: 1, isReverse: false, since: { offset: 1, epoch: 'another' } }),
    ).rejects.toMatchObject({ code: 'unrecoverable-position' })
    await expect(api.history('plain', { limit: 1, isReverse: false })).rejects.toMatchObject({
      code: 'not-available',
    })
  })

  it('subscribes, unsubscribes and ends a user wherever its connections are, and says how many', async () => {
    const [a, b] = [await start(), await start()]
    const api = openApi()
    const [ana1] = await join(a, 'ana')
    const [ana2, client2] = await join(b, 'ana')
    const [ben] = await join(b, 'ben')
    const request = { user: 'ana', channel: 'closed:hers' }
    expect(await api.request({ kind: 'subscribe', ...request, options: { dataJson: '7' } })).toEqual({
      connections: 2,
    })
    await api.publish('closed:hers', bytes('for ana'))
    for (const client of [ana1, ana2])
      await client.until(() => client.publications('closed:hers').length === 1, 'the publication')
    expect(ana1.pushes('closed:hers')[0]).toEqual({ channel: 'closed:hers', subscribe: { data: 7 } })
    expect(ben.pushes('closed:hers')).toEqual([])
    const end = { code: 2000, reason: 'server unsubscribe' }
    expect(await api.request({ kind: 'unsubscribe', ...request, client: client2, ...end })).toEqual({
      connections: 1,
    })
    await ana2.until(
      () => ana2.pushes('closed:hers').find((push) => 'unsubscribe' in push),
      'the end of the subscription',
    )
    const leave = { code: 4501, reason: 'banned' }
    expect(await api.request({ kind: 'disconnect', user: 'ana', ...leave })).toEqual({ connections: 2 })
    expect([await ana1.close(), await ana2.close()]).toEqual([leave, leave])
    expect(ben.closed).toBeUndefined()
    expect(await api.request({ kind: 'disconnect', user: 'ana', ...leave })).toEqual({ connections: 0 })
  })

  it('is refused for good where it can never be: anonymous users, unknown channels, codes of the wire', async () => {
    await start()
    const api = openApi()
    const leave = { code: 4501, reason: 'x' }
    await expect(api.disconnect('', leave)).rejects.toMatchObject({ code: 'bad-request' })
    await expect(api.disconnect('ana', { code: 1000, reason: '' })).rejects.toMatchObject({
      code: 'bad-request',
    })
    await expect(api.unsubscribe('ana', 'room:a', { code: 1, reason: '' })).rejects.toThrow(InvalidError)
    await expect(api.subscribe('ana', 'nowhere:a', {})).rejects.toMatchObject({ code: 'unknown-channel' })
    await expect(api.request({ kind: 'dance' } as never)).rejects.not.toThrow(DeniedError)
  })

  it('is not said to be done while a gateway that is there is silent, because that one may hold the user', async () => {
    const [a, b] = [await start(), await start()]
    const broker = new MemoryBroker(bench.mesh)
    bench.atEnd(() => broker.close())
    const api = new ApiClient({ broker, attemptMs: 3_000, withinMs: 2_900 })
    api.start()
    apis.push(api)
    await api.publish('plain', bytes(1)) // both were heard
    bench.mesh.fault = ({ subject }) =>
      subject === bench.mesh.subjects.controlOfAll ? { copies: 0 } : undefined
    await expect(api.disconnect('ana', { code: 4501, reason: 'x' })).rejects.toThrow(UnknownOutcomeError)
    expect([a, b].map(({ gateway }) => gateway.peerCount)).toEqual([1, 1])
  })

  it('shows progress in the channel of the caller, tagged with the call, and nowhere else', async () => {
    const node = await start({ client: { personalChannel: { namespace: '' } } })
    const api = openApi()
    const [ana] = await join(node, 'ana')
    const [ben] = await join(node, 'ben')
    await api.request({ kind: 'progress', user: 'ana', call: 'c1', data: bytes(10) })
    await ana.until(() => ana.publications('#ana').length === 1, 'the progress')
    expect(ana.publications('#ana')).toMatchObject([{ data: 10, tags: { call: 'c1' } }])
    expect(ben.pushes('#ana')).toEqual([])
    expect(await api.request({ kind: 'progress', user: '', call: 'c1', data: bytes(1) })).toEqual({})
  })
})
