import { describe, expect, it } from '@jest/globals'
import { MemoryBroker, MemoryMesh } from '@natter/broker'
import { HealthChecks } from '@natter/observability'
import { TypedEvents } from '@natter/primitives'
import { ManualClock } from '@natter/testing'
import type { GatewayEvents } from '../gateway.events.js'
import { checkHealth } from '../gateway.metrics.js'
import { Stalls } from './stalls.js'

function start() {
  const clock = new ManualClock()
  const broker = new MemoryBroker(new MemoryMesh())
  const events = new TypedEvents<GatewayEvents>()
  const told: string[] = []
  events.on('stream:stall', ({ tries }) => told.push(`stall after ${tries}`))
  events.on('stream:stall:end', ({ why, lastedMs }) => told.push(`${why} after ${lastedMs}`))
  const stalls = new Stalls(broker, clock, events)
  stalls.start()
  const stream = broker.streams[0] ?? ''
  /** One append after the other, none answered: each takes 3 s. */
  const fail = (count: number, everyMs = 3_000): void => {
    for (let n = 0; n < count; n += 1) {
      clock.advance(everyMs)
      stalls.unknown(stream)
    }
  }
  return { clock, broker, stalls, stream, told, fail }
}

describe('a stream that stores nothing', () => {
  it('is told once, when several appends had no answer for ten seconds, and its end once', () => {
    const { stalls, stream, told, fail } = start()
    fail(3)
    expect([told, stalls.trouble]).toEqual([[], undefined])
    fail(20)
    expect(told).toEqual(['stall after 4'])
    expect(stalls.trouble).toMatch(/NATTER_CH_0.*disk.*restart nats-server/)
    for (let n = 0; n < 3; n += 1) stalls.stored(stream)
    expect(told).toEqual(['stall after 4', 'stored after 66000'])
    expect([stalls.trouble, stalls.all]).toEqual([undefined, [{ stream, isStalled: false }]])
  })

  it('is not seen in one burst without an answer, however large: the next second may be better', () => {
    const { clock, stalls, stream, told } = start()
    for (let n = 0; n < 1_000; n += 1) stalls.unknown(stream)
    clock.advance(6_999)
    stalls.unknown(stream)
    expect(told).toEqual([])
  })

  it('is not seen in two, however far apart: one lost answer and another are no proof', () => {
    const { told, fail } = start()
    fail(2, 50_000)
    expect(told).toEqual([])
  })

  it('is not seen while now and then one is stored: that is a slow NATS, not a dead one', () => {
    const { stalls, stream, told, fail } = start()
    for (let n = 0; n < 20; n += 1) {
      fail(3)
      stalls.stored(stream)
    }
    expect(told).toEqual([])
  })

  it('is not seen in appends that were lost with the connection: NATS away is another trouble', () => {
    const { broker, told, fail } = start()
    fail(3)
    broker.disconnect()
    fail(10)
    broker.reconnect()
    fail(3)
    expect(told).toEqual([])
  })

  it('stays stalled when NATS comes back, until an append is stored: a connection proves no disk', () => {
    const { broker, stalls, stream, told, fail } = start()
    fail(4)
    broker.disconnect()
    broker.reconnect()
    expect(stalls.stalled).toEqual([stream])
    stalls.stored(stream)
    expect(told).toEqual(['stall after 4', 'stored after 9000'])
  })

  it('is forgotten a minute after the last try, or an idle gateway would be unhealthy for ever', () => {
    const { clock, stalls, told, fail } = start()
    fail(6)
    clock.advance(59_999)
    expect(stalls.stalled).toHaveLength(1)
    clock.advance(1)
    expect(told).toEqual(['stall after 4', 'untried after 75000'])
    expect([stalls.trouble, clock.pendingTimers]).toEqual([undefined, 0])
    fail(4)
    expect(told).toHaveLength(3)
  })

  it('is not made of single failures that are minutes apart', () => {
    const { told, fail } = start()
    fail(50, 60_000)
    expect(told).toEqual([])
  })

  it('makes the gateway not healthy and leaves it ready: clients can read, and no other gateway is better', async () => {
    const { broker, stalls, stream, fail } = start()
    const checks = new HealthChecks()
    checkHealth(checks, { broker, gateway: { stalls } })
    fail(4)
    expect(await checks.report()).toMatchObject({
      status: 'unavailable',
      checks: { nats: 'ok', streams: stalls.trouble },
    })
    expect((await checks.report('ready')).status).toBe('ok')
    stalls.stored(stream)
    expect((await checks.report()).status).toBe('ok')
  })

  it('leaves nothing behind when the gateway stops', () => {
    const { clock, stalls, fail } = start()
    fail(4)
    stalls.stop()
    expect(clock.pendingTimers).toBe(0)
  })
})
