import { Journal } from '../journal.js'
import { codeOf, has, same, soon } from '../same.js'
import type { Law } from '../world.js'

export const subscribing: readonly Law[] = [
  {
    title: '[3.9] subscribes, hears what is published there, and nothing after it unsubscribed',
    inBrowser: true,
    async run(world) {
      const [reader, writer] = [world.client(), world.client()]
      await Promise.all([reader.connect(), writer.connect()])
      const [left, kept] = [world.channel('live'), world.channel('live')]
      const one = await reader.subscribe(left)
      const two = await reader.subscribe(kept)
      await writer.publish(left, 'heard')
      same(await one.data(1), ['heard'])
      one.sdk.unsubscribe()
      has(await one.unsubscribed.at(0), { code: 0 })
      await soon(() => writer.presence(left), {})
      await writer.publish(left, 'too late')
      await writer.publish(kept, 'heard')
      same(await two.data(1), ['heard'])
      same(await one.data(1), ['heard'])
    },
  },
  {
    title: '[7.2] refusals carry their code, and temporary ones alone are tried again: 102, 103, 107',
    inBrowser: true,
    async run(world) {
      const client = world.client()
      await client.connect()
      for (const [channel, code] of [
        [world.channel('nowhere'), 102],
        [world.channel('closed'), 103],
        [`$${world.channel('live')}`, 103],
        [world.channel('live', 'ünlatin'), 107],
        [`live:${'x'.repeat(300)}`, 107],
      ] as const) {
        const watched = client.watch(channel)
        watched.sdk.subscribe()
        has(await watched.unsubscribed.at(0), { code }, channel.slice(0, 30))
      }
      same(client.connecting.entries.length, 1)
    },
  },
  {
    title: '[7.2] one subscription above the limit is refused with 106, the others live on',
    async run(world) {
      const client = world.client()
      await client.connect()
      const all = Array.from({ length: 128 }, () => client.watch(world.channel('live')))
      for (const watched of all) watched.sdk.subscribe()
      for (const watched of all) await watched.subscribed.at(0)
      const refused = client.watch(world.channel('live'))
      refused.sdk.subscribe()
      has(await refused.unsubscribed.at(0), { code: 106 })
      await all[127]!.publish('lives')
      same(await all[127]!.data(1), ['lives'])
    },
  },
  {
    title: '[3.2] subscriptions made before connecting come with it, each with its own answer',
    inBrowser: true,
    async run(world) {
      const client = world.client()
      const names = Array.from({ length: 30 }, () => world.channel('room'))
      const all = names.map((name) => client.watch(name))
      const bad = client.watch(world.channel('closed'))
      for (const watched of [...all, bad]) watched.sdk.subscribe()
      client.sdk.connect()
      for (const watched of all) has(await watched.subscribed.at(0), { recoverable: true, positioned: true })
      has(await bad.unsubscribed.at(0), { code: 103 })
      await Promise.all(names.map((name, n) => client.publish(name, n)))
      for (const [n, watched] of all.entries()) same(await watched.data(1), [n])
    },
  },
  {
    title: '[3.10] unsubscribing while connecting, and subscribing again, ends subscribed',
    async run(world) {
      const client = world.client()
      await client.connect()
      const watched = client.watch(world.channel('room'))
      watched.sdk.subscribe()
      client.sdk.disconnect()
      client.sdk.connect()
      watched.sdk.unsubscribe()
      same(watched.sdk.state, 'unsubscribed')
      await watched.subscribe()
      await watched.publish('here')
      same(await watched.data(1), ['here'])
    },
  },
  {
    title:
      '[3.10] [9.16] ten quick subscribes and unsubscribes leave nobody behind: presence is exact soon after',
    async run(world) {
      const [client, witness] = [world.client(), world.client()]
      await Promise.all([client.connect(), witness.connect()])
      const channel = world.channel('live')
      const watched = client.watch(channel)
      for (let n = 0; n < 10; n += 1) {
        watched.sdk.subscribe()
        watched.sdk.unsubscribe()
      }
      same(watched.sdk.state, 'unsubscribed')
      watched.sdk.subscribe()
      same(await watched.sdk.presenceStats(), { numClients: 1, numUsers: 1 })
      watched.sdk.unsubscribe()
      await soon(() => witness.sdk.presenceStats(channel), { numClients: 0, numUsers: 0 })
      same(await witness.presence(channel), {})
    },
  },
  {
    title: '[13.1] a namespace may allow any name: letters of all scripts, spaces, quotes and signs',
    async run(world) {
      const client = world.client()
      await client.connect()
      for (const name of ['Ünïcode 🐟', 'кириллица', '汉字', 'a b "c"\\d', "o'k?*>.x", '{"json":1}']) {
        const channel = world.channel('anywhere', name)
        const watched = await client.subscribe(channel)
        await watched.publish(name)
        same((await watched.publications.at(0)).data, name)
        same(Object.keys(await client.presence(channel)).length, 1)
      }
    },
  },
  {
    title: '[6.5] the server ends a subscription: below 2500 for good, from 2500 on it is made again',
    async run(world) {
      const user = world.user()
      const client = world.client({ token: await world.server.token({ sub: user }) })
      await client.connect()
      const channel = world.channel('room')
      const watched = await client.subscribe(channel)
      await world.server.unsubscribe(user, channel, 2500, 'insufficient state')
      has(await watched.subscribing.at(1), { code: 2500, reason: 'insufficient state' })
      has(await watched.subscribed.at(1), { wasRecovering: true, recovered: true })
      await world.server.unsubscribe(user, channel, 2000, 'server unsubscribe')
      has(await watched.unsubscribed.at(0), { code: 2000, reason: 'server unsubscribe' })
      same(await codeOf(watched.sdk.presence()), 7) // the SDK's own: unsubscribed
    },
  },
  {
    title: '[7.1] maps and shared polls, which there are not, are refused for good: neither half works',
    async run(world) {
      const client = world.client()
      await client.connect()
      const ends = new Journal<{ code: number }>('unsubscribed')
      const map = client.sdk.newMapSubscription(world.channel('room'))
      const poll = client.sdk.newSharedPollSubscription(world.channel('room'), {
        getSignature: () => Promise.reject(new Error('nobody signs')),
      })
      map.on('unsubscribed', (told) => ends.add(told))
      poll.on('unsubscribed', (told) => ends.add(told))
      map.subscribe()
      poll.subscribe()
      const codes = (await ends.atLeast(2)).map(({ code }) => code)
      same(codes, [108, 108])
      same(client.connecting.entries.length, 1)
    },
  },
]
