import { describe, expect, it } from '@jest/globals'
import { MemoryBroker, MemoryMesh } from '@natter/broker'
import { ManualClock } from '@natter/testing'
import { Gateways } from './gateways.js'

describe('the gateways that an app knows', () => {
  it('are not forgotten while the app itself is away from NATS, nor when it is back and has not heard them yet (G2)', async () => {
    const clock = new ManualClock()
    const mesh = new MemoryMesh()
    const broker = new MemoryBroker(mesh, clock)
    const gateways = new Gateways(broker, clock)
    gateways.start()
    const beat = Buffer.from(JSON.stringify({ node: 'g1', kind: 'beat' }))
    new MemoryBroker(mesh, clock).bus.publish(mesh.subjects.presenceBeat, beat)
    await clock.advanceAsync(0)
    expect(gateways.nodes).toEqual(['g1'])
    broker.disconnect()
    await clock.advanceAsync(60_000)
    expect(gateways.nodes).toEqual(['g1'])
    broker.reconnect()
    await clock.advanceAsync(4_200)
    expect(gateways.nodes).toEqual(['g1'])
    await clock.advanceAsync(1)
    expect(gateways.nodes).toEqual([]) // it had the time to say so
  })
})
