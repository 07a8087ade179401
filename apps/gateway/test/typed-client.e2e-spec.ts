/** `@natter/client` on real gateways. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import {
  channelName,
  createClient,
  RefusedError,
  UnavailableError,
  type Channel,
  type Client,
  type ClientOptions,
  type ConnectionState,
} from '@natter/client'
import { ClientError } from '@natter/hooks'
import { leakCheck, TcpProxy } from '@natter/testing'
import { WebSocket } from 'ws'
import { memoryBench } from './bench.js'
import { FakeApp } from './fake-app.js'
import type { TestNode } from './harness.js'

interface Said {
  text: string
}

interface Mesh {
  channels: {
    'room::name': Channel<{ publication: Said; member: { name: string } }>
    'capped::name': number
    'closed::name': Said
    'members::name': Said
  }
  rpc: { echo: { request: Said; reply: { echo: Said } }; fails: { reply: never } }
  events: { typing: { room: string } }
}

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))
const quick = { minReconnectDelay: 20, maxReconnectDelay: 100, websocket: WebSocket }

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const values: T[] = []
  for await (const value of source) values.push(value)
  return values
}

async function first<T>(source: AsyncIterable<T>, count: number): Promise<T[]> {
  const values: T[] = []
  for await (const value of source) if (values.push(value) === count) break
  return values
}

const states = (client: Client<Mesh>, wanted: ConnectionState['kind']): Promise<ConnectionState> =>
  new Promise((resolve) => {
    const look = (): void => {
      if (client.state.get().kind !== wanted) return
      leave()
      resolve(client.state.get())
    }
    const leave = client.state.subscribe(look)
    look()
  })

describe('the typed client', () => {
  const bench = memoryBench()
  let clients: Client<Mesh>[] = []
  let noLeaks: () => Promise<void>

  beforeEach(() => {
    noLeaks = leakCheck()
  })

  const open = ({ url }: { url: string }, options: Partial<ClientOptions> = {}): Client<Mesh> => {
    const client = createClient<Mesh>({ url, ...options, sdk: { ...quick, ...options.sdk } })
    clients.push(client)
    bench.atEnd(() => client.close())
    return client
  }

  const start = (): Promise<TestNode> => bench.start()

  afterEach(async () => {
    for (const client of clients) client.close()
    for (const client of clients) expect(client.state.get()).toEqual({ kind: 'closed' })
    clients = []
  })

  it('publishes, and reads what another one on another gateway publishes, until it is closed', async () => {
    const [ana, ben] = [open(await start()), open(await start())]
    const reader = ana.channel('room:a').subscribe()
    await reader.ready()
    const place = await ben.channel('room:a').publish({ text: 'hi' })
    await ben.channel('room:a').publishNow({ text: 'there' })
    const read = await first(reader, 2)
    expect(read.map(({ data, offset }) => [data.text, typeof offset])).toEqual([
      ['hi', 'number'],
      ['there', 'number'],
    ])
    expect(place.position?.offset).toBe(read[0]?.offset)
    expect(read[0]?.publisher?.user).toBe('')
    expect(ana.channel('room:a').state.get().kind).not.toBe('ended')
  })

  it('has one subscription for all who hold a channel, and none when the last has left', async () => {
    const node = await start()
    const client = open(node)
    const channel = client.channel('room:a')
    const heard: string[] = []
    const [one, two] = [
      channel.listen({ onPublication: ({ data }) => heard.push(`one ${data.text}`) }),
      channel.listen({ onPublication: ({ data }) => heard.push(`two ${data.text}`) }),
    ]
    const reader = channel.subscribe()
    await reader.ready()
    expect(Object.keys(client.sdk.subscriptions())).toEqual(['room:a'])
    await channel.publish({ text: '1' })
    one()
    one()
    await channel.publish({ text: '2' })
    await first(reader, 2)
    expect(heard).toEqual(['one 1', 'two 1', 'two 2'])
    expect((await channel.presence()).length).toBe(1)
    two()
    await Promise.resolve()
    expect(client.sdk.subscriptions()).toEqual({})
    expect(channel.state.get()).toEqual({ kind: 'idle' })
    const back = channel.subscribe()
    await back.ready()
    expect((await channel.presence()).length).toBe(1)
  })

  it('pages through history, forwards and backwards, and ends at what was the newest when it began', async () => {
    const client = open(await start())
    const channel = client.channel('room:a')
    for (let n = 0; n < 7; n += 1) await channel.publish({ text: String(n) })
    const texts = async (query: Parameters<typeof channel.history>[0]): Promise<string> =>
      (await all(channel.history(query))).map(({ data }) => data.text).join('')
    expect(await texts({ pageSize: 3 })).toBe('0123456')
    expect(await texts({ pageSize: 3, isReverse: true })).toBe('6543210')
    expect(await texts({ pageSize: 2, limit: 5 })).toBe('01234')
    expect(await texts({ isReverse: true, limit: 2 })).toBe('65')
    const seen: string[] = []
    for await (const { data } of channel.history({ pageSize: 1 })) {
      seen.push(data.text)
      await channel.publish({ text: 'more' })
    }
    expect(seen.join('')).toBe('0123456')
    const { offset, epoch } = await channel.position()
    expect(await all(channel.history({ since: { offset, epoch } }))).toEqual([])
  })

  it('knows who is here, as a value that changes only when they do', async () => {
    const node = await start()
    const [ana, ben] = [open(node), open(node)]
    const { members } = ana.channel('room:a')
    const counts: unknown[] = []
    const told = new Promise<void>((resolve) => {
      const stop = members.subscribe(() => {
        const now = members.get()
        counts.push(now.kind === 'known' ? now.members.length : now.kind)
        if (counts.at(-1) === 1 && counts.includes(2)) resolve(stop())
        if (counts.at(-1) === 2) reader.close()
      })
    })
    const reader = ben.channel('room:a').subscribe()
    await told
    expect(counts.filter((count, index) => counts[index - 1] !== count)).toEqual(counts)
  })

  it('calls rpc and sends events, and says in its own words what went wrong', async () => {
    const app = new FakeApp(
      {
        'rpc echo': ({ data }) => ({ data: encode({ echo: JSON.parse(new TextDecoder().decode(data)) }) }),
        'rpc fails': () => {
          throw new ClientError(1234, 'not today')
        },
      },
      ['message'],
    )
    const client = open(await bench.start({ hooks: app }))
    expect(await client.rpc('echo', { text: 'x' })).toEqual({ echo: { text: 'x' } })
    await client.send('typing', { room: 'a' })
    await expect(client.rpc('fails')).rejects.toMatchObject({
      code: 'app',
      number: 1234,
      message: 'not today',
    })
    expect(app.told.map((event) => ('data' in event ? new TextDecoder().decode(event.data) : ''))).toEqual([
      '{"event":"typing","data":{"room":"a"}}',
    ])
    const refused = await client
      .channel('closed:a')
      .publish({ text: '' })
      .catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(RefusedError)
    expect(refused).toMatchObject({ code: 'permission-denied', number: 103, isTemporary: false })
  })

  it('publishes as a subscriber also right after a reconnect, and what it was given, not what became of it meanwhile', async () => {
    const node = await start()
    const proxy = await TcpProxy.start({ port: Number(new URL(node.url).port) })
    bench.atEnd(() => proxy.stop())
    const client = open({ url: `ws://127.0.0.1:${proxy.port}` })
    const channel = client.channel('members:a')
    const reader = channel.subscribe()
    await reader.ready()
    proxy.cut()
    await states(client, 'connecting')
    const said = { text: 'as it was' }
    const published = channel.publish(said)
    said.text = 'changed'
    await published
    expect((await first(reader, 1))[0]?.data).toEqual({ text: 'as it was' })
    const cycle: Said & { self?: unknown } = { text: 'x' }
    cycle.self = cycle
    await expect(channel.publish(cycle)).rejects.toMatchObject({ code: 'not-json' })
    await client.flushed()
  })

  it('says that nothing was asked where there is no connection: such a call may be made again', async () => {
    const client = open({ url: 'http://127.0.0.1:1' }, { sdk: { timeout: 30 } })
    const channel = client.channel('room:a')
    const calls = [
      client.rpc('echo', { text: 'x' }),
      client.send('typing', { room: 'a' }),
      channel.publishNow({ text: 'x' }),
      channel.presence(),
      all(channel.history()),
    ]
    const reasons = (await Promise.allSettled(calls)).map(
      (one) => (one.status === 'rejected' ? one.reason : one) as unknown,
    )
    expect(reasons).toEqual(calls.map(() => expect.objectContaining({ code: 'not-connected' })))
  })

  it('ends a reader with the reason where the server says no', async () => {
    const client = open(await start())
    const channel = client.channel(channelName('closed::name', { name: 'a' }))
    const told: number[] = []
    const stop = channel.listen({ onEnd: ({ number }) => told.push(number) })
    const reader = channel.subscribe()
    await expect(reader.ready()).rejects.toMatchObject({ number: 103 })
    await expect(all(reader)).rejects.toBeInstanceOf(RefusedError)
    expect(channel.state.get()).toMatchObject({ kind: 'ended', error: { number: 103 } })
    expect(told).toEqual([103])
    stop()
  })

  it('tells its connection, comes back by itself, and shows a gap where nothing proves that nothing was missed', async () => {
    const node = await start()
    const proxy = await TcpProxy.start({ port: Number(new URL(node.url).port) })
    bench.atEnd(() => proxy.stop())
    const client = open({ url: `ws://127.0.0.1:${proxy.port}` })
    const seen: string[] = []
    client.state.subscribe(() => seen.push(client.state.get().kind))
    const gaps: unknown[] = []
    const kept = client.channel('room:a').subscribe({ onGap: (gap) => gaps.push(['kept', gap.reason]) })
    const passing = client
      .channel('members:a')
      .subscribe({ onGap: (gap) => gaps.push(['passing', gap.reason]) })
    await Promise.all([kept.ready(), passing.ready()])
    proxy.cut()
    await states(client, 'connecting')
    await states(client, 'connected')
    await kept.ready()
    await passing.ready()
    const other = open(node)
    await other.channel('room:a').publish({ text: 'after' })
    expect((await first(kept, 1))[0]).not.toHaveProperty('gap')
    expect(gaps).toEqual([['passing', 'not-recovered']])
    expect(seen.slice(-3)).toEqual(['connected', 'connecting', 'connected'])
  })

  it('leaves nothing running when it is closed: no socket, no timer, and everybody is told', async () => {
    const node = await start()
    const client = open(node)
    await client.ready()
    const reader = client.channel('room:a').subscribe()
    await reader.ready()
    const stop = client.channel('room:a').members.subscribe(() => {})
    const read = all(reader)
    client.disconnect()
    const waiting = client.channel('room:a').publish({ text: 'late' })
    client.close()
    client.close()
    expect(await read).toEqual([])
    await expect(waiting).rejects.toMatchObject({ code: 'client-closed' })
    expect(() => client.channel('room:a').subscribe()).toThrow(UnavailableError)
    stop() // the rest is seen when the test is through: handles are counted
  })

  it('is told in time when the server ends the connection for good, and may connect again', async () => {
    const node = await bench.start({ secret: 'secret' })
    const client = open(node, { token: 'no token' })
    const waiting = client.channel('room:a').publish({ text: 'x' })
    expect(await states(client, 'disconnected')).toMatchObject({ code: 3500 })
    await expect(waiting).rejects.toMatchObject({ code: 'connection-ended' })
    client.sdk.setToken('')
    client.connect()
    await client.ready()
    await client.channel('room:a').publish({ text: 'again' })
  })

  it.each(['websocket', 'http_stream'] as const)(
    'connects by %s to a gateway that it is given the address of',
    async (transport) => {
      const node = await start()
      const url = `http://${new URL(node.url).host}`
      const client = open({ url }, { transports: [transport] })
      expect(await states(client, 'connected')).toMatchObject({ transport })
      await client.channel('room:a').publish({ text: 'x' })
    },
  )

  afterEach(() => noLeaks())
})
