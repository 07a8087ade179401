/** What clients of HTTP transports say: posts to any gateway, for the stream that one of them holds. */
import { describe, expect, it } from '@jest/globals'
import { natsBench } from './bench.js'
import { dialects, jsonDialect } from './dialect.js'
import type { NodeOverrides, TestNode } from './harness.js'
import { ask, encodeEmulation, HttpClient, httpOf } from './http-client.js'

const connected = '{"id":2,"presence":{"channel":"room:a"}}'

describe('[15] posts to /emulation', () => {
  const bench = natsBench()

  /** Two that know each other. */
  const startTwo = async (overrides?: NodeOverrides): Promise<[TestNode, TestNode]> => {
    const one = await bench.start(overrides)
    const met = new Promise<void>((resolve) => {
      one.gateway.events.on('peer:up', () => resolve())
    })
    const two = await bench.start(overrides)
    await met
    if (two.gateway.peerCount === 0)
      await new Promise<void>((resolve) => {
        two.gateway.events.on('peer:up', () => resolve())
      })
    return [one, two]
  }

  const connect = async (
    node: TestNode,
    { dialect = jsonDialect, path = '/connection/http_stream' as const } = {},
  ): Promise<HttpClient> => {
    const client = await HttpClient.connect(node.url, path, { dialect })
    bench.atEnd(() => client.abort())
    return client
  }

  const post = (node: TestNode, body: string | Uint8Array, headers = {}) =>
    ask(httpOf(node.url, '/emulation'), { method: 'POST', body, headers })

  describe.each(dialects)('$name', (dialect) => {
    it('[15.4] work on every gateway, because a balancer does not know whose stream it is', async () => {
      const [one, two] = await startTwo()
      const client = await connect(one, { dialect })
      expect(await client.call('subscribe', { channel: 'room:a' }, two.url)).toMatchObject({ subscribe: {} })
      for (let n = 0; n < 20; n += 1)
        await client.call('publish', { channel: 'room:a', data: n }, n % 2 === 0 ? one.url : two.url)
      await client.until(() => client.publications('room:a').length === 20, 'all of them')
      expect(client.publications('room:a').map(({ data }) => data as unknown)).toEqual(
        Array.from({ length: 20 }, (_, n) => n),
      )
    })

    it('[15.4] reach another gateway whole, up to what a message may have', async () => {
      const [one, two] = await startTwo()
      const client = await connect(one, { dialect })
      const data = 'x'.repeat(50_000)
      expect(await client.call('publish', { channel: 'room:a', data }, two.url)).toMatchObject({
        publish: {},
      })
      const reader = await bench.connect(one)
      const { publications } = (await reader.call('history', { channel: 'room:a', limit: 1 }))['history']
      expect(publications).toMatchObject([{ data }])
    })

    it('[15.4] may come at the same time: each is done once, in whatever order', async () => {
      const [one, two] = await startTwo()
      const client = await connect(one, { dialect })
      const posts = Array.from({ length: 60 }, (_, n) =>
        client.post(
          [{ id: n + 2, publish: { channel: 'room:a', data: n } }],
          n % 2 === 0 ? one.url : two.url,
        ),
      )
      expect(new Set((await Promise.all(posts)).map(({ status }) => status))).toEqual(new Set([204]))
      await Promise.all(posts.map((_, n) => client.reply(n + 2)))
      const reader = await bench.connect(two)
      const { publications } = (await reader.call('history', { channel: 'room:a', limit: 100 }))['history']
      const stored = (publications as { data: number }[]).map(({ data }) => data)
      expect(stored.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, n) => n))
    })
  })

  it('[15.4] reach a gateway that was not heard of yet: a stream may begin before the first beat comes here', async () => {
    const [one, two] = await startTwo()
    const client = await connect(one)
    const forgotten = new Promise((resolve) => two.gateway.events.on('peer:down', resolve))
    const goodbye = JSON.stringify({ node: one.name, life: '', kind: 'goodbye' })
    two.broker.bus.publish('natter.p.beat', Buffer.from(goodbye))
    await forgotten
    const posted = client.post([{ id: 2, presence: { channel: 'room:a' } }], two.url)
    expect(two.gateway.peerCount).toBe(0)
    expect((await posted).status).toBe(204)
    expect(await client.reply(2)).toMatchObject({ presence: {} })
  })

  it('[15.5] say what was wrong, and change nothing: malformed, unknown node, unknown session, another method', async () => {
    const [one, two] = await startTwo()
    const client = await connect(one)
    const { session, node } = client.session
    const said = async (body: object | string, at = one): Promise<number> =>
      (await post(at, typeof body === 'string' ? body : JSON.stringify(body))).status
    const data = '{"id":9,"publish":{"channel":"room:a","data":1}}'

    for (const malformed of [
      '',
      '{',
      '[]',
      'null',
      { node, data },
      { session, data },
      { session, node },
      { session, node, data: 7 },
      { session: [], node, data },
      { session, node: {}, data },
      { session, node, data: { id: 2 } },
    ]) {
      expect([malformed, await said(malformed)]).toEqual([malformed, 400])
      expect(await said(malformed, two)).toBe(400)
    }
    for (const nobody of ['nobody', '*', '>', 'a.b', '\n', '\ud800', 'ü'.repeat(300), 'x'.repeat(50_000)])
      expect([nobody, await said({ session, node: nobody, data })]).toEqual([nobody, 404])
    for (const at of [one, two]) {
      expect(await said({ session: 'x'.repeat(32), node, data }, at)).toBe(500)
      expect(await said({ session: session.slice(1), node, data }, at)).toBe(500)
    }
    expect((await ask(httpOf(one.url, '/emulation'))).status).toBe(405)
    expect((await ask(httpOf(one.url, '/emulation'), { method: 'PUT', body: '{}' })).status).toBe(405)
    const octets = { 'content-type': 'application/octet-stream' }
    expect((await post(one, Buffer.of(0xff, 0xff), octets)).status).toBe(400)
    const unknown = encodeEmulation({ node, session: 'nope', data: Buffer.of(1) })
    expect((await post(one, unknown, octets)).status).toBe(500)

    const reader = await bench.connect(two)
    expect((await reader.call('history', { channel: 'room:a', limit: 10 }))['history'].publications).toEqual(
      [],
    )
    expect(client.ended).toBeUndefined()
    expect(client.received).toHaveLength(1)
  })

  it('[15.4] go on after a thousand for another gateway: only those on their way at once are bounded', async () => {
    const [one, two] = await startTwo()
    const client = await connect(one)
    const body = JSON.stringify({ ...client.session, session: 'another', data: '{}' })
    for (let hundreds = 0; hundreds < 11; hundreds += 1) {
      const posts = Array.from({ length: 100 }, async () => (await post(two, body)).status)
      expect(new Set(await Promise.all(posts))).toEqual(new Set([500]))
    }
    expect(await client.call('presence', { channel: 'room:a' }, two.url)).toMatchObject({ presence: {} })
  })

  it('[15.5] to a gateway that has just died are answered with an error, not with silence', async () => {
    const [one, two] = await startTwo()
    const client = await connect(one)
    const { session, node } = client.session
    await one.gateway.stop()
    const answer = await post(two, JSON.stringify({ session, node, data: connected }))
    expect([404, 500]).toContain(answer.status)
  })

  it('[15.5] of a session that has ended are refused', async () => {
    const [one, two] = await startTwo()
    const client = await connect(one)
    const { session, node } = client.session
    const closed = new Promise((resolve) => one.gateway.events.on('connection:close', resolve))
    client.abort()
    await closed
    for (const at of [one, two])
      expect((await post(at, JSON.stringify({ session, node, data: connected }))).status).toBe(500)
  })

  it('[15.6] count like messages of a WebSocket: who floods is closed with 3013', async () => {
    const [one, two] = await startTwo({ client: { commandBurst: 50, commandRate: 1 } })
    const client = await connect(one)
    const flood = Array.from({ length: 60 }, (_, n) => ({ id: n + 2, rpc: { method: 'x' } }))
    await client.post(flood.slice(0, 30))
    await client.post(flood.slice(30), two.url)
    expect(await client.disconnect()).toEqual({ code: 3013, reason: 'too many requests' })
  })

  it('[15.6] that are not the protocol end the stream with 3501, and in the other encoding too', async () => {
    const [one] = await startTwo()
    const [garbled, mistaken] = [await connect(one), await connect(one)]
    await post(one, JSON.stringify({ ...garbled.session, data: 'garbage' }))
    expect(await garbled.disconnect()).toEqual({ code: 3501, reason: 'bad request' })
    const body = encodeEmulation({ ...mistaken.session, data: Buffer.of(0) })
    await post(one, body, { 'content-type': 'application/octet-stream' })
    expect(await mistaken.disconnect()).toEqual({ code: 3501, reason: 'bad request' })
  })

  it('are counted by what became of them', async () => {
    const [one] = await startTwo()
    const outcomes: string[] = []
    one.gateway.events.on('emulation:request', ({ outcome }) => outcomes.push(outcome))
    const client = await connect(one)
    await client.call('presence', { channel: 'room:a' })
    await post(one, 'x')
    expect(outcomes).toEqual(['taken', 'malformed'])
  })
})
