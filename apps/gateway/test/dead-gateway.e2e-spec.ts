import { describe, expect, it } from '@jest/globals'
import { createNatsBroker, type Broker } from '@natter/broker'
import { AppInstance, type HookEvent } from '@natter/hooks'
import { natsBench } from './bench.js'
import { runningGateway, type GatewayProcess } from './gateway-process.js'
import type { RawClient } from './harness.js'

describe('who left, as apps hear it from real gateways', () => {
  const bench = natsBench()

  /** An app that wants to hear of everybody; it was there before the gateways. */
  const startApp = async (): Promise<{
    heard: HookEvent[]
    broker: Broker
    until(isTrue: () => boolean): Promise<void>
  }> => {
    const broker = await createNatsBroker({ urls: [bench.nats.url], prefix: 'natter', name: 'app' })
    const heard: HookEvent[] = []
    let look: () => void = () => {}
    const app = new AppInstance({ broker, app: 'chat' })
    await app.start({
      table: {
        connection: [],
        namespaces: {},
        rpc: {},
        events: [
          { kind: 'disconnect', scope: 'group' },
          { kind: 'unsubscribe', scope: 'group', namespace: 'hello' },
        ],
      },
      answer: () => Promise.reject(new Error('nothing is asked')),
      async hear(event) {
        heard.push(event)
        look()
      },
    })
    bench.atEnd(() => app.stop().then(() => broker.close()))
    const until = (isTrue: () => boolean): Promise<void> =>
      new Promise((resolve) => {
        look = () => isTrue() && resolve()
        look()
      })
    return { heard, broker, until }
  }

  const gateway = (name: string): Promise<GatewayProcess> =>
    runningGateway(bench, { env: { NATTER_GATEWAY_NAME: name } })

  /** Connected and subscribed; their ids. */
  const crowd = async (
    at: GatewayProcess,
    count: number,
  ): Promise<{ clients: RawClient[]; ids: string[] }> => {
    const clients = await Promise.all(Array.from({ length: count }, () => bench.connect(at)))
    await Promise.all(clients.map((client) => client.call('subscribe', { channel: 'hello:a' })))
    const ids = clients.map(
      ({ received }) => received.find((one) => one['connect'])?.['connect'].client as string,
    )
    return { clients, ids }
  }

  const of = (heard: readonly HookEvent[], kind: 'disconnect' | 'unsubscribe'): string[] =>
    heard.flatMap((event) => (event.kind === kind ? [event.caller.client] : [])).toSorted()

  it('is everybody of a gateway that was killed, each once, with two left to tell it', async () => {
    const { heard, broker, until } = await startApp()
    const [dying, b, c] = [await gateway('dying'), await gateway('b'), await gateway('c')]
    const gone = await crowd(dying, 40)
    const [early] = gone.clients.splice(0, 1)
    const others = [await crowd(b, 3), await crowd(c, 3)]
    early?.end()
    await until(() => heard.length === 2)
    await dying.process.kill('SIGKILL')
    await until(() => heard.length === 80)
    expect(of(heard, 'disconnect')).toEqual(gone.ids.toSorted())
    expect(of(heard, 'unsubscribe')).toEqual(gone.ids.toSorted())
    expect(new Set(heard.map(({ id }) => id)).size).toBe(80)
    for (const { clients } of others) for (const one of clients) expect(one.closed).toBeUndefined()
    let nodes: (string | undefined)[] = []
    while (nodes.length !== 2) {
      const left = await broker.journal.subjects(broker.subjects.allSessions)
      nodes = left.map((subject) => broker.subjects.sessionsIn(subject)?.node).toSorted()
    }
    expect(nodes).toEqual(['b', 'c']) // what was heard is kept no longer
    expect(heard).toHaveLength(80)
  }, 60_000)

  it('are those too who were in before the app came that wants to hear of them', async () => {
    const [dying] = [await gateway('dying'), await gateway('b')]
    const { ids } = await crowd(dying, 5)
    const { heard, broker, until } = await startApp()
    const entries = async (): Promise<unknown[]> => {
      const [mine] = await broker.journal.subjects(broker.subjects.allSessions)
      const written = mine === undefined ? [] : await broker.journal.read(mine)
      return written.flatMap(({ body }) => JSON.parse(Buffer.from(body).toString()) as unknown[])
    }
    while ((await entries()).length < 10); // each has a connection and a subscription
    await dying.process.kill('SIGKILL')
    await until(() => heard.length === 10)
    expect(of(heard, 'disconnect')).toEqual(ids.toSorted())
    expect(of(heard, 'unsubscribe')).toEqual(ids.toSorted())
  }, 60_000)

  it('is told before a gateway that is stopped leaves, and nothing is left for others to tell', async () => {
    const { heard, broker, until } = await startApp()
    const leaving = await gateway('leaving')
    const { ids } = await crowd(leaving, 10)
    await leaving.process.kill('SIGTERM')
    await until(() => heard.length === 20)
    expect(of(heard, 'disconnect')).toEqual(ids.toSorted())
    const codes = heard.flatMap((event) => (event.kind === 'disconnect' ? [event.code] : []))
    expect(new Set(codes)).toEqual(new Set([3001]))
    expect(await broker.journal.subjects(broker.subjects.allSessions)).toEqual([])
  }, 60_000)

  it('are those of a gateway that was not heard for seconds, and when it is back they are told to come back', async () => {
    const { heard, until } = await startApp()
    const [paused] = [await gateway('paused'), await gateway('b')]
    const { clients, ids } = await crowd(paused, 5)
    void paused.process.kill('SIGSTOP')
    await until(() => heard.length === 10)
    expect(of(heard, 'disconnect')).toEqual(ids.toSorted())
    void paused.process.kill('SIGCONT')
    for (const client of clients) expect((await client.close()).code).toBe(3011)
    const again = await crowd(paused, 1)
    again.clients[0]?.end()
    await until(() => of(heard, 'disconnect').includes(again.ids[0] ?? ''))
    expect(new Set(of(heard, 'disconnect')).size).toBe(of(heard, 'disconnect').length) // what was told twice was heard once
  }, 60_000)
})
