import { codeOf, has, same, soon } from '../same.js'
import type { Law } from '../world.js'

/** With an app on the mesh that answers (../app.ts). */
export const withApp: readonly Law[] = [
  {
    title: '[9.11] rpc brings the answer of the app, whatever the data; a method that nobody has is 104',
    inBrowser: true,
    async run(world) {
      const client = world.client()
      await client.connect()
      for (const data of [{ n: 1 }, ['ж', '🐟'], 'text', 0])
        same(await client.rpc('echo', data), { echo: data })
      same(await Promise.all([1, 2, 3].map((n) => client.rpc('echo', n))), [
        { echo: 1 },
        { echo: 2 },
        { echo: 3 },
      ])
      same(await codeOf(client.rpc('nobody', {})), 104)
      same(await codeOf(client.rpc('refuse', {})), 1234)
    },
  },
  {
    title: '[9.12] send reaches the app, without an answer',
    inBrowser: true,
    async run(world) {
      const user = world.user()
      const client = world.client({ token: await world.server.token({ sub: user }) })
      await client.connect()
      const channel = world.channel('room')
      const watched = await client.subscribe(channel)
      await client.send({ channel, text: 'Grüße 🐟' })
      same(await watched.data(1), [{ text: 'Grüße 🐟', from: user }])
    },
  },
  {
    title: '[7.6] an app says who subscribes, with data for the client and info for the others',
    inBrowser: true,
    async run(world) {
      const user = world.user()
      const client = world.client({ token: await world.server.token({ sub: user }) })
      const { client: id } = await client.connect()
      const channel = world.channel('shop')
      const watched = await client.subscribe(channel, { data: { card: 'ж' } })
      same(watched.answers.entries, [{ welcome: user, said: { card: 'ж' } }])
      await soon(() => client.presence(channel), { [id]: { client: id, user, chanInfo: { badge: '★' } } })
      await watched.publish('goods')
      const info = { client: id, user, chanInfo: { badge: '★' } }
      has(await watched.publications.at(0), { data: { approved: 'goods' }, info })
      const stranger = client.watch(world.channel('shop'))
      stranger.sdk.subscribe()
      has(await stranger.unsubscribed.at(0), { code: 1403, reason: 'members only' })
    },
  },
]
