import { beforeEach, describe, expect, it } from '@jest/globals'
import { connectSdk, eventually, probe, type ProbeAnswer, type SdkClient } from '@natter/testing'
import { WebSocket } from 'ws'
import { natsBench } from './bench.js'
import { runningGateway, startGateway, type GatewayProcess } from './gateway-process.js'
import { RawClient } from './harness.js'

const channels = JSON.stringify([
  {
    name: 'kept',
    keep: 'stream',
    presence: true,
    join_leave: true,
    force_push_join_leave: true,
    allow_subscribe_for_anonymous: true,
    allow_publish_for_anonymous: true,
    allow_presence_for_anonymous: true,
    allow_subscribe_for_client: true,
    allow_publish_for_client: true,
    allow_presence_for_client: true,
    message_id: '/id',
  },
])

/** A kubelet's, and a balancer's that believes the first answer. */
const readiness = { periodMs: 250, timeoutMs: 1_000 }
const patient = { timeoutMs: 20_000 }
const clean = { code: 0, signal: null }
const shutdown = { code: 3001, reason: 'shutdown' }

describe('a gateway that is asked to end', () => {
  const bench = natsBench()
  let gateways = 0

  beforeEach(() => {
    gateways = 0
  })

  const gatewayWith = (drain: Readonly<Record<string, string>>): Promise<GatewayProcess> => {
    gateways += 1
    const settings = Object.entries(drain).map(([key, value]) => [`NATTER_DRAIN_${key.toUpperCase()}`, value])
    return runningGateway(bench, {
      env: {
        NATTER_CONFIG: '',
        NATTER_CLIENT_ALLOW_ANONYMOUS: 'true',
        NATTER_CHANNEL_NAMESPACES: channels,
        NATTER_GATEWAY_NAME: `gateway-${gateways}`,
        ...(Object.fromEntries(settings) as Record<string, string>),
      },
    })
  }
  const clientsOf = async (gateway: GatewayProcess, count: number): Promise<RawClient[]> =>
    Promise.all(Array.from({ length: count }, () => bench.connect(gateway)))
  const said = async ({ process }: GatewayProcess, event: string): Promise<Record<string, unknown>> =>
    JSON.parse(await process.waitForLine((line) => line.includes(`"${event}"`))) as Record<string, unknown>
  const left = ({ metric }: GatewayProcess): Promise<number> =>
    metric('natter_gateway_drain_connections{').then((value) => value ?? 0)
  /** What the client has sent was taken: commands start in their order, and this one needs nobody else for its answer. */
  const read = (client: RawClient) => client.call('publish', { channel: 'nowhere:a', data: {} })
  const closesOf = (clients: readonly RawClient[]) => Promise.all(clients.map((client) => client.close()))

  it('is not ready from that moment on, and alive; lets clients in for the delay and nobody after it; and ends with 0', async () => {
    const gateway = await gatewayWith({ delay: '4s', deadline: '12s' })
    const ready = probe(`${gateway.ops}/health/ready`, readiness)
    bench.atEnd(() => ready.stop())
    await ready.until(true)
    const early = await bench.connect(gateway)
    const exit = gateway.process.kill('SIGTERM')
    expect(await said(gateway, 'gateway:drain:start')).toMatchObject({ connections: 1, delayMs: 4_000 })
    const answer: ProbeAnswer = await ready.next()
    expect([answer.status, answer.text]).toEqual([503, expect.stringContaining('draining')])
    expect((await fetch(`${gateway.ops}/health/live`)).status).toBe(200)
    const late = await bench.connect(gateway)
    expect(await gateway.metric('natter_gateway_drain_phase{')).toBe(1)
    expect([early.closed, late.closed]).toEqual([undefined, undefined])
    await said(gateway, 'gateway:drain:close')
    await expect(RawClient.open(gateway.url)).rejects.toThrow('ECONNREFUSED')
    expect(await Promise.all([early.close(), late.close()])).toEqual([shutdown, shutdown])
    expect(await exit).toEqual(clean)
    expect(await said(gateway, 'gateway:drain:done')).toMatchObject({
      closed: 2,
      unanswered: 0,
      isHurried: false,
    })
  }, 30_000)

  it('sends 300 clients away with 3001, spread over connections ÷ rate, and counts those that are left', async () => {
    const gateway = await gatewayWith({ rate: '150', deadline: '20s' })
    const clients = await clientsOf(gateway, 300)
    const exit = gateway.process.kill('SIGTERM')
    const plan = { connections: 300, windowMs: 2_000, batches: 40 }
    expect(await said(gateway, 'gateway:drain:close')).toMatchObject(plan)
    const seen = new Set<number>()
    await eventually(async () => {
      if (clients.every(({ closed }) => closed !== undefined)) return true
      return void seen.add(await left(gateway))
    }, patient)
    const between = [...seen].filter((count) => count > 0 && count < 300)
    expect(between.length).toBeGreaterThanOrEqual(3)
    expect(between).toEqual(between.toSorted((x, y) => y - x)) // nobody comes back in
    expect(await closesOf(clients)).toEqual(clients.map(() => shutdown))
    expect(await exit).toEqual(clean)
  }, 30_000)

  it('shortens the window where the deadline is nearer, and is gone before it with everybody told', async () => {
    const gateway = await gatewayWith({ rate: '10', deadline: '4s' }) // 20 s at that rate
    const clients = await clientsOf(gateway, 200)
    const exit = gateway.process.kill('SIGTERM')
    const { windowMs } = await said(gateway, 'gateway:drain:close')
    expect(windowMs).toBeGreaterThan(1_000)
    expect(windowMs).toBeLessThan(3_000)
    expect(await closesOf(clients)).toEqual(clients.map(() => shutdown))
    expect(await exit).toEqual(clean) // at the deadline it would be 1
    expect(gateway.process.lines.join('\n')).not.toContain('process:stop:late')
  }, 30_000)

  it.each([
    ['while it still lets clients in', { delay: '10m', deadline: '20m' }, 'gateway:drain:start'],
    ['while it sends them away', { rate: '1', deadline: '20m' }, 'gateway:drain:close'],
  ])(
    'is hurried by a second signal %s: all are told at once, and it ends with 0',
    async (_, drain, when) => {
      const gateway = await gatewayWith(drain)
      const clients = await clientsOf(gateway, 200)
      process.kill(gateway.process.pid, 'SIGTERM')
      await said(gateway, when)
      expect(clients.filter(({ closed }) => closed === undefined).length).toBeGreaterThan(190)
      const exit = gateway.process.kill('SIGTERM')
      expect(await closesOf(clients)).toEqual(clients.map(() => shutdown))
      expect(await exit).toEqual(clean) // the time that a hurried end has is a second
      expect(await said(gateway, 'gateway:drain:done')).toMatchObject({ closed: 200, isHurried: true })
    },
    30_000,
  )

  it('answers what a client has sent before it closes it: a publish in flight gets its acknowledgement first', async () => {
    const gateway = await gatewayWith({ deadline: '20s' })
    const client = await bench.connect(gateway)
    await client.call('publish', { channel: 'kept:a', data: { id: 0 } })
    await bench.nats.kill('SIGSTOP')
    const inFlight = client.start('publish', { channel: 'kept:a', data: { id: 1 } })
    await read(client)
    const exit = gateway.process.kill('SIGTERM')
    await said(gateway, 'gateway:drain:close')
    client.start('publish', { channel: 'kept:a', data: { id: 2 } }) // too late: neither done nor answered
    await bench.nats.kill('SIGCONT')
    expect(await client.close()).toEqual(shutdown)
    expect(client.received.find(({ id }) => id === inFlight)).toEqual({ id: inFlight, publish: {} })
    expect(await exit).toEqual(clean)
    const broker = await bench.open()
    const { messages } = await broker.log.state(broker.streams[0] ?? '')
    expect(messages).toBe(3) // the stream's own first one, and two
  }, 30_000)

  it('does not wait for a NATS that hangs: its clients are told, as many as had no answer are counted, and it ends in time', async () => {
    const gateway = await gatewayWith({ deadline: '6s' })
    const clients = await clientsOf(gateway, 20)
    await bench.nats.kill('SIGSTOP')
    const busy = clients.slice(0, 5)
    for (const client of busy) client.start('publish', { channel: 'kept:a', data: { id: 1 } })
    await Promise.all(busy.map((client) => read(client)))
    const exit = gateway.process.kill('SIGTERM')
    expect(await closesOf(clients)).toEqual(clients.map(() => shutdown))
    expect(await exit).toEqual(clean)
    expect(await said(gateway, 'gateway:drain:done')).toMatchObject({ closed: 20, unanswered: 5 })
    await bench.nats.kill('SIGCONT')
  }, 30_000)

  it('lets its members leave one by one as they are closed, while the others of the room stay and hear of it', async () => {
    const going = await gatewayWith({ rate: '10', deadline: '20s' })
    const staying = await gatewayWith({})
    const watcher = await bench.connect(staying)
    const members = await clientsOf(going, 20)
    await Promise.all([...members, watcher].map((one) => one.call('subscribe', { channel: 'kept:room' })))
    const present = async (): Promise<number> => {
      const reply = await watcher.call('presence', { channel: 'kept:room' })
      return Object.keys((reply['presence'] as { presence?: object } | undefined)?.presence ?? {}).length
    }
    expect(await present()).toBe(21)
    const exit = going.process.kill('SIGTERM')
    const counts = new Set<number>()
    await eventually(
      async () => {
        const count = await present()
        counts.add(count)
        return count === 1
      },
      { ...patient, intervalMs: 100 },
    )
    expect([...counts].filter((count) => count > 1 && count < 21).length).toBeGreaterThanOrEqual(2)
    await watcher.until(
      () => watcher.pushes('kept:room').filter((push) => push['leave'] !== undefined).length === 20,
      'the leaves',
    )
    expect(await exit).toEqual(clean)
  }, 30_000)

  it('loses nothing of durable channels: readers that go on at another gateway have each publication once, in order', async () => {
    const [going, staying] = [await gatewayWith({ rate: '40', deadline: '20s' }), await gatewayWith({})]
    const readers = 60
    /** As behind a balancer: a new connection goes to whoever still takes it. */
    const sdks: SdkClient[] = await Promise.all(
      Array.from({ length: readers }, async (_unused, n) => {
        let isMoved = false
        const sdk = await connectSdk(going.url, {
          minReconnectDelay: 20,
          maxReconnectDelay: 200,
          websocket: class extends WebSocket {
            constructor(_url: string) {
              super(isMoved ? staying.url : going.url)
              isMoved = true
            }
          },
        })
        bench.atEnd(() => sdk.dispose())
        await sdk.subscribe(`kept:${n % 3}`)
        return sdk
      }),
    )
    const publisher = await bench.connect(staying)
    let published = 0
    const over = new AbortController()
    const publishing = (async () => {
      while (!over.signal.aborted) {
        published += 1
        const data = { id: published }
        await Promise.all([0, 1, 2].map((n) => publisher.call('publish', { channel: `kept:${n}`, data })))
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    })()
    await Promise.all(sdks.map((sdk, n) => sdk.received(`kept:${n % 3}`, 10)))
    expect(await going.process.kill('SIGTERM')).toEqual(clean)
    await Promise.all(sdks.map(({ centrifuge }) => centrifuge.ready(5_000)))
    over.abort()
    await publishing
    const all = Array.from({ length: published }, (_unused, at) => at + 1)
    for (const [n, sdk] of sdks.entries()) {
      const got = await sdk.received(`kept:${n % 3}`, published)
      expect(got.map(({ data }) => (data as { id: number }).id)).toEqual(all) // each was subscribed before the first
    }
    expect(await staying.metric('natter_gateway_connections{')).toBe(readers + 1)
  }, 60_000)

  it('refuses settings under which it would have ended before it began', async () => {
    const { process } = await startGateway(bench, { env: { NATTER_DRAIN_DELAY: '5s' } })
    expect((await process.exited).code).toBe(78)
    const text = process.lines.join('\n')
    for (const part of ['drain.delay', 'NATTER_DRAIN_DELAY', 'must be shorter than drain.deadline'])
      expect(text).toContain(part)
  })
})
