import { codeOf, has, holds, same, soon } from '../same.js'
import type { Law } from '../world.js'

export const reading: readonly Law[] = [
  {
    title: '[9.1] [9.15] history pages forward from a position and back, each publication once',
    inBrowser: true,
    async run(world) {
      const client = world.client()
      await client.connect()
      const channel = world.channel('room')
      for (let n = 0; n < 7; n += 1) await client.publish(channel, n)
      const forward: unknown[] = []
      let page = await client.history(channel, { limit: 3, since: { offset: 0, epoch: '' } })
      while (page.publications.length > 0) {
        forward.push(...page.publications.map(({ data }) => data))
        const { offset = 0 } = page.publications.at(-1) ?? {}
        page = await client.history(channel, { limit: 3, since: { offset, epoch: page.epoch } })
      }
      same(forward, [0, 1, 2, 3, 4, 5, 6])
      const newest = await client.history(channel, { limit: 3, reverse: true })
      same(
        newest.publications.map(({ data }) => data),
        [6, 5, 4],
      )
      same(newest.publications[0]?.offset, newest.offset)
      const { offset = 0 } = newest.publications.at(-1) ?? {}
      const older = await client.history(channel, {
        limit: 10,
        reverse: true,
        since: { offset, epoch: newest.epoch },
      })
      same(
        older.publications.map(({ data }) => data),
        [3, 2, 1, 0],
      )
    },
  },
  {
    title: '[9.1] limit 0 reads the position alone, which a channel has before its first publication',
    async run(world) {
      const client = world.client()
      await client.connect()
      const channel = world.channel('room')
      const empty = await client.history(channel, { limit: 0 })
      same(empty.publications, [])
      holds(empty.epoch !== '', 'an epoch is there')
      await client.publish(channel, 1)
      const one = await client.history(channel, { limit: 0 })
      same([one.publications, one.epoch], [[], empty.epoch])
      holds(one.offset > empty.offset, 'the position moved')
      const { subscribed } = await client.subscribe(channel)
      same(subscribed.entries[0]?.streamPosition, { offset: one.offset, epoch: one.epoch })
    },
  },
  {
    title: '[9.10] history refuses with its code: 112 another epoch, 108 nothing is kept, 103, 102',
    inBrowser: true,
    async run(world) {
      const client = world.client()
      await client.connect()
      const channel = world.channel('room')
      await client.publish(channel, 1)
      const since = { offset: 1, epoch: 'another' }
      same(await codeOf(client.history(channel, { limit: 1, since })), 112)
      same(await codeOf(client.history(world.channel('live'), { limit: 1 })), 108)
      same(await codeOf(client.history(world.channel('nowhere'), { limit: 1 })), 102)
    },
  },
  {
    title: '[9.15] a capped history has its newest alone',
    async run(world) {
      const client = world.client()
      await client.connect()
      const channel = world.channel('capped')
      for (let n = 0; n < 8; n += 1) await client.publish(channel, n)
      const { publications } = await client.history(channel, { limit: 100 })
      same(
        publications.map(({ data }) => data),
        [3, 4, 5, 6, 7],
      )
    },
  },
  {
    title: '[9.8] [9.16] presence tells who is there on all gateways, and who left is gone at once',
    inBrowser: true,
    async run(world) {
      const users = [world.user(), world.user()]
      const tokens = await Promise.all(
        [users[0], users[0], users[1]].map((sub) => world.server.token({ sub })),
      )
      const clients = tokens.map((token) => world.client({ token }))
      const witness = world.client()
      const ids = (await Promise.all(clients.map((client) => client.connect()))).map(({ client }) => client)
      await witness.connect()
      const channel = world.channel('live')
      const all = await Promise.all(clients.map((client) => client.subscribe(channel)))
      same(await witness.sdk.presenceStats(channel), { numClients: 3, numUsers: 2 })
      same(Object.keys(await witness.presence(channel)).toSorted(), ids.toSorted())
      const stats = (): Promise<unknown> => witness.sdk.presenceStats(channel)
      all[0]!.sdk.unsubscribe()
      await soon(stats, { numClients: 2, numUsers: 2 })
      clients[1]!.sdk.disconnect()
      await soon(stats, { numClients: 1, numUsers: 1 })
      await world.server.disconnect(users[1] ?? '', 3503, 'away')
      await soon(stats, { numClients: 0, numUsers: 0 })
    },
  },
  {
    title: '[9.8] presence refuses with its code: 103 for strangers, 102 unknown',
    async run(world) {
      const client = world.client()
      await client.connect()
      same(await codeOf(client.presence(world.channel('nowhere'))), 102)
      same(await codeOf(client.presence(world.channel('closed'))), 108)
    },
  },
  {
    title: '[10.1] joins and leaves come where they are pushed, the own join too; elsewhere to who asked',
    async run(world) {
      const [user, guest] = [world.user(), world.user()]
      const one = world.client({ token: await world.server.token({ sub: user, info: { n: 1 } }) })
      const two = world.client({ token: await world.server.token({ sub: guest }) })
      const [{ client: first }, { client: second }] = await Promise.all([one.connect(), two.connect()])
      const channel = world.channel('told')
      const watched = await one.subscribe(channel)
      same(await watched.joins.at(0), { client: first, user, connInfo: { n: 1 } })
      const other = await two.subscribe(channel)
      same(await watched.joins.first(({ client }) => client === second), { client: second, user: guest })
      other.sdk.unsubscribe()
      same(await watched.leaves.at(0), { client: second, user: guest })

      const asked = world.channel('tell')
      const silent = await one.subscribe(asked)
      const listening = await two.subscribe(asked, { joinLeave: true })
      const third = world.client()
      const { client: thirdId } = await third.connect()
      await third.subscribe(asked)
      has(await listening.joins.first(({ client }) => client === thirdId), { client: thirdId })
      third.sdk.disconnect()
      has(await listening.leaves.first(({ client }) => client === thirdId), { client: thirdId })
      same(silent.joins.entries, [])
    },
  },
]
