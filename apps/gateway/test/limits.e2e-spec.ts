/** Each limit of docs/protocol.md 20 is exceeded here, once: who does gets the code of its row, and it is counted under its name. */
import { afterAll, describe, expect, it } from '@jest/globals'
import { Metrics } from '@natter/observability'
import { TypedEvents } from '@natter/primitives'
import { meter } from '../src/gateway.metrics.js'
import { limitNames, type LimitName } from '../src/limits/limit-name.js'
import { dialects } from './dialect.js'
import { FakeApp, held } from './fake-app.js'
import { valueIn } from './gateway-process.js'
import type { RawClient, NodeOverrides, TestNode } from './harness.js'
import { secret, tokenOf, wireBench } from './wire-bench.js'

/** Held where it can be caused with less: by the intake's own tests and by a process with few descriptors. */
const heldElsewhere: readonly LimitName[] = ['bytes-waiting', 'descriptors']

const seen = new Set<LimitName>(heldElsewhere)
afterAll(() => {
  expect(limitNames.filter((name) => !seen.has(name))).toEqual([])
})

const history = { history: { channel: 'room:a', limit: 1 } }

describe.each(dialects)('limits, for clients that speak $name', (dialect) => {
  const { start, open, connect, atEnd } = wireBench(dialect)

  const counted = async (overrides: NodeOverrides) => {
    const node = await start({ secret, ...overrides })
    const metrics = new Metrics({ processMetrics: false })
    meter(metrics, { ...node, events: { gateway: node.gateway.events, broker: new TypedEvents() } })
    const count = async (limit: LimitName): Promise<number> => {
      seen.add(limit)
      return valueIn(await metrics.text(), `natter_gateway_limited_total{limit="${limit}"`) ?? 0
    }
    return { node, count }
  }

  const closes: [
    string,
    number,
    LimitName,
    NodeOverrides['client'],
    (node: TestNode) => Promise<RawClient>,
  ][] = [
    [
      '[20.1] a message that is too long',
      1009,
      'message-size',
      {},
      async (node) => {
        const client = await connect(node)
        client.socket.send(Buffer.alloc(70_000, 0x20), { binary: dialect.name === 'protobuf' })
        return client
      },
    ],
    [
      '[20.2] one that isn’t even read',
      1006,
      'message-cut',
      {},
      async (node) => {
        const client = await connect(node)
        client.socket.send(Buffer.alloc(1_100_000, 0x20), { binary: dialect.name === 'protobuf' })
        return client
      },
    ],
    [
      '[20.6] a token that is too long',
      3500,
      'token-size',
      {},
      async (node) => {
        const client = await open(node)
        client.start('connect', { token: 'a'.repeat(33_000) })
        return client
      },
    ],
    [
      '[20.10] commands before the connect is answered',
      3013,
      'commands-held',
      { maxInFlight: 1, connectByApp: true },
      async (node) => {
        const client = await open(node)
        client.send({ id: 1, connect: {} }, { id: 2, ...history }, { id: 3, ...history })
        return client
      },
    ],
    [
      '[20.12] commands beyond the burst',
      3013,
      'command-rate',
      { commandBurst: 5, commandRate: 1 },
      async (node) => {
        const client = await connect(node)
        for (let id = 10; id < 20; id += 1) client.send({ id, ...history })
        return client
      },
    ],
    [
      '[20.15] no pong in time',
      3012,
      'pong-time',
      { pingIntervalMs: 200, pongTimeoutMs: 100 },
      (node) => connect(node),
    ],
    ['[20.16] no connect in time', 3502, 'connect-time', { staleCloseMs: 50 }, (node) => open(node)],
    [
      '[20.4] channels that a connect asks for',
      3505,
      'channels',
      { maxChannels: 1 },
      async (node) => {
        const client = await open(node)
        client.start('connect', { token: await tokenOf({ sub: 'ann', channels: ['one', 'two'] }) })
        return client
      },
    ],
    [
      '[20.20] [20.22] one connection of a user too many: the oldest goes',
      3504,
      'user-connections',
      { userConnectionLimit: 1 },
      async (node) => {
        const token = await tokenOf({ sub: 'ann' })
        const old = await connect(node, { token })
        await connect(node, { token })
        return old
      },
    ],
  ]

  it.each(closes)('%s: %d, counted', async (_title, code, limit, client, act) => {
    const thinks = held<{ user: string }>()
    const hooks = new FakeApp({ connect: () => thinks.answer }, [])
    atEnd(() => thinks.give({ user: 'ann' }))
    const { node, count } = await counted({
      ...(client?.connectByApp === true ? { hooks } : {}),
      ...(client === undefined ? {} : { client }),
    })
    const connection = await act(node)
    expect((await connection.close()).code).toBe(code)
    expect(await count(limit)).toBe(1)
  })

  it('[20.3] what waits for a client that doesn’t read: 3008, counted', async () => {
    const { node, count } = await counted({ client: { maxQueueBytes: 65_536, commandBurst: 100_000 } })
    const slow = await connect(node)
    await slow.call('subscribe', { channel: 'news' })
    slow.socket.pause()
    const writer = await connect(node)
    const data = 'x'.repeat(60_000)
    for (let sent = 0; sent < 300 && (await count('queue-size')) === 0; sent += 1)
      await writer.call('publish', { channel: 'news', data })
    slow.socket.resume()
    expect((await slow.close()).code).toBe(3008)
    expect(await count('queue-size')).toBe(1)
  })

  const errors: [string, number, LimitName, NodeOverrides['client'], readonly object[]][] = [
    [
      '[20.4] a channel too many',
      106,
      'channels',
      { maxChannels: 1 },
      [{ subscribe: { channel: 'one' } }, { subscribe: { channel: 'two' } }],
    ],
    ['[20.5] a channel’s name', 107, 'channel-name', {}, [{ subscribe: { channel: 'é'.repeat(128) } }]],
    [
      '[20.11] commands in work',
      111,
      'commands-in-flight',
      { maxInFlight: 1 },
      [1, 2].map((n) => ({ publish: { channel: 'room:a', data: { n } } })),
    ],
    [
      '[20.21] commands of a user, over its connections',
      111,
      'user-command-rate',
      { userCommandRate: 1, userCommandBurst: 2 },
      [history, history, history],
    ],
  ]

  it.each(errors)('%s: %d, counted', async (_title, code, limit, client = {}, commands) => {
    const { node, count } = await counted({ client })
    const connection = await connect(node, { token: await tokenOf({ sub: 'ann' }) })
    connection.send(...commands.map((command, index) => ({ id: index + 10, ...command })))
    const last = await connection.reply(9 + commands.length)
    expect(last['error']?.code).toBe(code)
    expect(await count(limit)).toBe(1)
    expect(connection.closed).toBeUndefined()
  })

  it.each([
    ['[20.17] connections of the gateway', 'connections', { maxConnections: 1 }],
    ['[20.18] new connections at once', 'connection-rate', { client: { connectionRateLimit: 1 } }],
  ] as const)('%s: 503, counted', async (_title, limit, overrides) => {
    const { node, count } = await counted(overrides)
    await open(node)
    await expect(open(node)).rejects.toThrow('503')
    expect(await count(limit)).toBe(1)
  })

  it('[20.23] a user beyond the rate may still leave a channel, and what it sends is dropped without an answer', async () => {
    const { node, count } = await counted({ client: { userCommandRate: 1, userCommandBurst: 1 } })
    const client = await connect(node, { token: await tokenOf({ sub: 'ann' }) })
    await client.call('subscribe', { channel: 'news' })
    client.send({ send: { data: {} } })
    expect(await client.call('unsubscribe', { channel: 'news' })).toMatchObject({ unsubscribe: {} })
    expect(client.received.filter((one) => one['id'] === undefined)).toEqual([])
    expect(await count('user-command-rate')).toBe(1)
  })

  it('[20.22] a user’s connections on several gateways count together: within a second the oldest is closed', async () => {
    const client = { userConnectionLimit: 2 }
    const nodes = await Promise.all([1, 2, 3].map(() => start({ secret, client })))
    const token = await tokenOf({ sub: 'ann' })
    const clients: RawClient[] = []
    for (const node of nodes) clients.push(await connect(node, { token }))
    const [oldest, ...newer] = clients
    expect((await oldest?.close())?.code).toBe(3504)
    expect(newer.map(({ closed }) => closed)).toEqual([undefined, undefined])
    const anonymous = await Promise.all(nodes.map((node) => connect(node)))
    const again = await connect(nodes[0] as TestNode, { token })
    expect((await newer[0]?.close())?.code).toBe(3504)
    expect([...anonymous, again].map(({ closed }) => closed)).toEqual(
      [...anonymous, again].map(() => undefined),
    )
  })

  it('[20.22] who has gone is counted no more, on no gateway: a user who comes back elsewhere would lose the connection that stayed', async () => {
    const client = { userConnectionLimit: 2 }
    const [one, two] = [await start({ secret, client }), await start({ secret, client })]
    const token = await tokenOf({ sub: 'ann' })
    const stays = await connect(one, { token })
    const goes = await connect(two, { token })
    await new Promise((resolve) => setTimeout(resolve, 300)) // each knows of the other's
    goes.end()
    await new Promise((resolve) => setTimeout(resolve, 300))
    const back = await connect(one, { token })
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect([stays, back].map(({ closed }) => closed)).toEqual([undefined, undefined])
  })
})
