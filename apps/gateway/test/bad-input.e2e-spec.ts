import { describe, expect, it } from '@jest/globals'
import { NoTokens, type TokenVerifier } from '@natter/auth'
import { eventually, MisbehavingPeer, opcodes } from '@natter/testing'
import { SignJWT } from 'jose'
import { connect as connectTcp } from 'node:net'
import { memoryBench } from './bench.js'
import { held } from './fake-app.js'
import { RawClient, type TestNode } from './harness.js'

const hello = '{"id":1,"connect":{}}'
const secret = 'a secret of this test'

const token = (claims: Record<string, unknown>): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(secret))

const seconds = (fromNow: number): number => Math.floor(Date.now() / 1_000) + fromNow

describe('what a client may do wrong', () => {
  const bench = memoryBench()
  const { start: node } = bench
  const connected = (url: string, request?: object): Promise<RawClient> =>
    bench.keep(RawClient.connect(url, request))
  const opened = (url: string): Promise<RawClient> => bench.keep(RawClient.open(url))
  /** On a bare TCP socket, connected. */
  const peer = async ({ url }: TestNode): Promise<MisbehavingPeer> => {
    const one = await MisbehavingPeer.connect({
      port: Number(new URL(url).port),
      path: new URL(url).pathname,
    })
    bench.atEnd(() => one.destroy())
    one.send(hello)
    await one.received(1)
    return one
  }
  const expectServing = async ({ url, gateway }: TestNode, others: number): Promise<void> => {
    const client = await connected(url)
    await client.call('subscribe', { channel: 'room:after' })
    await client.call('publish', { channel: 'room:after', data: 1 })
    await client.until(() => client.publications('room:after').length === 1, 'a publication')
    await eventually(() => gateway.connectionCount === 1 + others)
    expect(gateway.hub.subscriptionCount).toBe(1)
    expect(gateway.hub.channelCount).toBe(1)
  }

  describe('ends its own connection, and the node goes on', () => {
    it.each<[string, string, number]>([
      ['not JSON', 'hello', 3501],
      ['an empty message', '', 3501],
      ['a newline alone', '\n', 3501],
      ['null', 'null', 3501],
      ['an array', '[{"id":2,"rpc":{}}]', 3501],
      ['a number', '7', 3501],
      ['text', '"connect"', 3501],
      ['a blank line between commands', '{"id":2,"rpc":{}}\n\n{"id":3,"rpc":{}}', 3501],
      ['two newlines at the end', '{"id":2,"rpc":{}}\n\n', 3501],
      ['a byte order mark', '\ufeff{"id":2,"rpc":{}}', 3501],
      ['an id below 0', '{"id":-1,"rpc":{}}', 3501],
      ['an id above 2^32', '{"id":4294967296,"rpc":{}}', 3501],
      ['an id with a fraction', '{"id":1.5,"rpc":{}}', 3501],
      ['an id beyond all numbers', '{"id":1e999,"rpc":{}}', 3501],
      ['an id as text', '{"id":"2","rpc":{}}', 3501],
      ['a channel that is a number', '{"id":2,"subscribe":{"channel":7}}', 3501],
      ['a channel that is an object', '{"id":2,"publish":{"channel":{},"data":1}}', 3501],
      ['no channel', '{"id":2,"subscribe":{}}', 3501],
      ['a request that is a list', '{"id":2,"subscribe":["room:a"]}', 3501],
      ['a position below 0', '{"id":2,"subscribe":{"channel":"room:a","offset":-1}}', 3501],
      ['a position beyond 2^53', '{"id":2,"subscribe":{"channel":"room:a","offset":9007199254740993}}', 3501],
      ['an id without a request', '{"id":2}', 3501],
      ['a request that nobody knows', '{"id":2,"explode":{}}', 3501],
      ['a ping command', '{"id":2,"ping":{}}', 3501],
      ['a pong that nobody asked for', '{}', 3501],
      ['a second connect', '{"id":2,"connect":{}}', 3501],
      ['a refresh without token', '{"id":2,"refresh":{}}', 3501],
      ['a delta that nobody knows', '{"id":2,"subscribe":{"channel":"room:a","delta":"xor"}}', 3501],
      ['send, where nothing listens', '{"send":{"data":1}}', 3508],
      ['JSON nested 30,000 deep and cut off', `{"id":2,"rpc":{"data":${'['.repeat(30_000)}`, 3501],
      ['more pings in a message than it may send commands', '{}\n'.repeat(20_000), 3013],
      ['more bad lines in a message than it may send commands', '?\n'.repeat(20_000), 3013],
      ['blank lines only', '\n'.repeat(60_000), 3013],
      ['a message above 64 KiB', 'x'.repeat(65_537), 1009],
      ['a message of 1 MiB', 'x'.repeat(1_048_576), 1009],
      ['a message above 1 MiB, which the library cuts', 'x'.repeat(1_048_577), 1006],
    ])('%s', async (_, text, code) => {
      const one = await node()
      const client = await connected(one.url)
      client.text(text)
      expect((await client.close()).code).toBe(code)
      await expectServing(one, 0)
    })

    it.each<[string, (peer: MisbehavingPeer) => void, number]>([
      ['binary, on a JSON connection', (one) => one.send(Buffer.from('{"id":2,"rpc":{}}')), 3501],
      ['an empty binary message', (one) => one.send(new Uint8Array(0)), 3501],
      [
        'text that is not UTF-8',
        (one) => one.sendFrame({ opcode: opcodes.text, payload: Uint8Array.of(0x22, 0xff, 0x22) }),
        1006,
      ],
      [
        'a message in fragments that together are above 64 KiB',
        (one) => {
          const payload = Buffer.alloc(40_000, 'x')
          one.sendFrame({ opcode: opcodes.text, payload, fin: false })
          one.sendFrame({ opcode: opcodes.continuation, payload })
        },
        1009,
      ],
      [
        '[20.2] fragments without end, which the library cuts',
        (one) => {
          const payload = Buffer.alloc(60_000, 'x')
          one.sendFrame({ opcode: opcodes.text, payload, fin: false })
          for (let n = 0; n < 20; n += 1) one.sendFrame({ opcode: opcodes.continuation, payload, fin: false })
        },
        1006,
      ],
      [
        'a continuation of nothing',
        (one) => one.sendFrame({ opcode: opcodes.continuation, payload: Buffer.from('{}') }),
        1006,
      ],
      [
        'a control frame that is too long',
        (one) => one.sendFrame({ opcode: opcodes.ping, payload: Buffer.alloc(126) }),
        1006,
      ],
      [
        'a control frame in fragments',
        (one) => one.sendFrame({ opcode: opcodes.ping, payload: Buffer.alloc(1), fin: false }),
        1006,
      ],
      ['an opcode that is reserved', (one) => one.sendFrame({ opcode: 3, payload: Buffer.alloc(1) }), 1006],
      ['reserved bits', (one) => one.sendBytes(Uint8Array.of(0xf1, 0x80, 0, 0, 0, 0)), 1006],
      ['a length of 2^63', (one) => one.announce(2 ** 63), 1006],
      ['a reset', (one) => one.destroy(), 1006],
      ['an end of stream without a close frame', (one) => one.halfClose(), 1006],
    ])('%s', async (_, act, code) => {
      const one = await node()
      const bad = await peer(one)
      act(bad)
      expect((await bad.closed).code).toBe(code)
      await expectServing(one, 0)
    })

    it('[3.3] says nothing to a command before connect but 3501', async () => {
      const one = await node()
      for (const text of ['{"id":1,"rpc":{}}', '{}', '{"id":1,"subscribe":{"channel":"room:a"}}', '']) {
        const client = await opened(one.url)
        client.text(text)
        expect((await client.close()).code).toBe(3501)
      }
      await expectServing(one, 0)
    })
  })

  describe('is answered', () => {
    it('fields that nobody knows are ignored, nesting has no limit but the message’s, of several requests the first counts', async () => {
      const client = await connected((await node()).url)
      const deep = `${'['.repeat(30_000)}${']'.repeat(30_000)}`
      client.text(`{"id":2,"subscribe":{"channel":"room:a"},"extra":${deep}}`)
      expect((await client.reply(2))['subscribe']).toBeDefined()
      client.text(`{"id":3,"rpc":{},"publish":{"channel":"room:a","data":${deep}}}`)
      expect((await client.reply(3))['publish']).toEqual({})
      await client.until(() => client.publications('room:a').length === 1, 'the nested publication')
    })

    it('a message in fragments, with a ping between them, as one', async () => {
      const bad = await peer(await node())
      bad.sendFrame({ opcode: opcodes.text, payload: Buffer.from('{"id":2,'), fin: false })
      bad.sendFrame({ opcode: opcodes.ping, payload: Buffer.from('hey') })
      bad.sendFrame({ opcode: opcodes.continuation, payload: Buffer.from(''), fin: false })
      bad.sendFrame({ opcode: opcodes.continuation, payload: Buffer.from('"rpc":{}}') })
      const [, reply] = await bad.received(2)
      expect(JSON.parse(String(reply))).toMatchObject({ id: 2, error: { code: 108 } })
    })

    it('commands with the same id, each', async () => {
      const client = await connected((await node()).url)
      client.text(Array.from({ length: 5 }, () => '{"id":9,"rpc":{}}').join('\n'))
      await client.until(() => client.received.filter(({ id }) => id === 9).length === 5, 'five answers')
    })

    it('[20.4] 10,000 subscriptions: 106 beyond the channels of a connection, and nothing is left of them', async () => {
      const one = await node({ client: { commandBurst: 20_000 } })
      const client = await connected(one.url)
      for (let n = 0; n < 10_000; n += 1) client.send({ id: n + 2, subscribe: { channel: `room:${n}` } })
      const answers = (): (number | undefined)[] =>
        client.received.filter(({ id }) => id >= 2).map(({ error }) => error?.code)
      await client.until(() => answers().length === 10_000, 'all answers', 15_000)
      const codes = new Set(answers())
      expect([...codes].every((code) => code === undefined || code === 106 || code === 111)).toBe(true)
      expect(one.gateway.hub.subscriptionCount).toBeLessThanOrEqual(128)
      client.end()
      await eventually(() => one.gateway.connectionCount === 0)
      expect([one.gateway.hub.subscriptionCount, one.gateway.hub.channelCount]).toEqual([0, 0])
    })

    it('10,000 channels one after another: each is left behind whole', async () => {
      const one = await node({ client: { commandRate: 100_000, commandBurst: 30_000 } })
      const client = await connected(one.url)
      for (let from = 0; from < 10_000; from += 100) {
        const channels = Array.from({ length: 100 }, (_, index) => `plain-${from + index}`)
        await Promise.all(channels.map((channel) => client.call('subscribe', { channel })))
        await Promise.all(channels.map((channel) => client.call('unsubscribe', { channel })))
        client.received.length = 0
      }
      expect([one.gateway.hub.subscriptionCount, one.gateway.hub.channelCount]).toEqual([0, 0])
    }, 20_000)

    it('5,000 publishes in one loop, each with success or 111, because a script that does so means no harm', async () => {
      const one = await node()
      const client = await connected(one.url)
      for (let n = 0; n < 5_000; n += 1)
        client.send({ id: n + 2, publish: { channel: 'room:a', data: { n, text: 'x'.repeat(900) } } })
      const answers = (): (number | undefined)[] =>
        client.received.filter(({ id }) => id >= 2).map(({ error }) => error?.code)
      await client.until(() => answers().length === 5_000, 'all answers', 15_000)
      expect(answers().every((code) => code === undefined || code === 111)).toBe(true)
      expect(client.closed).toBeUndefined()
    })
  })

  describe('floods', () => {
    it('[3.11] [20.12] [20.13] are closed with 3013, their commands handled in order up to there and none after it', async () => {
      const one = await node({ client: { commandRate: 10, commandBurst: 200 } })
      const reader = await connected(one.url)
      await reader.call('subscribe', { channel: 'plain' })
      const client = await connected(one.url)
      const sent = Array.from({ length: 400 }, (_, n) => ({
        id: n + 2,
        publish: { channel: 'plain', data: n },
      }))
      for (const command of sent) client.send(command)
      expect(await client.close()).toEqual({ code: 3013, reason: 'too many requests' })
      await reader.call('rpc', {})
      const seen = reader.publications('plain').map(({ data }) => data as number)
      expect(seen).toEqual(seen.map((_, index) => index))
      expect(seen.length).toBeLessThan(200)
    })

    it('[20.10] before the answer to connect are closed as well, though nobody is known yet', async () => {
      const verdict = held<{ outcome: 'expired' }>()
      bench.atEnd(() => verdict.give({ outcome: 'expired' }))
      const verifier: TokenVerifier = Object.assign(new NoTokens(), {
        hasKeys: true,
        verify: () => verdict.answer,
      })
      const one = await node({ verifier })
      const client = await opened(one.url)
      const commands = Array.from({ length: 1_000 }, (_, n) => `{"id":${n + 2},"rpc":{}}`)
      client.text(`{"id":1,"connect":{"token":"any"}}\n${commands.join('\n')}`)
      expect((await client.close()).code).toBe(3013)
      await expectServing(one, 0)
    })
  })

  describe('half-open sockets', () => {
    it('[5.2] a peer that is silent, or reads nothing, is found out by a ping without a pong', async () => {
      const one = await node({ client: { pingIntervalMs: 1_000, pongTimeoutMs: 200 } })
      const [silent, stopped] = [await peer(one), await peer(one)]
      stopped.pause()
      expect((await silent.closed).code).toBe(3012)
      await eventually(() => one.gateway.connectionCount === 0)
    })

    it('a message that is never finished does not keep its connection', async () => {
      const one = await node({ client: { pingIntervalMs: 1_000, pongTimeoutMs: 200 } })
      const slow = await peer(one)
      slow.announce(60_000)
      slow.sendBytes(Buffer.alloc(10))
      expect((await slow.closed).code).toBe(3012)
    })

    it('[3.8] one that shakes hands and says nothing is stale', async () => {
      const one = await node({ client: { staleCloseMs: 50 } })
      const client = await opened(one.url)
      expect((await client.close()).code).toBe(3502)
    })

    it('a request that is no HTTP is ended, and its neighbours are served', async () => {
      const one = await node()
      const socket = connectTcp(Number(new URL(one.url).port), '127.0.0.1')
      const closed = new Promise((resolve) => socket.once('close', resolve))
      socket.on('error', () => {}).resume()
      socket.write(`\u0000\u0001 nonsense \r\n${'x'.repeat(20_000)}\r\n\r\n`)
      await closed
      await expectServing(one, 0)
    })
  })

  describe('[12] tokens', () => {
    it('[4.3] answers 110 to a connection that is over before it begins', async () => {
      const client = await opened((await node({ secret })).url)
      const over = await token({ sub: 'ana', expire_at: seconds(-10) })
      expect((await client.call('connect', { token: over }))['error'].code).toBe(110)
    })

    it('[9.13] closes with 3005 on a refresh with a token that has expired, so that the SDK starts anew', async () => {
      const client = await connected((await node({ secret })).url, { token: await token({ sub: 'ana' }) })
      client.start('refresh', { token: await token({ sub: 'ana', exp: seconds(-10) }) })
      expect((await client.close()).code).toBe(3005)
    })

    it('[4.6] tells at most a year, because SDKs make one timer of it', async () => {
      const client = await opened((await node({ secret })).url)
      const late = await token({ sub: 'ana', exp: seconds(10 * 365 * 86_400) })
      expect((await client.call('connect', { token: late }))['connect'].ttl).toBe(365 * 86_400)
    })
  })

  describe('[7.2] the order of a subscribe’s checks', () => {
    it('is already subscribed, then too many channels, then the namespace', async () => {
      const client = await connected((await node({ client: { maxChannels: 1 } })).url)
      const code = async (channel: string): Promise<number | undefined> =>
        (await client.call('subscribe', { channel }))['error']?.code
      expect(await code('nowhere:a')).toBe(102)
      expect(await code('room:a')).toBeUndefined()
      expect(await code('room:a')).toBe(105)
      expect(await code('nowhere:a')).toBe(106)
      expect(await code('x'.repeat(300))).toBe(107)
    })

    it('[3.9] after an unsubscribe no join or leave of the channel follows', async () => {
      const { url } = await node()
      const [ana, ben] = [await connected(url), await connected(url)]
      await ana.call('subscribe', { channel: 'joins:a' })
      await ben.call('subscribe', { channel: 'joins:a' })
      await ana.until(() => ana.pushes('joins:a').length === 2, 'both joins')
      await ana.call('unsubscribe', { channel: 'joins:a' })
      const cara = await connected(url)
      await cara.call('subscribe', { channel: 'joins:a' })
      await ben.until(
        () => ben.pushes('joins:a').filter(({ join }) => join !== undefined).length >= 2,
        'the third join, where somebody listens',
      )
      await ana.call('rpc', {})
      expect(ana.pushes('joins:a')).toHaveLength(2)
    })
  })
})
