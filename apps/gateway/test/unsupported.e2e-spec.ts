import { describe, expect, it } from '@jest/globals'
import { createLogger } from '@natter/observability'
import { Centrifuge } from 'centrifuge'
import { WebSocket } from 'ws'
import { log } from '../src/gateway.logs.js'
import { memoryBench } from './bench.js'
import { dialects } from './dialect.js'
import { RawClient, type Incoming } from './harness.js'

describe('kinds of channels that there are not', () => {
  const bench = memoryBench()

  /** A node whose log lines are kept. */
  const start = async () => {
    const node = await bench.start()
    const lines: string[] = []
    const logger = createLogger({ level: 'info', sink: (line) => void lines.push(line) })
    log(logger, { gateway: node.gateway.events, broker: node.broker.events })
    const told = (method: string): number =>
      lines.filter((line) => line.includes('command:unsupported') && line.includes(`"method":"${method}"`))
        .length
    return { node, told }
  }

  describe.each(dialects)('asked for in $name', (dialect) => {
    const open = async (): Promise<RawClient & { told: (method: string) => number }> => {
      const { node, told } = await start()
      const client = await bench.keep(RawClient.open(node.url, { dialect }))
      return Object.assign(client, { told })
    }

    it.each([
      ['a map', 1],
      ['a map of clients', 2],
      ['a map of users', 3],
      ['a shared poll', 4],
      ['what nobody knows', 99],
    ])(
      '[17.1] a subscribe to %s is answered with 108, nobody is subscribed, and a line says so',
      async (_what, type) => {
        const client = await open()
        await client.call('connect', {})
        const request = { channel: 'room:a', type, phase: 2, limit: 100 }
        expect(await client.call('subscribe', request)).toMatchObject({ error: { code: 108 } })
        expect(client.told('subscribe')).toBe(1)
        const { presence_stats: stats } = await client.call('presence_stats', { channel: 'room:a' })
        expect(stats).toMatchObject({ num_clients: 0 })
        expect(await client.call('subscribe', { channel: 'room:a', type: 0 })).toHaveProperty('subscribe')
      },
    )

    it('[17.1] a subscribe that is not permitted is told that, whatever its type', async () => {
      const client = await open()
      await client.call('connect', {})
      expect(await client.call('subscribe', { channel: 'closed:a', type: 1 })).toMatchObject({
        error: { code: 103 },
      })
    })

    it('[17.1] a publish into a map is answered with 108, and nothing is published', async () => {
      const client = await open()
      await client.call('connect', {})
      const request = { channel: 'room:a', data: 1, type: 1, key: 'k' }
      expect(await client.call('publish', request)).toMatchObject({ error: { code: 108 } })
      expect(client.told('publish')).toBe(1)
      const { history } = await client.call('history', { channel: 'room:a', limit: 10 })
      expect((history as Incoming)['publications']).toEqual([])
    })

    it('[17.2] tracking keys of a shared poll is answered with 108', async () => {
      const client = await open()
      await client.call('connect', {})
      await client.call('subscribe', { channel: 'room:a' })
      for (const type of [1, 2])
        expect(await client.call('sub_refresh', { channel: 'room:a', type })).toMatchObject({
          error: { code: 108 },
        })
      expect(client.told('sub_refresh')).toBe(2)
    })

    it('[17.1] asked for with the connect they end it with 3501: there is no other answer for one channel', async () => {
      const client = await open()
      client.start('connect', { subs: { 'room:a': { type: 1 } } })
      expect(await client.close()).toEqual({ code: 3501, reason: 'bad request' })
      expect(client.told('connect')).toBe(1)
    })
  })

  it('[17.1] the SDK learns it at once, instead of waiting for what never comes', async () => {
    const { node } = await start()
    const centrifuge = new Centrifuge(node.url, { websocket: WebSocket })
    bench.atEnd(() => centrifuge.disconnect())
    const map = centrifuge.newMapSubscription('room:a')
    const gone = new Promise<{ code: number }>((resolve) => map.on('unsubscribed', resolve))
    map.subscribe()
    centrifuge.connect()
    expect(await gone).toMatchObject({ code: 108 })
  })
})
