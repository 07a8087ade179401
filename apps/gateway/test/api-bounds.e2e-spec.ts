import { describe, expect, it } from '@jest/globals'
import { MemoryBroker } from '@natter/broker'
import { ApiClient, encodeApiRequest, type ApiRequest } from '@natter/hooks'
import { UnavailableError } from '@natter/primitives'
import { Errors } from '@natter/protocol'
import { memoryBench } from './bench.js'
import { FakeApp } from './fake-app.js'
import { RawClient, type NodeOverrides, type TestNode } from './harness.js'

const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))
const leave = { code: 4501, reason: 'banned' }

describe('the bounds of what apps ask of gateways', () => {
  const bench = memoryBench()

  const start = (overrides: NodeOverrides = {}): Promise<TestNode & { broker: MemoryBroker }> =>
    bench.start({ hooks: new FakeApp({ connect: ({ token }) => ({ user: token ?? '' }) }), ...overrides })

  const openBroker = (): MemoryBroker => {
    const broker = new MemoryBroker(bench.mesh)
    bench.atEnd(() => broker.close())
    return broker
  }

  const openApi = (): ApiClient => {
    const api = new ApiClient({ broker: openBroker() })
    api.start()
    bench.atEnd(() => api.stop())
    return api
  }

  const join = async (node: TestNode, user: string): Promise<[RawClient, string]> => {
    const client = await bench.keep(RawClient.open(node.url))
    const { connect } = await client.call('connect', { token: user })
    return [client, connect.client as string]
  }

  it('a connection is named with its user: under another name it is nobody’s, whoever knows its id', async () => {
    const node = await start()
    const api = openApi()
    const [ana, client] = await join(node, 'ana')
    for (const user of ['ben', '']) {
      expect(await api.request({ kind: 'disconnect', user, client, ...leave })).toEqual({ connections: 0 })
      const subscribe = { kind: 'subscribe', user, client, channel: 'closed:a', options: {} } as const
      expect(await api.request(subscribe)).toEqual({ connections: 0 })
    }
    expect((await ana.call('publish', { channel: 'plain', data: 1 }))['publish']).toEqual({})
    expect(ana.pushes('closed:a')).toEqual([])
  })

  it('a connection has no more channels than it may, whoever subscribes it; and it is not said to be done where one had none left', async () => {
    const node = await start({ client: { maxChannels: 1 } })
    const api = openApi()
    const [full] = await join(node, 'ana')
    const [free] = await join(node, 'ana')
    await full.call('subscribe', { channel: 'plain' })
    await expect(api.subscribe('ana', 'closed:a', {})).rejects.toMatchObject({ code: 'limit-exceeded' })
    await free.until(() => free.pushes('closed:a').length === 1, 'the subscription of the other one')
    expect([full.pushes('closed:a'), node.gateway.hub.subscriptionCount]).toEqual([[], 2])
  })

  it('a subscribe that failed left nothing: the next one is not taken for done already', async () => {
    const hooks = new FakeApp({ connect: () => ({ user: 'ana' }) }, ['unsubscribe closed'])
    const node = await start({ hooks })
    const api = openApi()
    const [ana] = await join(node, 'ana')
    const { journal } = node.broker
    const append = journal.append.bind(journal)
    const away = new UnavailableError('away', 'Not now')
    let isAway = true
    journal.append = (...args) => (isAway ? Promise.reject(away) : append(...args))
    const request = { kind: 'subscribe', user: 'ana', channel: 'closed:a', options: {} } as const
    const { bus, subjects } = openBroker()
    await bus.ask(subjects.apiOfNode(node.name), encodeApiRequest(request), {
      timeoutMs: 6_000, // a gateway gives up before that
      onReply: () => true,
    })
    expect(node.gateway.hub.subscriptionCount).toBe(0)
    isAway = false
    hooks.wants = () => []
    expect(await api.request(request)).toEqual({ connections: 1 })
    await ana.until(() => ana.pushes('closed:a').length === 1, 'the subscription')
  })

  it('a thousand at work, and one more is 111; those that are over make room, however they ended', async () => {
    const [a] = [await start(), await start()]
    const { bus, subjects } = openBroker()
    const ask = async (request: ApiRequest): Promise<string> => {
      let reply = ''
      const onReply = (body: Uint8Array): boolean => {
        reply = Buffer.from(body).toString('utf8')
        return true
      }
      await bus.ask(subjects.apiOfNode(a.name), encodeApiRequest(request), { timeoutMs: 5_000, onReply })
      return reply
    }
    const failed = await Promise.all(Array.from({ length: 900 }, () => ask({ kind: 'dance' } as never)))
    expect(new Set(failed.map((reply) => reply.includes(`"code":${Errors.methodNotFound.code}`)))).toEqual(
      new Set([true]),
    )
    // another node is there, and its answers are lost: each of these waits for it
    bench.mesh.fault = ({ subject }) =>
      subject === bench.mesh.subjects.controlOfAll ? { copies: 0 } : undefined
    const waiting = Array.from({ length: 1_001 }, (_, n) =>
      ask({ kind: 'disconnect', user: `nobody-${n}`, ...leave }),
    )
    const busy = (await Promise.all(waiting)).filter((reply) => reply.includes('"code":111'))
    expect(busy).toEqual([expect.stringContaining('"outcome":"unavailable"')])
    expect(await ask({ kind: 'publish', channel: 'plain', data: bytes(1) } as never)).toContain('"result"')
  })
})
