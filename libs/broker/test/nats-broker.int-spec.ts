import { afterAll, beforeAll } from '@jest/globals'
import { createNatsBroker } from '@natter/broker'
import { describeBroker } from './broker.contract.js'
import { TestNats } from './nats-server.js'

let server: TestNats
let mesh = 0

beforeAll(async () => {
  server = await TestNats.start()
})

afterAll(() => server.stop())

describeBroker('nats', async () => {
  mesh += 1
  const options = { urls: [server.url], prefix: `contract${mesh}`, streams: 3, maxBytes: 10_000_000 }
  // at the same time: nodes that boot together must not fight over the first record
  const [a, b] = await Promise.all([
    createNatsBroker({ ...options, name: 'a' }),
    createNatsBroker({ ...options, name: 'b', streams: 5 }),
  ])
  return { a, b, close: async () => void (await Promise.all([a.close(), b.close()])) }
})
