/** The last words of a node: what it published in the turn of its end is heard. */
import { afterEach, beforeEach, describe, it } from '@jest/globals'
import { createNatsBroker, type Broker } from '@natter/broker'
import { eventually } from '@natter/testing'
import { TestNats } from './nats-server.js'

describe('a broker that is closed', () => {
  let server: TestNats
  let staying: Broker

  const open = (name: string): Promise<Broker> =>
    createNatsBroker({ urls: [server.url], prefix: 'goodbye', name })

  beforeEach(async () => {
    server = await TestNats.start()
    staying = await open('staying')
  })

  afterEach(async () => {
    await staying.close()
    await server.stop()
  })

  it('has said before it is closed what was published just now', async () => {
    const going = await open('going')
    const { liveSubject } = staying.route('', 'room')
    let heard = 0
    staying.bus.subscribe(liveSubject, () => void (heard += 1))
    await staying.bus.flush()
    for (let said = 0; said < 100; said += 1) going.bus.publish(liveSubject, Buffer.from(`${said}`))
    await going.close()
    await eventually(() => heard === 100, { timeoutMs: 2_000 })
  })
})
