import { codeOf, has, holds, same } from '../same.js'
import { combinations } from '../combinations.js'
import type { Law } from '../world.js'

const texts = [
  'plain',
  'Grüße',
  'Привет, мир',
  '日本語',
  '👩‍👩‍👧‍👦 🐟',
  'quote " back \\ line \n tab \t nul \u0000 del \u007f',
  '\u2028\u2029',
  '',
]

export const publishing: readonly Law[] = [
  {
    title: '[9.2] a publication comes to all subscribers, the publisher too, with who published it',
    inBrowser: true,
    async run(world) {
      const user = world.user()
      const writer = world.client({ token: await world.server.token({ sub: user, info: { colour: 'red' } }) })
      const reader = world.client()
      const [{ client }] = await Promise.all([writer.connect(), reader.connect()])
      const channel = world.channel('room')
      const [own, other] = [await writer.subscribe(channel), await reader.subscribe(channel)]
      await own.publish({ text: 'hello' })
      const info = { client, user, connInfo: { colour: 'red' } }
      for (const watched of [own, other])
        has(await watched.publications.at(0), { channel, data: { text: 'hello' }, info })
      same(own.publications.entries[0]?.offset, other.publications.entries[0]?.offset)
    },
  },
  {
    title: '[3.1] publications of one client come in the order in which it published them, whole',
    inBrowser: true,
    async run(world) {
      // Emulated transports send each command in a request of its own, and those may overtake each other: one after the other there.
      const [writer, reader] = [world.client(), world.client()]
      await Promise.all([writer.connect(), reader.connect()])
      const channel = world.channel('room')
      const watched = await reader.subscribe(channel)
      const numbers = Array.from({ length: 50 }, (_, n) => n)
      if (world.transport === 'websocket') await Promise.all(numbers.map((n) => writer.publish(channel, n)))
      else for (const n of numbers) await writer.publish(channel, n)
      same(await watched.data(50), numbers)
    },
  },
  {
    title:
      '[15.4] commands that overtake each other are all answered, each with its own reply, and none is lost',
    inBrowser: true,
    async run(world) {
      const [writer, reader] = [world.client(), world.client()]
      await Promise.all([writer.connect(), reader.connect()])
      const channels = Array.from({ length: 20 }, () => world.channel('room'))
      const all = channels.map((channel) => reader.watch(channel))
      for (const watched of all) watched.sdk.subscribe()
      await Promise.all(all.map((watched) => watched.subscribed.at(0)))
      await Promise.all(
        channels.flatMap((channel, n) => [writer.publish(channel, n), writer.publish(channel, -n - 1)]),
      )
      for (const [n, watched] of all.entries())
        same((await watched.data(2)).toSorted(), [n, -n - 1].toSorted())
      const stats = await Promise.all(channels.map((channel) => writer.sdk.presenceStats(channel)))
      same(
        stats,
        channels.map(() => ({ numClients: 1, numUsers: 1 })),
      )
      // so many requests take connections of their own, and each of those went to the next gateway
      if (world.transport !== 'websocket') same(await world.server.reached(), world.gateways)
    },
  },
  {
    title: '[2.5] every text comes as it was sent: scripts, signs, control characters, line separators',
    inBrowser: true,
    async run(world) {
      const client = world.client()
      await client.connect()
      const watched = await client.subscribe(world.channel('room'))
      const values = [...texts, ...texts.map((text) => ({ [text]: [text, null, true, 1.5e-7, -0.25, {}] }))]
      for (const value of values) await watched.publish(value)
      same(await watched.data(values.length), values)
      const { publications } = await client.history(watched.sdk.channel, { limit: 100 })
      same(
        publications.map(({ data }) => data),
        values,
      )
    },
  },
  {
    title: '[2.1] [2.9] many commands in one message are all answered, in any mix',
    inBrowser: true,
    async run(world) {
      const client = world.client()
      await client.connect()
      const channel = world.channel('room')
      const watched = await client.subscribe(channel)
      client.sdk.startBatching()
      const numbers = Array.from({ length: 20 }, (_, n) => n)
      const answers = numbers.map((n) => client.publish(channel, n))
      const refused = codeOf(client.publish(world.channel('closed'), 0))
      const stats = client.sdk.presenceStats(channel)
      const others = [1, 2, 3].map((n) => client.watch(world.channel('room', `${n}`)))
      for (const other of others) other.sdk.subscribe()
      client.sdk.stopBatching()
      await Promise.all(answers)
      same([await refused, await stats], [103, { numClients: 1, numUsers: 1 }])
      for (const other of others) await other.subscribed.at(0)
      same(await watched.data(20), numbers)
    },
  },
  {
    title: '[18.2] clients of every transport and encoding hear each other',
    async run(world) {
      const writer = world.client()
      const readers = combinations.map((combination) => world.client({}, combination))
      await Promise.all([writer, ...readers].map((client) => client.connect()))
      const channel = world.channel('room')
      const all = await Promise.all(readers.map((reader) => reader.subscribe(channel)))
      await writer.publish(channel, { from: 'writer', text: '🐟' })
      for (const watched of all) same(await watched.data(1), [{ from: 'writer', text: '🐟' }])
      for (const [n, watched] of all.entries()) await watched.publish(n)
      const expected = [{ from: 'writer', text: '🐟' }, ...all.keys()]
      for (const watched of all) same(await watched.data(expected.length), expected)
    },
  },
  {
    title:
      '[9.7] refusals carry their code: 102, 103, 107, and 103 for who is not subscribed where that is asked',
    async run(world) {
      const user = world.user()
      const client = world.client({ token: await world.server.token({ sub: user }) })
      await client.connect()
      same(await codeOf(client.publish(world.channel('nowhere'), 1)), 102)
      same(await codeOf(client.publish(world.channel('closed'), 1)), 103)
      same(await codeOf(client.publish(world.channel('objects'), [1])), 107)
      const channel = world.channel('members')
      same(await codeOf(client.publish(channel, 1)), 103)
      const watched = await client.subscribe(channel)
      await watched.publish('a member')
      same(await watched.data(1), ['a member'])
    },
  },
  {
    title: '[20.1] a message just below 64 KiB comes whole, from the client and to it',
    inBrowser: true,
    async run(world) {
      const [writer, reader] = [world.client(), world.client()]
      await Promise.all([writer.connect(), reader.connect()])
      const channel = world.channel('room')
      const watched = await reader.subscribe(channel)
      // JSON within JSON: the quotes and backslashes of an emulated command cost a second time
      const big = 'ж'.repeat(30_000)
      for (const text of [big, 'x'.repeat(65_000)]) await writer.publish(channel, text)
      const came = await watched.data(2)
      holds(came[0] === big && came[1] === 'x'.repeat(65_000), 'both came whole')
      const { publications } = await writer.history(channel, { limit: 2 })
      holds(publications[0]?.data === big, 'history has it whole')
    },
  },
  {
    title: '[20.1] a message above 64 KiB ends the connection for good: code 3, or it would be sent for ever',
    inBrowser: true,
    transports: ['websocket'],
    async run(world) {
      const client = world.client()
      await client.connect()
      void client.publish(world.channel('room'), 'x'.repeat(70_000)).catch(() => {})
      has(await client.disconnected.at(0), { code: 3 })
    },
  },
  {
    title: '[15.4] a command above 64 KiB fails alone: its request is refused, the connection lives on',
    inBrowser: true,
    transports: ['http_stream', 'sse'],
    async run(world) {
      const client = world.client({ timeout: 300 })
      await client.connect()
      const channel = world.channel('room')
      same(await codeOf(client.publish(channel, 'x'.repeat(70_000))), 1) // the SDK's own: no answer came
      await client.publish(channel, 'small')
      same(client.connecting.entries.length, 1)
    },
  },
  {
    title:
      "[2.11] bytes that are no JSON reach Protobuf clients as they are; a JSON client, who can't be told, is ended with 3506",
    async run(world) {
      const protobuf = {
        transport: world.transport === 'sse' ? 'websocket' : world.transport,
        encoding: 'protobuf',
      } as const
      const [writer, reader] = [world.client({}, protobuf), world.client({}, protobuf)]
      const json = world.client({}, { ...protobuf, transport: world.transport, encoding: 'json' })
      await Promise.all([writer, reader, json].map((client) => client.connect()))
      const channel = world.channel('bytes')
      await json.subscribe(channel)
      const heard: number[][] = []
      const subscription = reader.sdk.newSubscription(channel)
      const came = new Promise<void>((resolve) => {
        subscription.on('publication', ({ data }) => {
          heard.push([...(data as Uint8Array)])
          resolve()
        })
      })
      subscription.subscribe()
      await subscription.ready(5_000)
      const bytes = new Uint8Array([0, 255, 10, 128, 123])
      await writer.sdk.publish(channel, bytes)
      await came
      same(heard, [[...bytes]])
      has(await json.disconnected.at(0), { code: 3506 })
    },
  },
]
