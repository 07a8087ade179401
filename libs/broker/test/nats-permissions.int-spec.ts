/** A user of NATS who may not do all that a node needs. */
import { afterEach, describe, expect, it } from '@jest/globals'
import { createNatsBroker, type Broker, type BrokerEvents } from '@natter/broker'
import { TypedEvents } from '@natter/primitives'
import { TestNats } from './nats-server.js'

type Refusal = BrokerEvents['broker:subscription:refused']

describe('a broker whose user lacks a permission', () => {
  let server: TestNats
  let broker: Broker | undefined

  const open = async (permissions: string, events = new TypedEvents<BrokerEvents>()): Promise<Broker> => {
    const users = `{ user: natter, password: secret, permissions: { ${permissions} } }`
    server = await TestNats.start(`authorization { users = [ ${users} ] }`)
    const options = { urls: [server.url], prefix: 'denied', name: 'test', user: 'natter', pass: 'secret' }
    broker = await createNatsBroker({ ...options, events })
    return broker
  }

  afterEach(async () => {
    await broker?.close()
    broker = undefined
    await server.stop()
  })

  it.each([
    ['subscription to _INBOX_denied.', 'subscribe: { deny: ["_INBOX_denied.>"] }'],
    ['publish to $JS.API.STREAM.INFO.', 'publish: { deny: ["$JS.API.>"] }'],
  ])('does not boot, and says at once which one: %s', async (missing, permissions) => {
    const startedAt = Date.now()
    await expect(open(permissions)).rejects.toMatchObject({
      name: 'InvalidError',
      code: 'nats-permission-missing',
      message: expect.stringContaining(missing) as unknown,
    })
    expect(Date.now() - startedAt).toBeLessThan(2_500) // not by the deadline of a request
  })

  it('a subscription that NATS refuses later is told, and hurts nothing else: a deaf channel looks like a quiet one', async () => {
    const events = new TypedEvents<BrokerEvents>()
    const refusals: Refusal[] = []
    events.on('broker:subscription:refused', (refusal) => refusals.push(refusal))
    const node = await open('subscribe: { deny: ["denied.secret"] }', events)
    node.bus.subscribe('denied.secret', () => {})
    await node.bus.flush()
    expect(refusals).toMatchObject([{ subject: 'denied.secret', error: { operation: 'subscription' } }])
    expect((await node.log.append(node.route('', 'room').subject, Buffer.from('x'))).isDuplicate).toBe(false)
  })
})
