/** Revocations that a gateway could not hear of when they were made: none of them may be late by a single command. */
import { describe, expect, it } from '@jest/globals'
import { MemoryBroker, type RecordsListener } from '@natter/broker'
import { ApiClient } from '@natter/hooks'
import { Disconnects } from '@natter/protocol'
import { TcpProxy } from '@natter/testing'
import { memoryBench, natsBench } from './bench.js'
import { dialects, type Dialect } from './dialect.js'
import type { Hooks } from '../src/hooks/hooks.js'
import { FakeApp, held } from './fake-app.js'
import { RawClient, startNode, type TestNode } from './harness.js'
import { secret, tokenOf } from './wire-bench.js'

describe('a gateway that was cut off', () => {
  const bench = natsBench()

  const openProxy = async (): Promise<TcpProxy> => {
    const proxy = await TcpProxy.start({ port: bench.nats.port })
    bench.atEnd(() => proxy.stop())
    return proxy
  }
  const openApi = async (): Promise<ApiClient> => {
    const api = new ApiClient({ broker: await bench.open() })
    api.start()
    bench.atEnd(() => api.stop())
    return api
  }
  const opening = async ({ url }: TestNode, sub: string, dialect: Dialect): Promise<RawClient> => {
    const client = await bench.keep(RawClient.open(url, { dialect }))
    client.start('connect', { token: await tokenOf({ sub }) })
    return client
  }
  const enter = async (node: TestNode, sub: string, dialect: Dialect): Promise<RawClient> => {
    const client = await opening(node, sub, dialect)
    expect(await client.reply(1)).toHaveProperty('connect')
    return client
  }
  const told = (node: TestNode, event: 'broker:disconnect' | 'broker:reconnect'): Promise<unknown> =>
    new Promise((resolve) => {
      const stop = node.broker.events.on(event, (fact) => (stop(), resolve(fact)))
    })

  it('[19.7] begins no command of who was blocked meanwhile; all others wait for as long as it reads, and go on', async () => {
    const proxy = await openProxy()
    const app = new FakeApp({ 'rpc do': ({ data = Buffer.from('0') }) => ({ data }) })
    const overrides = { secret, hooks: app }
    const node = await bench.start(overrides, { urls: [`nats://127.0.0.1:${proxy.port}`] })
    await bench.start({ secret })
    const api = await openApi()
    const blocked = await Promise.all(dialects.map((dialect) => enter(node, 'ana', dialect)))
    const others = await Promise.all(dialects.map((dialect) => enter(node, 'bo', dialect)))
    for (const client of [...blocked, ...others]) await client.call('subscribe', { channel: 'tagged:a' }) // open here, so that a publish could go at once

    const away = told(node, 'broker:disconnect')
    proxy.refuse()
    proxy.cut()
    await away
    await api.blockUser('ana', { expiresAtMs: Date.now() + 3_600_000 })
    for (const client of blocked)
      // it goes on by what it knows (RN3)
      expect(await client.call('rpc', { method: 'do', data: 1 })).toHaveProperty('rpc')

    let [hasHealed, isRead] = [false, false]
    const early: string[] = []
    app.answers['rpc do'] = ({ caller }) => {
      if (hasHealed && (caller.user === 'ana' || !isRead)) early.push(caller.user)
      return { data: Buffer.from('1') }
    }
    node.broker.events.on('broker:reconnect', () => (hasHealed = true))
    node.gateway.events.on('revocations:read', () => (isRead = true))
    const flood = setInterval(() => {
      for (const client of [...blocked, ...others]) {
        if (client.closed !== undefined) continue
        client.start('rpc', { method: 'do', data: 1 })
        client.start('publish', { channel: 'tagged:a', data: client === blocked[0] ? 'ana' : 'bo' })
      }
    }, 5)
    bench.atEnd(() => clearInterval(flood))
    const back = told(node, 'broker:reconnect')
    proxy.delayMs = 30 // each question to NATS takes that long, both ways
    proxy.refuse(false)
    await back
    expect(node.gateway.revocations.isComplete).toBe(false)
    const newcomers = await Promise.all(dialects.map((dialect) => opening(node, 'ana', dialect)))
    for (const client of [...blocked, ...newcomers])
      expect(await client.close()).toEqual(Disconnects.permissionDenied)
    clearInterval(flood)
    proxy.delayMs = 0
    expect([hasHealed, isRead]).toEqual([true, true])
    expect(early).toEqual([])
    for (const client of newcomers) expect(client.received).toEqual([])
    for (const client of others) {
      expect(await client.call('rpc', { method: 'do', data: 1 })).toHaveProperty('rpc')
      expect(client.closed).toBeUndefined()
      const published = client.publications('tagged:a').map(({ data }) => data as string)
      expect(published).not.toContain('ana')
    }
  }, 15_000)

  it('[19.7] knows what was lifted meanwhile, too', async () => {
    const proxy = await openProxy()
    const node = await bench.start({ secret }, { urls: [`nats://127.0.0.1:${proxy.port}`] })
    await bench.start({ secret })
    const api = await openApi()
    await api.blockUser('ana')
    await api.revokeToken('stays')
    expect((await (await opening(node, 'ana', dialects[0]!)).close()).code).toBe(3507)
    const away = told(node, 'broker:disconnect')
    proxy.refuse()
    proxy.cut()
    await away
    await api.unblockUser('ana')
    const read = new Promise<{ records: number }>((resolve) =>
      node.gateway.events.on('revocations:read', resolve),
    )
    proxy.refuse(false)
    expect((await read).records).toBe(1)
    await enter(node, 'ana', dialects[0]!)
  })
})

