import { afterAll, describe, expect, it } from '@jest/globals'
import { hangUp, result, tell } from './backend.js'
import { natsBench } from './bench.js'

describe('what backends ask over HTTP, on a real NATS', () => {
  const bench = natsBench()
  afterAll(hangUp)

  const start = () => bench.start({ httpApi: {} })

  it('[23.7] publishes once under a key, whoever repeats it when and where, and tells the first place', async () => {
    const [a, b] = [await start(), await start()]
    const body = { channel: 'room:a', data: 1, idempotency_key: 'k' }
    const tries = Array.from({ length: 10 }, (_, n) => result(n % 2 === 0 ? a : b, 'publish', body))
    const [first, ...others] = await Promise.all(tries)
    for (const other of others) expect(other).toEqual(first)
    await result(a, 'publish', { channel: 'room:a', data: 'between' })
    expect(await result(b, 'publish', { ...body, data: 'another' })).toEqual(first)
    const elsewhere = await result(b, 'publish', { ...body, channel: 'room:b' })
    expect(elsewhere.offset).toBeGreaterThan(first?.offset)
    const channels = ['room:a', 'room:b', 'room:c']
    const { responses } = await result(a, 'broadcast', { ...body, channels, channel: undefined })
    expect(responses.slice(0, 2)).toEqual([{ result: first }, { result: elsewhere }])
    const kept = await result(a, 'history', { channel: 'room:a', limit: -1 })
    expect(kept.publications.map(({ data }: { data: unknown }) => data)).toEqual([1, 'between'])
  })

  it('[23.7] finds in the log what a gateway could store and not note down', async () => {
    const [a, b] = [await start(), await start()]
    const { put } = a.broker.idempotency
    let puts = 0
    Object.assign(a.broker.idempotency, {
      put: (...args: Parameters<typeof put>) => {
        puts += 1
        return puts === 1 ? put.apply(a.broker.idempotency, args) : Promise.reject(new Error('it died'))
      },
    })
    const body = { channel: 'room:a', data: 1, idempotency_key: 'k' }
    const first = await result(a, 'publish', body)
    expect(puts).toBe(2)
    for (let n = 0; n < 3; n += 1) await result(b, 'publish', { channel: 'room:a', data: n })
    expect(await result(b, 'publish', body)).toEqual(first)
    expect((await result(b, 'history', { channel: 'room:a', limit: -1 })).publications).toHaveLength(4)
  })

  it('[23.21] leaves out a publication that is no newer than what the channel has, through whichever gateway', async () => {
    const [a, b] = [await start(), await start()]
    const send = (version: number, more: object = {}) =>
      result(version % 2 === 0 ? a : b, 'publish', { channel: 'room:a', data: version, version, ...more })
    await Promise.all([4, 1, 3, 2, 5, 7, 6, 5].map((version) => send(version)))
    await result(a, 'publish', { channel: 'room:a', data: 'without' })
    const newest = await result(a, 'history', { channel: 'room:a' })
    const left = await send(7)
    expect(left).toEqual({ offset: newest.offset, epoch: newest.epoch })
    await send(1, { version_epoch: 'another' })
    const keyed = await send(2, { version_epoch: 'another', idempotency_key: 'k' })
    await send(3, { version_epoch: 'another' })
    expect(await send(2, { version_epoch: 'another', idempotency_key: 'k' })).toEqual(keyed)
    const { publications } = await result(b, 'history', { channel: 'room:a', limit: -1 })
    const data = publications.map((one: { data: unknown }) => one.data)
    const rising = data.filter(
      (one: unknown, at: number) => typeof one === 'number' && at < data.indexOf('without'),
    )
    expect(rising).toEqual(rising.toSorted())
    expect(rising.at(-1)).toBe(7)
    expect(data.slice(data.indexOf('without'))).toEqual(['without', 1, 2, 3])
    expect((await tell(a, 'publish', { channel: 'closed:a', data: 1, version: 1 })).json.error.code).toBe(108)
  })

  it('[23.18] answers 100 while NATS is away, and what can be done without it as ever', async () => {
    const node = await start()
    const away = new Promise<void>((done) => node.broker.events.on('broker:disconnect', () => done()))
    await bench.nats.kill('SIGKILL')
    await away
    const wrong = await tell(node, 'publish', { channel: 'room:a', data: 1 })
    expect(wrong.json).toMatchObject({ error: { code: 100, temporary: true } })
    const keyed = await tell(node, 'publish', { channel: 'room:a', data: 1, idempotency_key: 'k' })
    expect(keyed.json).toMatchObject({ error: { code: 100, temporary: true } })
    expect((await result(node, 'info')).nodes).toHaveLength(1)
    await bench.nats.restart()
  })
})
