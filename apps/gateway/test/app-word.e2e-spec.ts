import { describe, expect, it } from '@jest/globals'
import type { ConnectDecision, HookDecisions } from '@natter/hooks'
import { memoryBench } from './bench.js'
import { FakeApp, held, type Answers } from './fake-app.js'
import { RawClient, type NodeOverrides, type TestNode } from './harness.js'

describe('the word of an app', () => {
  const bench = memoryBench()

  const start = async (
    answers: Answers,
    { events = [], ...overrides }: NodeOverrides & { events?: string[] } = {},
  ) => {
    const app = new FakeApp(answers, events)
    return { app, node: await bench.start({ hooks: app, ...overrides }) }
  }

  const connected = async (node: TestNode): Promise<RawClient> => {
    const client = await bench.keep(RawClient.open(node.url))
    await client.call('connect', {})
    return client
  }

  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  const until = async (isTrue: () => boolean): Promise<void> => {
    while (!isTrue()) await turn()
  }

  it('is needed where the configuration says so, also while no app claims it: anonymous clients don’t slip in', async () => {
    const { node } = await start({}, { client: { connectByApp: true, allowAnonymous: true } })
    const client = await bench.keep(RawClient.open(node.url))
    expect((await client.call('connect', {}))['error']).toMatchObject({ code: 100 })
    expect(node.gateway.hub.connectionCount).toBe(0)
  })

  it('of a refresh renews what it says and leaves the rest: capabilities stay, the end goes where none is said', async () => {
    const capabilities: NonNullable<ConnectDecision['capabilities']> = [
      { channels: ['closed:a'], allow: ['publish'] },
    ]
    const renewed: HookDecisions['refresh'] = { metaJson: '2', infoJson: '{"n":2}' }
    const { node, app } = await start({
      connect: () => ({
        user: 'ana',
        capabilities,
        metaJson: '1',
        infoJson: '{"n":1}',
        expiresAtMs: Date.now() + 30,
      }),
      refresh: () => renewed,
      'rpc who': () => ({}),
    })
    const client = await connected(node)
    await until(() => app.of('refresh').length > 0)
    await turn()
    expect((await client.call('publish', { channel: 'closed:a', data: 1 }))['publish']).toEqual({})
    await client.call('rpc', { method: 'who' })
    expect(app.of('rpc')[0]?.caller).toMatchObject({ user: 'ana', metaJson: '2', infoJson: '{"n":2}' })
    await client.call('subscribe', { channel: 'room:a' })
    const { presence } = await client.call('presence', { channel: 'room:a' })
    expect(Object.values(presence.presence)).toMatchObject([{ user: 'ana', conn_info: { n: 2 } }])
    expect(app.of('refresh')).toHaveLength(1)
  })

  it('about the end of a subscription dies with it: the next one in that channel isn’t ended by it', async () => {
    const ends: (number | undefined)[] = [Date.now() + 60, undefined]
    const { node } = await start({
      'subscribe room': ({ channel }) => {
        const expiresAtMs = channel === 'room:a' ? ends.shift() : Date.now() + 90
        return expiresAtMs === undefined ? {} : { expiresAtMs }
      },
    })
    const client = await connected(node)
    await client.call('subscribe', { channel: 'room:a' })
    await client.call('unsubscribe', { channel: 'room:a' })
    await client.call('subscribe', { channel: 'room:a' })
    await client.call('subscribe', { channel: 'room:later' })
    await client.until(() => client.pushes('room:later').find((push) => 'unsubscribe' in push), 'its end')
    expect(client.pushes('room:a').filter((push) => 'unsubscribe' in push)).toEqual([])
  })

  it('is waited for by publications behind it, also when the app stopped answering meanwhile: nobody overtakes', async () => {
    const { answer, give } = held<object>()
    const { node, app } = await start({ 'publish room': () => answer })
    const client = await connected(node)
    const first = client.start('publish', { channel: 'room:a', data: 1 })
    await until(() => app.of('publish').length === 1)
    delete app.answers['publish room']
    const second = client.start('publish', { channel: 'room:a', data: 2 })
    await client.call('publish', { channel: 'room:b', data: 3 }) // past them both
    give({})
    await Promise.all([first, second].map((id) => client.reply(id)))
    const { history } = await client.call('history', { channel: 'room:a', limit: -1 })
    expect(history.publications.map((one: { data: unknown }) => one.data)).toEqual([1, 2])
  })
})

describe('who an app will hear of', () => {
  const bench = memoryBench()

  /** Holds all that is written down until `give`. */
  const start = async (events: string[], answers: Answers = {}) => {
    const app = new FakeApp(answers, events)
    const node = await bench.start({ hooks: app })
    const { journal } = node.broker
    const append = journal.append.bind(journal)
    const { answer, give } = held<void>()
    bench.atEnd(() => give()) // a node that stops waits for what it writes
    let asked = 0
    journal.append = async (...args) => {
      asked += 1
      await answer
      return append(...args)
    }
    const client = await bench.keep(RawClient.open(node.url))
    return { app, node, client, give, isAsked: () => asked > 0 }
  }

  const until = async (isTrue: () => boolean): Promise<void> => {
    while (!isTrue()) await new Promise((resolve) => setImmediate(resolve))
  }

  it('is told that it is in only once that is written down: a gateway that dies in between would leave it untold', async () => {
    const { client, give, isAsked } = await start(['disconnect'])
    const id = client.start('connect', {})
    await until(isAsked)
    client.socket.ping()
    await new Promise((resolve) => client.socket.once('pong', resolve))
    expect(client.received).toEqual([])
    give()
    expect((await client.reply(id))['connect']).toBeDefined()
  })

  it('is subscribed only once that is written down', async () => {
    const { client, give, isAsked } = await start(['unsubscribe room'])
    await client.call('connect', {})
    const id = client.start('subscribe', { channel: 'room:a' })
    await until(isAsked)
    await client.call('presence', { channel: 'plain' })
    expect(client.received.some((one) => one['id'] === id)).toBe(false)
    give()
    expect((await client.reply(id))['subscribe']).toBeDefined()
  })
})