describe('a gateway that can’t read them again', () => {
  const bench = memoryBench()

  it('[19.7] answers commands with 100 within 4 s, lets nobody in, and goes on when it can', async () => {
    let listener: RecordsListener | undefined
    const follow = (next: RecordsListener): { stop(): void } => {
      listener = next
      queueMicrotask(() => {
        next.begin()
        next.caughtUp()
      })
      return { stop: () => {} }
    }
    const node = await startWith(follow)
    const clients = await Promise.all(
      dialects.map((dialect) => bench.keep(RawClient.connect(node.url, {}, dialect))),
    )
    for (const client of clients) await client.call('subscribe', { channel: 'tagged:a' })
    listener?.begin() // the way is back, and then nothing comes
    const sentAtMs = performance.now()
    const asked = clients.map((client) => client.call('publish', { channel: 'tagged:a', data: 1 }))
    const late = await Promise.all(
      dialects.map((dialect) => bench.keep(RawClient.open(node.url, { dialect }))),
    )
    for (const client of late) client.start('connect', {})
    for (const reply of await Promise.all(asked))
      expect(reply['error']).toMatchObject({ code: 100, temporary: true })
    expect(performance.now() - sentAtMs).toBeLessThan(5_000) // when SDKs give up
    for (const client of late) expect((await client.reply(1))['error'].code).toBe(100)
    for (const client of clients)
      // no waiting any more
      expect((await client.call('presence', { channel: 'tagged:a' }))['error'].code).toBe(100)
    for (const client of clients)
      // an SDK that may not leave ends the connection
      expect(await client.call('unsubscribe', { channel: 'tagged:a' })).toHaveProperty('unsubscribe')
    listener?.caughtUp()
    for (const client of clients)
      expect(await client.call('publish', { channel: 'tagged:a', data: 1 })).toHaveProperty('publish')
  }, 10_000)

  it('[19.7] does not store what an app has allowed meanwhile, nor lets in who it believes: both wait or are put off', async () => {
    const [publish, connect] = [held<object>(), held<{ user: string }>()]
    let listener: RecordsListener | undefined
    const app = new FakeApp({
      'publish room': () => publish.answer,
      connect: ({ token }) => (token === 'late' ? connect.answer : { user: 'bo' }),
    })
    const node = await startWith((next) => {
      listener = next
      queueMicrotask(() => (next.begin(), next.caughtUp()))
      return { stop: () => {} }
    }, app)
    const client = await bench.keep(RawClient.open(node.url))
    await client.call('connect', {})
    const id = client.start('publish', { channel: 'room:a', data: 1 })
    const late = await bench.keep(RawClient.open(node.url))
    late.start('connect', { token: 'late' })
    while (app.asked.length < 3) await new Promise(setImmediate)
    listener?.begin()
    publish.give({})
    connect.give({ user: 'bo' })
    expect((await client.reply(id))['error']).toMatchObject({ code: 100, temporary: true })
    expect(late.received).toEqual([])
    listener?.caughtUp()
    expect(await late.reply(1)).toHaveProperty('connect')
    const { history } = await client.call('history', { channel: 'room:a', limit: 10 })
    expect(history.publications).toEqual([])
  })

  it('[19.7] puts off what waited for an app: a subscribe, what waited for that, and who is in a channel', async () => {
    const [subscribe, presence] = [held<object>(), held<Record<string, never>>()]
    let listener: RecordsListener | undefined
    const app = new FakeApp({
      'subscribe room': () => subscribe.answer,
      'presence tagged': () => presence.answer,
    })
    const node = await startWith((next) => {
      listener = next
      queueMicrotask(() => (next.begin(), next.caughtUp()))
      return { stop: () => {} }
    }, app)
    const client = await bench.keep(RawClient.connect(node.url))
    const data = { channel: 'room:a', data: 1, key: 'k' }
    const ids = [
      client.start('subscribe', { channel: 'room:a' }),
      client.start('rpc', { method: 'natter.publish', data }),
      client.start('presence', { channel: 'tagged:a' }),
    ]
    while (app.asked.length < 2) await new Promise(setImmediate)
    listener?.begin()
    subscribe.give({})
    presence.give({})
    for (const id of ids)
      expect((await client.reply(id))['error']).toMatchObject({ code: 100, temporary: true })
    listener?.caughtUp()
    const { history } = await client.call('history', { channel: 'room:a', limit: 10 })
    expect(history.publications).toEqual([])
  })

  async function startWith(
    follow: (listener: RecordsListener) => { stop(): void },
    hooks?: Hooks,
  ): Promise<TestNode> {
    const broker = new MemoryBroker(bench.mesh)
    Object.assign(broker.revocations, { follow })
    const node = await startNode(broker, hooks === undefined ? {} : { hooks })
    bench.atEnd(() => node.stop())
    return node
  }
})
