/**
 * A NATS that is connected and acknowledges nothing, as one does after its disk was full: noticed, told, and over by itself. The stream
 * is told not to acknowledge, which looks the same from here and needs no disk to fill.
 */
import { beforeEach, describe, expect, it } from '@jest/globals'
import { HealthChecks, Metrics } from '@natter/observability'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { checkHealth, meter } from '../src/gateway.metrics.js'
import { natsBench } from './bench.js'
import type { RawClient, TestNode } from './harness.js'

describe('a gateway whose NATS stores nothing', () => {
  const bench = natsBench()
  let admin: NatsConnection
  let node: TestNode
  let client: RawClient

  beforeEach(async () => {
    admin = await connect({ servers: bench.nats.url })
    bench.atEnd(() => admin.close())
    node = await bench.start()
    client = await bench.connect(node)
  })

  const acknowledge = async (isAcknowledging: boolean): Promise<void> => {
    const ask = async (verb: string, body: object = {}): Promise<{ config: object; error?: object }> => {
      const answer = await admin.request(`$JS.API.STREAM.${verb}.NATTER_CH_0`, JSON.stringify(body))
      return answer.json()
    }
    const { config } = await ask('INFO')
    expect((await ask('UPDATE', { ...config, no_ack: !isAcknowledging })).error).toBeUndefined()
  }

  const publish = () => client.call('publish', { channel: 'room:a', data: 1 })

  it('says so once, with what to do, in its events, its health and its metrics, until one is stored', async () => {
    const { gateway, broker } = node
    const told: string[] = []
    gateway.events.on('stream:stall', ({ stream, advice }) => told.push(`${stream}: ${advice}`))
    gateway.events.on('stream:stall:end', ({ stream, why }) => told.push(`${stream}: ${why}`))
    const checks = new HealthChecks()
    checkHealth(checks, { broker, gateway })
    const metrics = new Metrics({ processMetrics: false })
    meter(metrics, { gateway, broker, events: { gateway: gateway.events, broker: broker.events } })

    await acknowledge(false)
    while (gateway.stalls.trouble === undefined)
      expect((await publish())['error']).toMatchObject({ code: 100, temporary: true })
    expect((await checks.report()).checks).toEqual({ nats: 'ok', streams: gateway.stalls.trouble })
    expect((await checks.report()).status).toBe('unavailable')
    expect((await checks.report('ready')).status).toBe('ok')
    expect(await metrics.text()).toContain('natter_stream_stalled{stream="NATTER_CH_0"} 1')
    const { subscribe } = await client.call('subscribe', { channel: 'room:b' })
    expect(subscribe).toMatchObject({ recoverable: true }) // to read is as good as ever

    await acknowledge(true)
    expect((await publish())['publish']).toEqual({})
    expect((await checks.report()).status).toBe('ok')
    expect(await metrics.text()).toContain('natter_stream_stalled{stream="NATTER_CH_0"} 0')
    expect(told).toEqual([
      expect.stringMatching(/^NATTER_CH_0: .*disk.*restart nats-server/),
      'NATTER_CH_0: stored',
    ])
    metrics.stop()
  }, 60_000)
})
