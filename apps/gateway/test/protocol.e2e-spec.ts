import { describe, expect, it } from '@jest/globals'
import { SignJWT } from 'jose'
import { memoryBench } from './bench.js'
import { jsonDialect, protobufDialect } from './dialect.js'
import { RawClient, type NodeOverrides } from './harness.js'

const secret = 'a secret of this test'

const token = (claims: object, expiresIn?: string): Promise<string> => {
  const jwt = new SignJWT(claims as Record<string, unknown>).setProtectedHeader({ alg: 'HS256' })
  return (expiresIn === undefined ? jwt : jwt.setExpirationTime(expiresIn)).sign(
    new TextEncoder().encode(secret),
  )
}

describe('the door and the frames', () => {
  const bench = memoryBench()
  const { start: node, keep } = bench
  const connected = async (overrides?: NodeOverrides): Promise<RawClient> =>
    bench.connect(await node(overrides))

  describe('[1] the door', () => {
    it('[1.2] lets a browser in only from an allowed origin, because a page elsewhere acts with the cookies of its visitor', async () => {
      const { url } = await node()
      await keep(RawClient.open(url, { headers: { origin: 'https://good.example' } }))
      await expect(RawClient.open(url, { headers: { origin: 'https://evil.example' } })).rejects.toThrow(
        '403',
      )
    })

    it.each(['centrifuge-json', 'centrifuge-protobuf'])(
      '[1.1] echoes the subprotocol that it speaks, or browsers fail the handshake: %s',
      async (protocol) => {
        const client = await keep(RawClient.open((await node()).url, { protocol }))
        expect(client.socket.protocol).toBe(protocol)
      },
    )

    it.each(['format=protobuf', 'cf_protocol=protobuf'])(
      '[1.1] speaks Protobuf to who asks for it in the query, where no subprotocol can be offered: %s',
      async (query) => {
        const dialect = { ...protobufDialect, protocol: undefined }
        const client = await keep(RawClient.open(`${(await node()).url}?${query}`, { dialect }))
        expect((await client.call('connect', {}))['connect']).toMatchObject({ ping: 25, pong: true })
      },
    )

    it('answers 503 when the node is full, so that the SDK tries again elsewhere', async () => {
      const { url } = await node({ maxConnections: 1 })
      await keep(RawClient.open(url))
      await expect(RawClient.open(url)).rejects.toThrow('503')
    })

    it('says 404 on another path', async () => {
      const { url } = await node()
      await expect(RawClient.open(url.replace('/connection/websocket', '/elsewhere'))).rejects.toThrow('404')
    })
  })

  describe('[2] frames in JSON', () => {
    it.each([
      ['an empty message', ''],
      ['no JSON', 'hello'],
      ['a wrong type', '{"id":2,"subscribe":{"channel":7}}'],
      ['a blank line between commands', '{"id":2,"rpc":{}}\n\n{"id":3,"rpc":{}}'],
    ])('[2.1] [2.8] closes with 3501 on %s', async (_, text) => {
      const client = await connected()
      client.text(text)
      expect(await client.close()).toEqual({ code: 3501, reason: 'bad request' })
    })

    it('[2.1] closes with 3501 on a binary message, which no JSON client sends', async () => {
      const client = await connected()
      client.socket.send(Buffer.from('{"id":2,"rpc":{}}'), { binary: true })
      expect((await client.close()).code).toBe(3501)
    })

    it('[20.1] closes with 1009 on a message beyond 64 KiB, which SDKs take as final', async () => {
      const client = await connected()
      client.text(`{"id":2,"publish":{"channel":"room:a","data":"${'x'.repeat(70_000)}"}}`)
      expect((await client.close()).code).toBe(1009)
    })

    it('[2.5] hands data through byte for byte, duplicate keys and odd numbers included', async () => {
      const client = await connected()
      await client.call('subscribe', { channel: 'room:a' })
      const data = String.raw`{"a":1,"a":2,"n":1E2,"big":12345678901234567890,"s":"\u0000\ud800"}`
      const texts: string[] = []
      client.socket.on('message', (message: Buffer) => texts.push(message.toString()))
      client.text(`{"id":9,"publish":{"channel":"room:a","data":${data}}}`)
      await client.until(() => client.publications('room:a')[0], 'the publication')
      expect(texts.some((text) => text.includes(`"data":${data}`))).toBe(true)
    })
  })

  describe('[2] frames in Protobuf', () => {
    const speaking = async (): Promise<RawClient> => {
      const client = await keep(RawClient.open((await node()).url, { dialect: protobufDialect }))
      await client.call('connect', {})
      return client
    }

    it.each([
      ['an empty message', []],
      ['a length without its command', [5]],
      ['a length beyond the end', [5, 8, 1]],
      ['a field that leads out of its command', [4, 8, 1, 0x2a, 9]],
      ['a field without a number', [2, 2, 0]],
      ['a channel of a wrong type', [6, 8, 2, 0x2a, 2, 8, 7]],
      ['a channel that is not UTF-8', [7, 8, 2, 0x2a, 3, 10, 1, 0xff]],
      ['a broken command behind a good one', [4, 8, 2, 0x6a, 0, 1]],
    ])('[2.9] [2.12] closes with 3501 on %s, and handles nothing of the message', async (_, message) => {
      const client = await speaking()
      client.socket.send(Uint8Array.from(message), { binary: true })
      expect(await client.close()).toEqual({ code: 3501, reason: 'bad request' })
      expect(client.received).toHaveLength(1)
    })

    it('[2.9] closes with 3501 on a text message, which no Protobuf client sends', async () => {
      const client = await speaking()
      client.text('{"id":2,"rpc":{}}')
      expect((await client.close()).code).toBe(3501)
    })

    it('[2.10] writes each reply behind its length, and pings with a single zero', async () => {
      const { url } = await node({ client: { pingIntervalMs: 1_000, pongTimeoutMs: 300 } })
      const client = await keep(RawClient.open(url, { dialect: protobufDialect }))
      const messages: string[] = []
      client.socket.on('message', (message: Buffer) => messages.push(message.toString('hex')))
      await client.call('connect', {})
      await client.call('unsubscribe', { channel: 'room:a' })
      expect(messages[1]).toBe('0408023a00')
      await client.until(() => client.received.length > 2, 'a ping')
      expect(messages[2]).toBe('00')
    })
  })
})

