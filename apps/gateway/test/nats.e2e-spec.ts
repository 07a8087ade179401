import { describe, expect, it } from '@jest/globals'
import { startNatsServer } from '@natter/testing'
import { natsBench } from './bench.js'
import type { Incoming, RawClient } from './harness.js'

describe('gateways on a real NATS', () => {
  const bench = natsBench()
  const { start, connect, nodes } = bench

  const data = (publications: Incoming[]): unknown[] => publications.map((p) => p['data'])
  const numbers = (from: number, to: number): number[] =>
    Array.from({ length: to - from }, (_, n) => from + n)

  it('NATS gone: nobody is disconnected, publishes are refused at once, and all resumes by itself with what was missed', async () => {
    const [one, two] = [await start(), await start()]
    const [ana, ben] = [await connect(one), await connect(two)]
    await Promise.all([
      ana.call('subscribe', { channel: 'room:a' }),
      ben.call('subscribe', { channel: 'room:a' }),
    ])
    for (let n = 0; n < 5; n += 1) await ana.call('publish', { channel: 'room:a', data: n })
    const back = Promise.all(
      nodes.map(
        (node) => new Promise<void>((done) => node.broker.events.on('broker:reconnect', () => done())),
      ),
    )
    const away = Promise.all(
      nodes.map(
        (node) => new Promise<void>((done) => node.broker.events.on('broker:disconnect', () => done())),
      ),
    )
    await bench.nats.kill('SIGKILL')
    await away
    const asked = performance.now()
    expect((await ana.call('publish', { channel: 'room:a', data: 'lost' }))['error']).toMatchObject({
      code: 100,
      temporary: true,
    })
    expect(performance.now() - asked).toBeLessThan(500)
    const late = await connect(one)
    expect((await late.call('subscribe', { channel: 'room:new' }))['error']).toMatchObject({
      code: 100,
      temporary: true,
    })
    await bench.nats.restart()
    await back
    for (let n = 5; n < 8; n += 1)
      expect((await ben.call('publish', { channel: 'room:a', data: n }))['publish']).toEqual({})
    await ana.until(() => ana.publications('room:a').length === 8, 'all eight at ana')
    await ben.until(() => ben.publications('room:a').length === 8, 'all eight at ben')
    expect(data(ana.publications('room:a'))).toEqual(numbers(0, 8))
    expect([ana.closed, ben.closed]).toEqual([undefined, undefined])
    expect((await late.call('subscribe', { channel: 'room:new' }))['subscribe']).toBeDefined()
  }, 30_000)

  it('counts what became of each publish: stored, refused, unknown', async () => {
    const node = await start()
    const outcomes: string[] = []
    node.gateway.events.on('publication:outcome', ({ outcome }) => outcomes.push(outcome))
    const client = await connect(node)
    await client.call('publish', { channel: 'room:a', data: 1 })
    await bench.nats.kill('SIGSTOP')
    const unknown = client.start('publish', { channel: 'room:a', data: 2 })
    expect((await client.reply(unknown))['error']).toMatchObject({ code: 100, temporary: true })
    const away = new Promise<void>((done) => node.broker.events.on('broker:disconnect', () => done()))
    await bench.nats.kill('SIGKILL')
    if (node.broker.bus.isConnected) await away
    await client.call('publish', { channel: 'room:a', data: 3 })
    expect(outcomes).toEqual(['stored', 'unknown', 'refused'])
  }, 30_000)

  it('[3.12] answers every command within 4 s while NATS hangs, because SDKs give up after 5', async () => {
    const client = await connect(await start())
    await bench.nats.kill('SIGSTOP')
    const asked = performance.now()
    const ids = [
      client.start('publish', { channel: 'room:a', data: 1 }),
      client.start('subscribe', { channel: 'room:a' }),
      client.start('history', { channel: 'room:b', limit: 1 }),
    ]
    for (const id of ids)
      expect((await client.reply(id))['error']).toMatchObject({ code: 100, temporary: true })
    expect(performance.now() - asked).toBeLessThan(4_000)
    await bench.nats.kill('SIGCONT')
  }, 30_000)

  it('delivers what was stored while this node was away, also the newest message of a quiet channel', async () => {
    const [one, two] = [await start(), await start()]
    const [ana, ben] = [await connect(one), await connect(two)]
    await ana.call('subscribe', { channel: 'room:quiet' })
    await ben.call('publish', { channel: 'room:quiet', data: 0 })
    await ana.until(() => ana.publications('room:quiet').length === 1, 'the first')
    const { pid } = bench.nats
    await bench.nats.restart() // both are cut off; what is published before this node listens again would be lost
    expect(bench.nats.pid).not.toBe(pid)
    const publishUntilStored = async (value: number): Promise<void> => {
      while ('error' in (await ben.call('publish', { channel: 'room:quiet', data: value })));
    }
    await publishUntilStored(1)
    await ana.until(() => ana.publications('room:quiet').length === 2, 'the one that came meanwhile')
    expect(data(ana.publications('room:quiet'))).toEqual([0, 1])
  }, 30_000)

  it('a stream that was wiped gets another epoch, and clients learn that they could not recover', async () => {
    const node = await start()
    const ana = await connect(node)
    const { subscribe } = await ana.call('subscribe', { channel: 'room:a' })
    for (let n = 0; n < 3; n += 1) await ana.call('publish', { channel: 'room:a', data: n })
    await bench.nats.stop() // takes its folder with it
    bench.nats = await startNatsServer({ port: bench.nats.port })
    await ana.until(
      () => ana.pushes('room:a').find((push) => push['unsubscribe']?.code === 2500),
      'the unsubscribe',
      15_000,
    )
    const again = await ana.call('subscribe', {
      channel: 'room:a',
      recover: true,
      epoch: subscribe.epoch,
      offset: 4,
    })
    expect(again['subscribe'].recovered).toBeUndefined()
    expect(again['subscribe'].epoch).not.toBe(subscribe.epoch)
    await ana.call('publish', { channel: 'room:a', data: 'new' })
    await ana.until(() => ana.publications('room:a').at(-1)?.['data'] === 'new', 'a live one')
  }, 40_000)

  it('presence and its numbers span all gateways, and forget one that died', async () => {
    const [one, two] = [await start(), await start()]
    const [ana, ben] = [await connect(one), await connect(two)]
    await Promise.all([
      ana.call('subscribe', { channel: 'room:a' }),
      ben.call('subscribe', { channel: 'room:a' }),
    ])
    const members = async (client: RawClient): Promise<number> =>
      Object.keys((await client.call('presence', { channel: 'room:a' }))['presence'].presence).length
    expect([await members(ana), await members(ben)]).toEqual([2, 2])
    expect((await ana.call('presence_stats', { channel: 'room:a' }))['presence_stats']).toEqual({
      num_clients: 2,
      num_users: 1,
    })
    await nodes.splice(nodes.indexOf(two), 1)[0]?.stop()
    expect(await members(ana)).toBe(1)
  })

  it('does not believe a forged Nats-Sequence of somebody who may publish to NATS', async () => {
    const node = await start()
    const ana = await connect(node)
    await ana.call('subscribe', { channel: 'room:a' })
    await ana.call('publish', { channel: 'room:a', data: 1 })
    const { connect: raw, headers } = await import('@nats-io/transport-node')
    const forger = await raw({ servers: bench.nats.url })
    const forged = headers()
    forged.set('Nats-Sequence', '999999')
    forged.set('Nats-Last-Sequence', '0')
    forged.set('Nats-Stream', 'NATTER_CH_0')
    forger.publish(node.broker.route('room', 'room:a').subject, '"forged"', { headers: forged })
    await forger.flush()
    await ana.call('publish', { channel: 'room:a', data: 2 })
    await ana.until(() => ana.publications('room:a').length === 3, 'all three')
    const offsets = ana.publications('room:a').map((p) => p['offset'] as number)
    expect(Math.max(...offsets)).toBeLessThan(100)
    expect(offsets).toEqual(offsets.toSorted((a, b) => a - b))
    await forger.close()
  })

  it('two meshes with different prefixes on one NATS never meet', async () => {
    const [mine, theirs] = [await start(), await start({ prefix: 'other' })]
    const [ana, eve] = [await connect(mine), await connect(theirs)]
    await Promise.all([
      ana.call('subscribe', { channel: 'room:a' }),
      eve.call('subscribe', { channel: 'room:a' }),
    ])
    await eve.call('publish', { channel: 'room:a', data: 'theirs' })
    await ana.call('publish', { channel: 'room:a', data: 'mine' })
    await ana.until(() => ana.publications('room:a').length > 0, 'mine')
    expect(data(ana.publications('room:a'))).toEqual(['mine'])
    expect(
      Object.keys((await ana.call('presence', { channel: 'room:a' }))['presence'].presence),
    ).toHaveLength(1)
  })
})
