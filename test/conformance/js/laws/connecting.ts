import { codeOf, has, holds, same } from '../same.js'
import type { Law } from '../world.js'

const nowSeconds = (): number => Math.floor(Date.now() / 1_000)

export const connecting: readonly Law[] = [
  {
    title: '[1.2] a page of an origin that is not allowed is not let in, over any transport',
    inBrowser: true,
    isForeign: true,
    async run(world) {
      const client = world.client({ minReconnectDelay: 10_000, maxReconnectDelay: 10_000 })
      client.sdk.connect()
      has(await client.errors.at(0), { type: 'transport' })
      same([client.sdk.state, client.connected.entries.length], ['connecting', 0])
    },
  },
  {
    title: '[4.6] connects with an id of its own and ends with code 0, because the client asked for it',
    inBrowser: true,
    async run(world) {
      const [one, two] = [world.client(), world.client()]
      const ids = [(await one.connect()).client, (await two.connect()).client]
      holds(new Set(ids).size === 2 && ids.every((id) => id !== ''), 'ids are unique')
      same([one.connected.entries[0]?.transport, one.sdk.state], [world.transport, 'connected'])
      one.sdk.disconnect()
      has(await one.disconnected.at(0), { code: 0 })
      same(one.sdk.state, 'disconnected')
    },
  },
  {
    title: '[3.3] connects again after each disconnect, also ten times without waiting',
    async run(world) {
      const client = world.client()
      for (let n = 0; n < 10; n += 1) {
        client.sdk.connect()
        client.sdk.disconnect()
      }
      same(client.sdk.state, 'disconnected')
      await client.connect()
      await client.subscribe(world.channel('live'))
    },
  },
  {
    title: '[12.1] is the user of its token, with the info that the token carries',
    async run(world) {
      const user = world.user()
      const token = await world.server.token({ sub: user, info: { name: 'Änne 🐟' } })
      const client = world.client({ token })
      const { client: id } = await client.connect()
      const channel = world.channel('live')
      await client.subscribe(channel)
      same(await client.presence(channel), { [id]: { client: id, user, connInfo: { name: 'Änne 🐟' } } })
    },
  },
  {
    title: '[4.1] a token with a bad signature is terminal: 3500, and no second try',
    inBrowser: true,
    async run(world) {
      const token = await world.server.token({ sub: 'eve' })
      const client = world.client({ token: `${token.slice(0, -4)}AAAA` })
      client.sdk.connect()
      has(await client.disconnected.at(0), { code: 3500, reason: 'invalid token' })
      same([client.sdk.state, client.connected.entries.length], ['disconnected', 0])
    },
  },
  {
    title: '[4.1] an expired token is answered with 109, and the SDK comes with another',
    inBrowser: true,
    async run(world) {
      const user = world.user()
      const expired = await world.server.token({ sub: user, exp: nowSeconds() - 60 })
      let asked = 0
      const client = world.client({
        token: expired,
        getToken: async () => {
          asked += 1
          return await world.server.token({ sub: user, exp: nowSeconds() + 600 })
        },
      })
      await client.connect()
      same([asked, client.sdk.state], [1, 'connected'])
      has(await client.errors.at(0), { type: 'connect' })
      same(client.errors.entries[0]?.error.code, 109)
    },
  },
  {
    title: '[4.1] an expired token without a way to another ends terminally: the user has to sign in again',
    async run(world) {
      const client = world.client({ token: await world.server.token({ sub: 'ana', exp: nowSeconds() - 60 }) })
      client.sdk.connect()
      has(await client.disconnected.at(0), { code: 1 })
    },
  },
  {
    title: '[9.13] a token that expires is refreshed in time, and the connection stays',
    isSlow: true,
    async run(world) {
      const user = world.user()
      let asked = 0
      const fresh = async (): Promise<string> => {
        asked += 1
        return await world.server.token({ sub: user, exp: nowSeconds() + (asked === 1 ? 2 : 600) })
      }
      const client = world.client({ getToken: fresh })
      const { client: id } = await client.connect()
      const channel = world.channel('live')
      const watched = await client.subscribe(channel)
      const refreshed = new Promise<void>((resolve) => {
        const timer = setInterval(() => {
          if (asked < 2) return
          clearInterval(timer)
          resolve()
        }, 50)
      })
      await refreshed
      await watched.publish('still here')
      same([(await watched.data(1))[0], client.connecting.entries.length], ['still here', 1])
      same(Object.keys(await client.presence(channel)), [id])
    },
  },
  {
    title: '[9.11] what is asked before connecting waits for it: rpc 108 where nobody answers any rpc',
    inBrowser: true,
    async run(world) {
      const client = world.client()
      const asked = codeOf(client.rpc('anything', { n: 1 }))
      client.sdk.connect()
      same(await asked, 108)
    },
  },
  {
    title: '[9.12] a message that nobody takes ends the connection with 3508: silence would hide it',
    async run(world) {
      const client = world.client()
      await client.connect()
      await client.send({ to: 'nobody' })
      has(await client.disconnected.at(0), { code: 3508 })
    },
  },
]