describe.each([jsonDialect, protobufDialect])('the protocol, for clients that speak $name', (dialect) => {
  const bench = memoryBench()
  const { start: node } = bench
  const open = (url: string): Promise<RawClient> => bench.keep(RawClient.open(url, { dialect }))
  const connectTo = async (url: string, request: object = {}): Promise<RawClient> => {
    const client = await open(url)
    await client.call('connect', request)
    return client
  }
  const connected = async (overrides?: NodeOverrides): Promise<RawClient> =>
    connectTo((await node(overrides)).url)

  describe('[3] the order of things', () => {
    it('[3.2] takes connect and subscribe in one frame, because SDKs send them so', async () => {
      const client = await open((await node()).url)
      client.send({ id: 1, connect: {} }, { id: 2, subscribe: { channel: 'room:a' } })
      expect((await client.reply(1))['connect'].client).toMatch(/^[0-9a-f-]{36}$/)
      expect((await client.reply(2))['subscribe']).toMatchObject({ recoverable: true, positioned: true })
      expect(client.received.findIndex((m) => m['id'] === 1)).toBeLessThan(
        client.received.findIndex((m) => m['id'] === 2),
      )
    })

    it.each([
      ['a command', { id: 1, rpc: {} }],
      ['a pong', {}],
    ])('[3.3] closes with 3501 on %s before connect', async (_, command) => {
      const client = await open((await node()).url)
      client.send(command)
      expect((await client.close()).code).toBe(3501)
    })

    it('[3.3] closes with 3501 on a second connect', async () => {
      const client = await connected()
      client.send({ id: 2, connect: {} })
      expect((await client.close()).code).toBe(3501)
    })

    it('[3.4] closes with 3501 on a pong that nobody asked for', async () => {
      const client = await connected()
      client.send({})
      expect((await client.close()).code).toBe(3501)
    })

    it.each([
      ['[3.5] an unknown request', { id: 5, dance: {} }, 3501],
      ['[3.6] a missing channel', { id: 5, subscribe: {} }, 3501],
      ['[9.12] send, which nobody handles', { send: { data: 1 } }, 3508],
    ])('closes on %s', async (_, command, code) => {
      const client = await connected()
      client.send(command)
      expect((await client.close()).code).toBe(code)
    })

    it('[3.7] handles nothing that came behind the command that closed the connection, or it would haunt the channel', async () => {
      const { url } = await node()
      const ghost = await open(url)
      ghost.send(
        { id: 1, connect: {} },
        { send: { data: 1 } },
        { id: 2, subscribe: { channel: 'room:a' } },
        { id: 3, publish: { channel: 'room:a', data: 'boo' } },
      )
      expect((await ghost.close()).code).toBe(3508)
      const client = await connectTo(url)
      expect((await client.call('presence', { channel: 'room:a' }))['presence']).toEqual({ presence: {} })
      expect((await client.call('history', { channel: 'room:a', limit: 5 }))['history'].publications).toEqual(
        [],
      )
    })

    it('[3.8] [20.16] closes a socket that never connects with 3502, so that idle handshakes hold nothing', async () => {
      const client = await open((await node({ client: { staleCloseMs: 50 } })).url)
      expect(await client.close()).toEqual({ code: 3502, reason: 'stale' })
    })

    it('[9.11] answers rpc with 108 while there are no handlers, as a js SDK test expects', async () => {
      expect((await (await connected()).call('rpc', { method: 'x' }))['error'].code).toBe(108)
    })

    it('[20.11] answers 111 beyond the commands that may be in work at once, instead of queueing without end', async () => {
      const client = await connected({ client: { maxInFlight: 2 } })
      client.send(...[11, 12, 13, 14].map((id) => ({ id, history: { channel: 'room:a' } })))
      expect((await client.reply(14))['error']).toEqual({
        code: 111,
        message: 'too many requests',
        temporary: true,
      })
      expect((await client.reply(11))['history']).toBeDefined()
    })
  })

  describe('[4] who connects', () => {
    it('[4.2] closes with 3501 without token, unless anonymous clients are allowed', async () => {
      const client = await open((await node({ client: { allowAnonymous: false } })).url)
      client.send({ id: 1, connect: {} })
      expect((await client.close()).code).toBe(3501)
    })

    it('[4.1] [4.6] believes a token with the right signature, and tells when it ends', async () => {
      const { url } = await node({ secret, client: { allowAnonymous: false } })
      const client = await open(url)
      const { connect } = await client.call('connect', {
        token: await token({ sub: 'ana', info: { name: 'Ana' } }, '60s'),
      })
      expect(connect).toMatchObject({ expires: true, ping: 25, pong: true })
      expect(connect.ttl).toBeGreaterThan(55)
      await client.call('subscribe', { channel: 'room:a' })
      const { presence } = await client.call('presence', { channel: 'room:a' })
      expect(Object.values(presence.presence)).toMatchObject([{ user: 'ana', conn_info: { name: 'Ana' } }])
    })

    it('[4.1] [3.7] closes with 3500 on a forged token, and answers 109 to an expired one, so that the SDK fetches another', async () => {
      const { url } = await node({ secret })
      const forger = await open(url)
      forger.send({ id: 1, connect: { token: `${await token({ sub: 'ana' })}x` } })
      expect((await forger.close()).code).toBe(3500)
      const late = await open(url)
      expect((await late.call('connect', { token: await token({ sub: 'ana' }, '-1s') }))['error'].code).toBe(
        109,
      )
      late.send({ id: 2, rpc: {} })
      expect((await late.close()).code).toBe(3501)
    })

    it('[9.13] closes with 3005 when a token ended and was not refreshed, and not when it was', async () => {
      const { url } = await node({ secret, client: { expiredCloseDelayMs: 0 } })
      const expiresSoon = await token({ sub: 'ana', exp: Math.floor(Date.now() / 1000) + 2 })
      const [kept, lost] = [await open(url), await open(url)]
      await Promise.all([
        kept.call('connect', { token: expiresSoon }),
        lost.call('connect', { token: expiresSoon }),
      ])
      const { refresh } = await kept.call('refresh', { token: await token({ sub: 'ana' }, '1h') })
      expect(refresh).toMatchObject({ expires: true })
      expect((await lost.close()).code).toBe(3005)
      expect((await kept.call('rpc', {}))['error'].code).toBe(108)
    })

    it('[9.13] closes with 3501 on a refresh without a token', async () => {
      const client = await connected()
      client.start('refresh', {})
      expect((await client.close()).code).toBe(3501)
    })

    it('[9.13] closes with 3500 on a refresh for somebody else', async () => {
      const { url } = await node({ secret })
      const client = await connectTo(url, { token: await token({ sub: 'ana' }) })
      client.start('refresh', { token: await token({ sub: 'eve' }) })
      expect((await client.close()).code).toBe(3500)
    })
  })

  describe('[5] ping and pong', () => {
    it('[5.2] [20.15] keeps a client that answers, and closes one that does not with 3012', async () => {
      const { url } = await node({ client: { pingIntervalMs: 1_000, pongTimeoutMs: 300 } })
      const [alive, silent] = [await connectTo(url), await connectTo(url)]
      const isPing = (message: object | undefined): boolean =>
        message !== undefined && Object.keys(message).length === 0
      alive.socket.on('message', () => {
        if (isPing(alive.received.at(-1))) alive.send({})
      })
      expect(await silent.close()).toEqual({ code: 3012, reason: 'no pong' })
      await alive.until(() => alive.received.filter(isPing).length >= 3, 'three pings')
      expect(alive.closed).toBeUndefined()
    })
  })

  describe('[7.2] subscribe is checked', () => {
    it.each([
      ['a name over 255 bytes', `room:${'x'.repeat(260)}`, 107],
      ['an unknown namespace', 'nowhere:a', 102],
      ['a name beyond ASCII', 'room:ñ', 107],
      ['a control character', 'room:a\u0007', 107],
      ['a private channel without token', '$room:a', 103],
      ['a namespace that allows nobody', 'closed:a', 103],
    ])('%s', async (_, channel, code) => {
      expect((await (await connected()).call('subscribe', { channel }))['error'].code).toBe(code)
    })

    it('[7.2] answers 105 to a second one, also while the first is on its way', async () => {
      const client = await connected()
      const [first, second] = [
        client.start('subscribe', { channel: 'room:a' }),
        client.start('subscribe', { channel: 'room:a' }),
      ]
      expect((await client.reply(second))['error'].code).toBe(105)
      expect((await client.reply(first))['subscribe']).toBeDefined()
    })

    it('[7.2] [20.4] answers 106 beyond the channels a client may have', async () => {
      const client = await connected({ client: { maxChannels: 2 } })
      await Promise.all([
        client.call('subscribe', { channel: 'room:a' }),
        client.call('subscribe', { channel: 'room:b' }),
      ])
      expect((await client.call('subscribe', { channel: 'room:c' }))['error'].code).toBe(106)
    })

    it('[7.1] refuses what it does not know yet: types other than stream, tags filters; delta is silently off', async () => {
      const client = await connected()
      expect((await client.call('subscribe', { channel: 'room:a', type: 1 }))['error'].code).toBe(108)
      expect(
        (await client.call('subscribe', { channel: 'room:a', tf: { key: 'a', cmp: 'ex' } }))['error'].code,
      ).toBe(107)
      expect(
        (await client.call('subscribe', { channel: 'room:a', delta: 'fossil' }))['subscribe'].delta,
      ).toBeUndefined()
    })
  })

  describe('[9] the other commands', () => {
    it('[9.6] [3.9] unsubscribe is idempotent, and nothing of the channel follows its reply', async () => {
      const { url } = await node()
      const [client, other] = [await connectTo(url), await connectTo(url)]
      expect((await client.call('unsubscribe', { channel: 'room:never' }))['unsubscribe']).toEqual({})
      await client.call('subscribe', { channel: 'room:a' })
      await client.call('unsubscribe', { channel: 'room:a' })
      await other.call('publish', { channel: 'room:a', data: {} })
      await client.call('rpc', {})
      expect(client.pushes('room:a')).toEqual([])
    })

    it('[3.10] an unsubscribe right behind its subscribe is answered after it and wins', async () => {
      const client = await connected()
      const [subscribe, unsubscribe] = [
        client.start('subscribe', { channel: 'room:a' }),
        client.start('unsubscribe', { channel: 'room:a' }),
      ]
      await client.reply(unsubscribe)
      expect((await client.reply(subscribe))['subscribe']).toBeDefined()
      await client.call('publish', { channel: 'room:a', data: 1 })
      await client.call('rpc', {})
      expect(client.pushes('room:a')).toEqual([])
    })

    it('[3.10] subscribe, unsubscribe, subscribe in one breath end subscribed, as a page that mounts twice needs it', async () => {
      const client = await connected()
      const ids = ['subscribe', 'unsubscribe', 'subscribe'].map((method) =>
        client.start(method, { channel: 'room:a' }),
      )
      for (const id of ids) expect((await client.reply(id))['error']).toBeUndefined()
      await client.call('publish', { channel: 'room:a', data: 1 })
      await client.until(() => client.publications('room:a').length === 1, 'the publication')
    })

    it('[9.7] [3.1] publish needs data and the right; a right for subscribers waits for the subscribe before it', async () => {
      const client = await connected()
      expect((await client.call('publish', { channel: 'room:a' }))['error'].code).toBe(107)
      expect((await client.call('publish', { channel: 'closed:a', data: 1 }))['error'].code).toBe(103)
      expect((await client.call('publish', { channel: 'members:a', data: 1 }))['error'].code).toBe(103)
      client.start('subscribe', { channel: 'members:a' })
      expect((await client.call('publish', { channel: 'members:a', data: 1 }))['publish']).toEqual({})
    })

    it('[9.10] [9.15] history pages both ways, by position, and refuses another epoch with 112', async () => {
      const client = await connected()
      for (let n = 0; n < 7; n += 1) await client.call('publish', { channel: 'room:a', data: n })
      const read = async (request: object) =>
        (await client.call('history', { channel: 'room:a', ...request }))['history']
      const data = (history: { publications: { data: number }[] }) => history.publications.map((p) => p.data)
      const all = await read({ limit: -1 })
      expect(data(all)).toEqual([0, 1, 2, 3, 4, 5, 6])
      expect(await read({})).toEqual({ publications: [], offset: all.offset, epoch: all.epoch })
      const since = { offset: all.publications[2].offset, epoch: all.epoch }
      expect(data(await read({ limit: 2, since }))).toEqual([3, 4])
      expect(data(await read({ limit: 2, reverse: true }))).toEqual([6, 5])
      expect(data(await read({ limit: 9, reverse: true, since }))).toEqual([1, 0])
      expect(
        (await client.call('history', { channel: 'room:a', limit: 1, since: { offset: 1, epoch: 'other' } }))[
          'error'
        ].code,
      ).toBe(112)
      expect(
        (await client.call('history', { channel: 'room:a', reverse: true, since: { offset: 0, epoch: '' } }))[
          'error'
        ].code,
      ).toBe(107)
      expect((await client.call('history', { channel: 'plain', limit: 1 }))['error'].code).toBe(108)
    })

    it('[9.1] a capped history pages forward from where it begins, without leaping over what does not fit a page', async () => {
      const client = await connected()
      const data = 'x'.repeat(4_000)
      for (let n = 0; n < 300; n += 1) await client.call('publish', { channel: 'deep:a', data })
      const seen: number[] = []
      for (;;) {
        const since = seen.length === 0 ? {} : { since: { offset: seen.at(-1), epoch: '' } }
        const { history } = await client.call('history', { channel: 'deep:a', limit: -1, ...since })
        if (history.publications.length === 0) break
        seen.push(...history.publications.map((p: { offset: number }) => p.offset))
      }
      expect(seen).toEqual(Array.from({ length: 300 }, (_, n) => (seen[0] ?? 0) + n))
    })

    it('[9.15] history_size bounds what may be read', async () => {
      const client = await connected()
      for (let n = 0; n < 8; n += 1) await client.call('publish', { channel: 'capped:a', data: n })
      const { history } = await client.call('history', { channel: 'capped:a', limit: -1 })
      expect(history.publications.map((p: { data: number }) => p.data)).toEqual([3, 4, 5, 6, 7])
    })
  })

  it('a connection that closed leaves nothing behind on its node', async () => {
    const { url, gateway } = await node()
    const [stays, goes] = [await connectTo(url), await connectTo(url)]
    for (const channel of ['room:a', 'joins:b', 'plain']) await goes.call('subscribe', { channel })
    const counts = (): number[] => [
      gateway.connectionCount,
      gateway.hub.connectionCount,
      gateway.hub.subscriptionCount,
    ]
    expect(counts()).toEqual([2, 2, 3])
    const closed = new Promise<void>((resolve) => gateway.events.on('connection:close', () => resolve()))
    goes.end()
    await closed
    expect(counts()).toEqual([1, 1, 0])
    expect((await stays.call('presence', { channel: 'plain' }))['presence']).toEqual({ presence: {} })
  })

  describe('[10] pushes', () => {
    it('[10.1] does not tell of joins who did not ask and was not made to listen', async () => {
      const { url } = await node()
      const [ana, ben] = [await connectTo(url), await connectTo(url)]
      await ana.call('subscribe', { channel: 'room:a' })
      await ben.call('subscribe', { channel: 'room:a', join_leave: true })
      await ben.until(
        () => ben.pushes('room:a').some((push) => push['join'] !== undefined),
        'the join for who asked',
      )
      await ana.call('rpc', {})
      expect(ana.pushes('room:a')).toEqual([])
    })

    it('[10.1] join and leave reach subscribers on every node, the own join included', async () => {
      const [one, two] = [await node(), await node()]
      const ana = await connectTo(one.url)
      await ana.call('subscribe', { channel: 'joins:a' })
      await ana.until(() => ana.pushes('joins:a').some((push) => push['join'] !== undefined), 'the own join')
      const ben = await connectTo(two.url)
      await ben.call('subscribe', { channel: 'joins:a' })
      await ana.until(
        () => ana.pushes('joins:a').filter((push) => push['join'] !== undefined).length === 2,
        'the join of the other',
      )
      ben.end()
      await ana.until(() => ana.pushes('joins:a').some((push) => push['leave'] !== undefined), 'the leave')
    })
  })
})
