/** The processing rules and the commands of docs/protocol.md, on real sockets and a real NATS. */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { dialects } from './dialect.js'
import { FakeApp, held, type Answers } from './fake-app.js'
import type { Incoming, NodeOverrides, RawClient, TestNode } from './harness.js'
import { secret, tokenOf, wireBench } from './wire-bench.js'

const channelMethods = [
  'subscribe',
  'unsubscribe',
  'publish',
  'presence',
  'presence_stats',
  'history',
  'sub_refresh',
]
const methods = [...channelMethods, 'rpc', 'refresh']

describe.each(dialects)('commands, for clients that speak $name', (dialect) => {
  const { start, open, connect, api } = wireBench(dialect)
  /** Between two commands of one message. */
  const separator = Buffer.from(dialect.name === 'json' ? '\n' : '')
  let channels = 0

  /** One that no other test has published into. */
  const fresh = (namespace: string): string => {
    channels += 1
    return namespace === '' ? `own-${channels}` : `${namespace}:own-${channels}`
  }

  const startWith = (answers: Answers, overrides: NodeOverrides = {}): Promise<TestNode> =>
    start({ hooks: new FakeApp(answers), ...overrides })

  const code = (reply: Incoming): unknown => reply['error']?.code

  /** The place of what answers a command in all that came. */
  const placeOf = (client: RawClient, id: number): number =>
    client.received.findIndex((one) => one['id'] === id)

  describe('[2] frames', () => {
    const good = { id: 2, publish: { channel: 'room:never', data: 1 } }
    const whole = Buffer.from(dialect.encode([good]))
    const isBinary = dialect.name === 'protobuf'

    it.each([
      ['[2.1] [2.9] of the other kind', whole, !isBinary],
      ['[2.1] [2.9] without anything in it', Buffer.alloc(0), isBinary],
      [
        '[2.1] [2.9] that ends in the middle of a command',
        Buffer.concat([whole, separator, whole.subarray(0, -3)]),
        isBinary,
      ],
      [
        '[2.1] [2.12] that is no command behind one that is',
        Buffer.concat([whole, separator, Buffer.from([3, 0x07, 1, 1])]),
        isBinary,
      ],
    ])('%s: 3501, and nothing of that message is handled', async (_, message, binary) => {
      const node = await start()
      const client = await connect(node)
      client.socket.send(message, { binary })
      expect((await client.close()).code).toBe(3501)
      const { history } = await (await connect(node)).call('history', { channel: 'room:never', limit: 1 })
      expect(history.publications).toEqual([])
    })
  })

  describe('[3] in their order', () => {
    it('[3.1] publications of one message are stored in the order in which they stand there', async () => {
      const channel = fresh('room')
      const client = await connect(await start())
      const numbers = Array.from({ length: 200 }, (_, n) => n)
      client.send(...numbers.map((n) => ({ id: n + 10, publish: { channel, data: n } })))
      await Promise.all(numbers.map((n) => client.reply(n + 10)))
      const { history } = await client.call('history', { channel, limit: -1 })
      expect(history.publications.map((one: Incoming) => one['data'])).toEqual(numbers)
    })

    it('[3.1] a command that waits holds up no other: replies find their command by its id', async () => {
      const slow = held<object>()
      const client = await connect(await startWith({ 'rpc slow': () => slow.answer, 'rpc fast': () => ({}) }))
      client.send({ id: 11, rpc: { method: 'slow' } }, { id: 12, rpc: { method: 'fast' } })
      await client.reply(12)
      expect(placeOf(client, 11)).toBe(-1)
      slow.give({})
      expect((await client.reply(11))['rpc']).toEqual({})
    })

    it('[3.1] what stands behind a subscribe sees it: presence counts the client, and rights of subscribers are its own', async () => {
      const channel = fresh('insiders')
      const client = await connect(await start())
      const asked = ['presence_stats', 'presence', 'history']
      for (const method of asked) expect(code(await client.call(method, { channel }))).toBe(103)
      const ids = ['subscribe', ...asked].map((method) => client.start(method, { channel }))
      const [, stats, presence, history] = await Promise.all(ids.map((id) => client.reply(id)))
      expect(stats?.['presence_stats']).toEqual({ num_clients: 1, num_users: 1 })
      expect(Object.keys(presence?.['presence'].presence as object)).toHaveLength(1)
      expect(history?.['history']).toBeDefined()
    })

    it('[3.2] a subscribe that came with the connect waits for an app that thinks about the connect', async () => {
      const door = held<{ user: string }>()
      const client = await open(await startWith({ connect: () => door.answer }))
      const channel = fresh('room')
      client.send(
        { id: 1, connect: {} },
        { id: 2, subscribe: { channel } },
        { id: 3, publish: { channel, data: 1 } },
      )
      door.give({ user: 'ana' })
      await client.until(() => client.publications(channel)[0], 'the publication')
      await client.reply(3)
      const order = client.received.flatMap(({ id }) => (id === undefined ? [] : [id as number]))
      expect(order).toEqual([1, 2, 3])
      expect(client.publications(channel)[0]?.['info'].user).toBe('ana')
    })

    it.each([
      ...methods.map((method): [string, object] => [
        method,
        { id: 1, [method]: { channel: 'room:a', token: 't' } },
      ]),
      ['send', { send: { data: 1 } }],
      ['the answer to a ping', {}],
    ])('[3.3] %s before connect is 3501', async (_, command) => {
      const client = await open(await start())
      client.send(command)
      expect((await client.close()).code).toBe(3501)
    })

    it.each([
      ['a second connect', { id: 2, connect: {} }],
      ['the answer to a ping', {}],
    ])('[3.3] %s while an app thinks about the first is 3501', async (_, command) => {
      const door = held<{ user: string }>()
      const client = await open(await startWith({ connect: () => door.answer }))
      client.send({ id: 1, connect: {} }, command)
      expect((await client.close()).code).toBe(3501)
      door.give({ user: 'late' })
    })

    it('[3.4] a second answer to the same ping is 3501, the first is not', async () => {
      const client = await connect(await start({ client: { pingIntervalMs: 250, pongTimeoutMs: 200 } }))
      await client.until(() => client.received.some((one) => Object.keys(one).length === 0), 'a ping')
      client.send({}, { id: 7, rpc: {} })
      expect(code(await client.reply(7))).toBe(108)
      client.send({})
      expect((await client.close()).code).toBe(3501)
    })

    it.each([
      ['a ping as a command', { id: 5, ping: {} }],
      ['an id alone', { id: 5 }],
      ['a request that nobody knows', { id: 5, dance: {} }],
    ])('[3.5] %s is 3501', async (_, command) => {
      const client = await connect(await start())
      client.send(command)
      expect((await client.close()).code).toBe(3501)
    })

    it('[3.5] of several requests in a command the first of the fixed order is taken, the others are not', async () => {
      const channel = fresh('room')
      const client = await connect(await start())
      client.send({ id: 5, rpc: {}, publish: { channel, data: 1 }, subscribe: { channel } })
      expect((await client.reply(5))['subscribe']).toBeDefined()
      const { history } = await client.call('history', { channel, limit: 1 })
      expect(history.publications).toEqual([])
    })

    it.each(channelMethods)('[3.6] %s without a channel is 3501', async (method) => {
      const client = await connect(await start())
      client.send({ id: 2, [method]: {} })
      expect((await client.close()).code).toBe(3501)
    })

    it('[3.7] an error leaves the connection as it was', async () => {
      const channel = fresh('')
      const client = await connect(await start())
      await client.call('subscribe', { channel })
      for (const request of [{ channel }, { channel: 'nowhere:a' }, { channel: 'closed:a' }])
        expect((await client.call('subscribe', request))['error']).toBeDefined()
      await client.call('publish', { channel, data: 1 })
      await client.until(() => client.publications(channel)[0], 'the publication')
    })

    it.each(['room', ''])(
      '[3.9] beside somebody who publishes (in %j), nothing of a channel comes before the reply to subscribe or after that to unsubscribe',
      async (namespace) => {
        const channel = fresh(namespace)
        const node = await start()
        const [reader, writer] = [await connect(node), await connect(node)]
        const over = new AbortController()
        const writing = (async () => {
          while (!over.signal.aborted) await writer.call('publish', { channel, data: 1 })
        })()
        const spans: [number, number][] = []
        for (let round = 0; round < 15; round += 1) {
          const subscribe = reader.start('subscribe', { channel })
          await reader.reply(subscribe)
          const had = reader.publications(channel).length
          await reader.until(() => reader.publications(channel).length > had, 'a publication')
          const unsubscribe = reader.start('unsubscribe', { channel })
          await reader.reply(unsubscribe)
          spans.push([placeOf(reader, subscribe), placeOf(reader, unsubscribe)])
        }
        over.abort()
        await writing
        const strays = reader.received.filter(
          ({ push }, place) =>
            push?.channel === channel && !spans.some(([from, to]) => from < place && place < to),
        )
        expect(strays).toEqual([])
      },
    )

    it('[3.10] an unsubscribe behind a subscribe that an app thinks about is answered after it, and wins', async () => {
      const word = held<object>()
      const channel = fresh('room')
      const client = await connect(await startWith({ 'subscribe room': () => word.answer }))
      client.send({ id: 11, subscribe: { channel } }, { id: 12, unsubscribe: { channel } })
      expect(code(await client.call('rpc', {}))).toBe(108)
      expect([placeOf(client, 11), placeOf(client, 12)]).toEqual([-1, -1])
      word.give({})
      expect((await client.reply(12))['unsubscribe']).toEqual({})
      expect(placeOf(client, 11)).toBeLessThan(placeOf(client, 12))
      await client.call('publish', { channel, data: 1 })
      await client.call('rpc', {})
      expect(client.publications(channel)).toEqual([])
    })

    it.each(['room', ''])(
      '[3.10] however often a channel (in %j) is subscribed and left in one breath, the last word counts',
      async (namespace) => {
        const node = await start()
        const client = await connect(node)
        await fc.assert(
          fc.asyncProperty(fc.array(fc.boolean(), { minLength: 2, maxLength: 8 }), async (words) => {
            const channel = fresh(namespace)
            const ids = words.map((isIn) => client.start(isIn ? 'subscribe' : 'unsubscribe', { channel }))
            for (const id of ids) await client.reply(id)
            const isIn = words.at(-1) === true
            const again = words.map((word, index) => word && words[index - 1] === true)
            expect(ids.map((id) => code(client.received[placeOf(client, id)] as Incoming))).toEqual(
              again.map((isAgain) => (isAgain ? 105 : undefined)),
            )
            expect(node.gateway.hub.subscriberCount(channel)).toBe(isIn ? 1 : 0)
            await client.call('publish', { channel, data: 1 })
            if (isIn) await client.until(() => client.publications(channel)[0], 'the publication')
            else expect(client.publications(channel)).toEqual([])
            await client.call('unsubscribe', { channel })
          }),
          { numRuns: 40, examples: [[[true, false, true, false]], [[true, false, true, false, true]]] },
        )
      },
    )
  })

  describe('[4] connect', () => {
    it('[4.6] tells what an SDK needs, and of an end only where the client itself has to renew', async () => {
      const node = await start({ secret })
      const always = { client: expect.any(String), version: 'test', ping: 25, pong: true }
      expect((await (await open(node)).call('connect', {}))['connect']).toEqual(always)
      const endless = await tokenOf({ sub: 'ana' })
      expect((await (await open(node)).call('connect', { token: endless }))['connect']).toEqual(always)
      const token = await tokenOf({ sub: 'ana', exp: Math.floor(Date.now() / 1_000) + 100 })
      const { connect: result } = await (await open(node)).call('connect', { token })
      expect(result).toEqual({ ...always, expires: true, ttl: expect.any(Number) })
    })
  })

  describe('[9] what they answer', () => {
    it('[9.6] unsubscribe says yes where there is nothing to leave, and tells the others where there is', async () => {
      const channel = fresh('joins')
      const node = await start()
      const [ana, ben] = [await connect(node), await connect(node)]
      expect(await ana.call('unsubscribe', { channel })).toEqual({ id: expect.any(Number), unsubscribe: {} })
      await ben.call('subscribe', { channel })
      await ana.call('subscribe', { channel })
      await ana.call('unsubscribe', { channel })
      const leave = await ben.until(
        () => ben.pushes(channel).find((push) => push['leave'] !== undefined),
        'the leave',
      )
      expect(leave).toEqual({ channel, leave: { info: { user: '', client: expect.any(String) } } })
    })

    it('[9.2] a publication tells who published it, and comes to its publisher as well', async () => {
      const channel = fresh('room')
      const node = await start({ secret })
      const client = await connect(node, { token: await tokenOf({ sub: 'ana', info: { n: 1 } }) })
      await client.call('subscribe', { channel })
      await client.call('publish', { channel, data: { a: 1 } })
      const [publication] = await client.until(
        () => client.publications(channel).length > 0 && client.publications(channel),
        'the publication',
      )
      expect(publication?.['info']).toEqual({
        user: 'ana',
        client: expect.any(String),
        conn_info: { n: 1 },
      })
    })

    it('[9.8] [9.9] presence names each client with its infos; its numbers count all anonymous clients as one user', async () => {
      const channel = fresh('room')
      const node = await start({ secret })
      const clients = [
        await connect(node),
        await connect(node),
        await connect(node, { token: await tokenOf({ sub: 'ana', info: 'A' }) }),
        await connect(node, { token: await tokenOf({ sub: 'ana' }) }),
      ]
      for (const client of clients) await client.call('subscribe', { channel })
      const asker = await connect(node)
      const { presence } = (await asker.call('presence', { channel }))['presence']
      const infos = Object.values(presence as Record<string, Incoming>)
      expect(infos.map(({ user, conn_info }) => [user, conn_info ?? '']).toSorted()).toEqual([
        ['', ''],
        ['', ''],
        ['ana', ''],
        ['ana', 'A'],
      ])
      for (const [client, info] of Object.entries(presence as Record<string, Incoming>))
        expect(info['client']).toBe(client)
      expect((await asker.call('presence_stats', { channel }))['presence_stats']).toEqual({
        num_clients: 4,
        num_users: 2,
      })
      const empty = { channel: fresh('room') }
      expect((await asker.call('presence', empty))['presence']).toEqual({ presence: {} })
      expect((await asker.call('presence_stats', empty))['presence_stats']).toEqual({
        num_clients: 0,
        num_users: 0,
      })
    })

    it('[9.16] who has left is in no presence that is asked for after it, on another gateway either', async () => {
      const channel = fresh('room')
      const [one, two] = [await start(), await start()]
      const [ana, ben] = [await connect(one), await connect(two)]
      const count = async (): Promise<number> =>
        (await ben.call('presence_stats', { channel }))['presence_stats'].num_clients as number
      for (let round = 0; round < 10; round += 1) {
        await ana.call('subscribe', { channel })
        expect(await count()).toBe(1)
        await ana.call('unsubscribe', { channel })
        expect(await count()).toBe(0)
      }
      await ana.call('subscribe', { channel })
      const closed = new Promise((resolve) => one.gateway.events.on('connection:close', resolve))
      ana.end()
      await closed
      expect(await count()).toBe(0)
    })

    it('[9.13] refresh tells how long the new token lasts, and no end where it has none', async () => {
      const exp = Math.floor(Date.now() / 1_000) + 100
      const client = await connect(await start({ secret }), { token: await tokenOf({ sub: 'ana', exp }) })
      const always = { client: expect.any(String), version: 'test' }
      const longer = await tokenOf({ sub: 'ana', exp: exp + 1_000 })
      const { refresh } = await client.call('refresh', { token: longer })
      expect(refresh).toEqual({ ...always, expires: true, ttl: expect.any(Number) })
      expect(refresh.ttl).toBeGreaterThan(1_000)
      const endless = await tokenOf({ sub: 'ana' })
      expect((await client.call('refresh', { token: endless }))['refresh']).toEqual(always)
    })

    it('[9.14] sub_refresh is 103 where nothing is subscribed, 107 without a token, and 108 as long as no subscription needs it', async () => {
      const channel = fresh('room')
      const client = await connect(await start())
      expect(code(await client.call('sub_refresh', { channel, token: 't' }))).toBe(103)
      await client.call('subscribe', { channel })
      expect(code(await client.call('sub_refresh', { channel }))).toBe(107)
      expect(code(await client.call('sub_refresh', { channel, token: 't' }))).toBe(108)
    })
  })

  describe('[7] [11] subscriptions', () => {
    it('[7.3] was_recovering is said whenever recover was asked, also where nothing is kept', async () => {
      const client = await connect(await start())
      const asked = { recover: true, epoch: 'other', offset: 3 }
      const plain = await client.call('subscribe', { channel: fresh(''), ...asked })
      expect(plain['subscribe']).toEqual({ was_recovering: true })
      const kept = await client.call('subscribe', { channel: fresh('room'), ...asked })
      expect(kept['subscribe']).toEqual({
        was_recovering: true,
        recoverable: true,
        positioned: true,
        epoch: expect.any(String),
        offset: expect.any(Number),
      })
    })

    it('[7.4] an empty epoch means any: with offset 0 all there is, with another all behind that', async () => {
      const channel = fresh('room')
      const node = await start()
      const writer = await connect(node)
      for (const n of [0, 1, 2]) await writer.call('publish', { channel, data: n })
      const recovered = async (request: object): Promise<Incoming[]> => {
        const reply = await (await connect(node)).call('subscribe', { channel, recover: true, ...request })
        expect(reply['subscribe']).toMatchObject({ recovered: true, was_recovering: true })
        return reply['subscribe'].publications as Incoming[]
      }
      const all = await recovered({})
      expect(all.map(({ data }) => data as unknown)).toEqual([0, 1, 2])
      const behind = await recovered({ offset: all[0]?.['offset'] })
      expect(behind.map(({ data }) => data as unknown)).toEqual([1, 2])
    })

    it('[7.4] the position of a history that was read first is one to subscribe from: nothing between the two is lost', async () => {
      const channel = fresh('room')
      const node = await start()
      const [client, writer] = [await connect(node), await connect(node)]
      const { epoch, offset } = (await client.call('history', { channel }))['history']
      expect(epoch).not.toBe('')
      await writer.call('publish', { channel, data: 'between' })
      const { subscribe } = await client.call('subscribe', { channel, recover: true, epoch, offset })
      expect(subscribe).toMatchObject({ recovered: true, publications: [{ data: 'between' }] })
    })

    it('[11.5] a client’s unsubscribe ends what the server subscribed', async () => {
      const channel = fresh('')
      const subscriptions = { [channel]: {} }
      const node = await startWith({ connect: () => ({ user: 'ana', subscriptions }) })
      const client = await connect(node)
      await client.call('publish', { channel, data: 1 })
      await client.until(() => client.publications(channel)[0], 'the publication')
      expect((await client.call('unsubscribe', { channel }))['unsubscribe']).toEqual({})
      await client.call('publish', { channel, data: 2 })
      await client.call('rpc', {})
      expect(client.publications(channel)).toHaveLength(1)
    })
  })

  describe('[10] pushes', () => {
    it('[10.2] a publication has its data, publisher, tags and place, and no other field', async () => {
      const channel = fresh('room')
      const client = await connect(await start())
      await client.call('subscribe', { channel })
      await (await api()).publish(channel, Buffer.from('{"n":1}'), { tags: { colour: 'red' } })
      await client.call('publish', { channel, data: 2 })
      await client.until(() => client.publications(channel).length === 2, 'both')
      expect(client.publications(channel)).toEqual([
        { data: { n: 1 }, tags: { colour: 'red' }, offset: expect.any(Number) },
        { data: 2, info: { user: '', client: expect.any(String) }, offset: expect.any(Number) },
      ])
    })

    it('[10.3] a publication of a channel that keeps nothing has no offset', async () => {
      const channel = fresh('')
      const client = await connect(await start())
      await client.call('subscribe', { channel })
      await client.call('publish', { channel, data: 1 })
      await client.until(() => client.publications(channel)[0], 'the publication')
      expect(client.publications(channel)[0]).not.toHaveProperty('offset')
    })

    it('[10.1] one’s own join comes too', async () => {
      const channel = fresh('joins')
      const client = await connect(await start())
      await client.call('subscribe', { channel })
      const push = await client.until(() => client.pushes(channel)[0], 'the own join')
      expect(push).toEqual({ channel, join: { info: { user: '', client: expect.any(String) } } })
    })
  })
})
