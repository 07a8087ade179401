/** The gateway's own rpc `natter.publish`: a publish that its client may repeat. */
import { describe, expect, it } from '@jest/globals'
import { memoryBench } from './bench.js'
import { FakeApp, type Answers } from './fake-app.js'
import { RawClient, type Incoming, type TestNode } from './harness.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('a publish with a key', () => {
  const bench = memoryBench()

  const startWith = (answers: Answers): Promise<TestNode> => bench.start({ hooks: new FakeApp(answers) })

  const as = async (node: TestNode, user: string): Promise<RawClient> => {
    const client = await bench.keep(RawClient.open(node.url))
    await client.call('connect', { token: user })
    return client
  }

  const once = (client: RawClient, channel: string, data: unknown, key: unknown = 'k'): Promise<Incoming> =>
    client.call('rpc', { method: 'natter.publish', data: { channel, data, key } })

  const stored = async (client: RawClient, channel: string): Promise<unknown[]> => {
    const { history } = await client.call('history', { channel, limit: -1 })
    return (history.publications as Incoming[]).map((one) => one['data'] as unknown)
  }

  const asUser: Answers = { connect: ({ token = '' }) => ({ user: token }) }

  it('[9.18] is stored once, and a repeat on any gateway answers the first place: a client whose answer was lost may ask again', async () => {
    const [one, two] = [await startWith(asUser), await startWith(asUser)]
    const [here, there] = [await as(one, 'ana'), await as(two, 'ana')]
    const first = await once(here, 'deep:a', { n: 1 })
    expect(first['rpc'].data).toEqual({ offset: expect.any(Number), epoch: expect.any(String) })
    await once(here, 'deep:a', { n: 2 }, 'other')
    expect((await once(there, 'deep:a', { n: 1 }))['rpc']).toEqual(first['rpc'])
    expect(await stored(there, 'deep:a')).toEqual([{ n: 1 }, { n: 2 }])
  })

  it('[9.18] counts for one user in one channel: nobody takes away what another one says', async () => {
    const node = await startWith(asUser)
    const [ana, ben] = [await as(node, 'ana'), await as(node, 'ben')]
    await once(ana, 'deep:a', 'of ana')
    await once(ben, 'deep:a', 'of ben')
    await once(ben, 'deep:b', 'elsewhere')
    expect(await stored(ana, 'deep:a')).toEqual(['of ana', 'of ben'])
    expect(await stored(ana, 'deep:b')).toEqual(['elsewhere'])
  })

  it('[9.18] of an anonymous client counts with its data: whoever says something else under the same key is heard', async () => {
    const node = await bench.start()
    const [one, two] = [await bench.connect(node), await bench.connect(node)]
    const first = await once(one, 'deep:a', 'one')
    expect((await once(one, 'deep:a', 'one'))['rpc']).toEqual(first['rpc'])
    await once(two, 'deep:a', 'two')
    expect(await stored(one, 'deep:a')).toEqual(['one', 'two'])
  })

  it('[9.18] counts in place of an id in the data: what was asked to be told apart is', async () => {
    const client = await bench.connect(await bench.start())
    for (const key of ['one', 'one', 'two']) await once(client, 'room:a', { id: 'same' }, key)
    expect(await stored(client, 'room:a')).toEqual([{ id: 'same' }, { id: 'same' }])
  })

  it('[9.18] is answered {} where nothing is kept', async () => {
    const client = await bench.connect(await bench.start())
    expect((await once(client, 'anything', 1))['rpc']).toEqual({ data: {} })
  })

  it('[9.18] is refused as a publish is: permission, unknown namespace, a format that the namespace does not take', async () => {
    const client = await bench.connect(await bench.start())
    expect((await once(client, 'closed:a', 1))['error']).toMatchObject({ code: 103 })
    expect((await once(client, 'nowhere:a', 1))['error']).toMatchObject({ code: 102 })
  })

  it.each([
    ['without a key', { channel: 'deep:a', data: 1 }],
    ['with an empty key', { channel: 'deep:a', data: 1, key: '' }],
    ['with a key that is no text', { channel: 'deep:a', data: 1, key: 1 }],
    ['with a key of over 128 characters', { channel: 'deep:a', data: 1, key: 'k'.repeat(129) }],
    ['without data', { channel: 'deep:a', key: 'k' }],
    ['without a channel', { data: 1, key: 'k' }],
    ['with tags: those are for apps to set', { channel: 'deep:a', data: 1, key: 'k', tags: { a: 'b' } }],
    ['that is no object', ['deep:a', 1, 'k']],
  ])('[9.18] %s is error 107, and nothing is stored', async (_what, data) => {
    const client = await bench.connect(await bench.start())
    expect((await client.call('rpc', { method: 'natter.publish', data }))['error']).toMatchObject({
      code: 107,
    })
    expect(await stored(client, 'deep:a')).toEqual([])
  })

  it('[9.18] passes the data on as they were written, digits that JavaScript does not have included', async () => {
    const client = await bench.connect(await bench.start())
    const raw = '{"n":12345678901234567890.10,"text":"\\u0041"}'
    client.socket.send(
      `{"id":77,"rpc":{"method":"natter.publish","data":{"key":"k","channel":"deep:a","data":${raw}}}}`,
    )
    await client.until(() => client.received.some((one) => one['id'] === 77), 'the answer')
    const asWritten = new Promise<string>((resolve) =>
      client.socket.on('message', (data: Buffer) => resolve(data.toString())),
    )
    client.start('history', { channel: 'deep:a', limit: 1 })
    expect(await asWritten).toContain(raw)
  })

  it('[9.18] [9.3] is asked about where an app answers publishes, and a repeat that is asked again is stored once', async () => {
    const node = await startWith({
      ...asUser,
      'publish deep': ({ data }) => ({ data: bytes(`{"said":${new TextDecoder().decode(data)}}`) }),
    })
    const ana = await as(node, 'ana')
    const first = await once(ana, 'deep:a', 'hi')
    expect((await once(ana, 'deep:a', 'hi'))['rpc']).toEqual(first['rpc'])
    expect(await stored(ana, 'deep:a')).toEqual([{ said: 'hi' }])
  })

  it('[9.18] [9.3] keeps its place among the publishes of its connection', async () => {
    let letGo = (): void => {}
    const held = new Promise<void>((resolve) => (letGo = resolve))
    const node = await startWith({
      ...asUser,
      'publish deep': async ({ data }) => {
        if (new TextDecoder().decode(data) === '1') await held
        return {}
      },
    })
    const ana = await as(node, 'ana')
    const answers = [
      ana.call('publish', { channel: 'deep:a', data: 1 }),
      once(ana, 'deep:a', 2),
      ana.call('publish', { channel: 'deep:a', data: 3 }),
    ]
    letGo()
    await Promise.all(answers)
    expect(await stored(ana, 'deep:a')).toEqual([1, 2, 3])
  })

  it('[9.18] is there where no app has any rpc, and no app can take its name', async () => {
    const client = await bench.connect(await bench.start())
    expect((await client.call('rpc', { method: 'another' }))['error']).toMatchObject({ code: 108 })
    const node = await startWith({ 'rpc natter.publish': () => ({ data: bytes('"mine"') }) })
    const other = await bench.connect(node)
    expect((await once(other, 'deep:a', 1))['rpc'].data).toHaveProperty('offset')
  })
})
