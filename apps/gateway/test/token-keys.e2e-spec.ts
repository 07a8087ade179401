/** Tokens that others sign: keys from a real server that rotates, fails and hangs, and the official SDK that fetches tokens by itself. */
import { describe, expect, it } from '@jest/globals'
import { createTokenVerifier } from '@natter/auth'
import { systemClock } from '@natter/primitives'
import { connectSdk, ManualClock, startKeyServer, type KeyServer } from '@natter/testing'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose'
import { dialects } from './dialect.js'
import type { Incoming, TestNode } from './harness.js'
import { secret, tokenOf, wireBench } from './wire-bench.js'

interface Signer {
  published: JWK
  sign(claims: object): Promise<string>
}

async function signer(kid: string, alg = 'ES256'): Promise<Signer> {
  const pair: { publicKey: CryptoKey; privateKey: CryptoKey } = await generateKeyPair(alg, {
    extractable: true,
  })
  return {
    published: { ...(await exportJWK(pair.publicKey)), kid },
    sign: (claims) => new SignJWT({ ...claims }).setProtectedHeader({ alg, kid }).sign(pair.privateKey),
  }
}

const inMs = (ms: number): number => (Date.now() + ms) / 1_000

describe.each(dialects)('keys of others, for clients that speak $name', (dialect) => {
  const bench = wireBench(dialect)

  /** Its clock is the one by which keys become old. */
  const startWith = async (
    ...keys: JWK[]
  ): Promise<{ node: TestNode; server: KeyServer; clock: ManualClock }> => {
    const server = await startKeyServer(...keys)
    bench.atEnd(() => server.stop())
    const clock = new ManualClock(Date.now())
    const jwks = { endpoint: server.url, cacheMs: 3_600_000, timeoutMs: 200 }
    const node = await bench.start({ verifier: createTokenVerifier({ connection: { jwks }, clock }) })
    await server.asked(1)
    return { node, server, clock }
  }

  const connect = async (node: TestNode, token: string): Promise<Incoming> =>
    (await bench.open(node)).call('connect', { token })

  it.each(['RS256', 'ES384', 'EdDSA'])('[12.3] [12.4] are believed: %s', async (alg) => {
    const one = await signer('one', alg)
    const { node, server } = await startWith(one.published)
    const client = await bench.open(node)
    const token = await one.sign({ sub: 'ana' })
    const channel = '$room:a'
    client.send(
      { id: 1, connect: { token } },
      { id: 2, subscribe: { channel, token: await one.sign({ sub: 'ana', channel }) } },
    )
    expect(await client.reply(1)).toHaveProperty('connect')
    expect(await client.reply(2)).toHaveProperty('subscribe')
    expect(server.requests).toBe(1)
  })

  it('[12.4] rotate, and a storm of clients with the new one is one request', async () => {
    const [one, two] = [await signer('one'), await signer('two')]
    const { node, server, clock } = await startWith(one.published)
    expect(await connect(node, await one.sign({ sub: 'ana' }))).toHaveProperty('connect')
    server.publish(two.published)
    clock.advance(5_000)
    const token = await two.sign({ sub: 'ana' })
    const replies = await Promise.all(Array.from({ length: 30 }, () => connect(node, token)))
    expect(replies.filter((reply) => 'connect' in reply)).toHaveLength(30)
    expect(server.requests).toBe(2)
  })

  it.each([
    ['refuses', (server: KeyServer) => server.misbehave((response) => response.writeHead(500).end())],
    ['hangs', (server: KeyServer) => server.misbehave(() => {})],
  ])(
    '[12.4] that can’t be had, because the server %s, are error 100, temporary, and the token is good later',
    async (_how, fail) => {
      const [one, two] = [await signer('one'), await signer('two')]
      const { node, server, clock } = await startWith(one.published)
      fail(server)
      clock.advance(5_000)
      const token = await two.sign({ sub: 'ana' })
      expect((await connect(node, token))['error']).toMatchObject({ code: 100, temporary: true })
      expect(await connect(node, await one.sign({ sub: 'ana' }))).toHaveProperty('connect')
      server.publish(two.published)
      clock.advance(5_000)
      expect(await connect(node, token)).toHaveProperty('connect')
    },
  )

  it('[12.4] that can’t be had end neither a connection nor a subscription that is refreshed', async () => {
    const [one, two] = [await signer('one'), await signer('two')]
    const { node, server, clock } = await startWith(one.published)
    const client = await bench.open(node)
    const channel = '$room:a'
    await client.call('connect', { token: await one.sign({ sub: 'ana' }) })
    await client.call('subscribe', { channel, token: await one.sign({ sub: 'ana', channel }) })
    server.misbehave((response) => response.destroy())
    clock.advance(5_000)
    const [again, channelAgain] = [await two.sign({ sub: 'ana' }), await two.sign({ sub: 'ana', channel })]
    for (const [method, request] of [
      ['refresh', { token: again }],
      ['sub_refresh', { channel, token: channelAgain }],
      ['subscribe', { channel: '$room:b', token: channelAgain }],
    ] as const)
      expect((await client.call(method, request))['error']).toMatchObject({ code: 100, temporary: true })
    server.publish(two.published)
    clock.advance(5_000)
    expect(await client.call('refresh', { token: again })).toHaveProperty('refresh')
    expect(await client.call('sub_refresh', { channel, token: channelAgain })).toHaveProperty('sub_refresh')
  })
})

describe.each(['json', 'protobuf'] as const)('[12.8] [12.9] the official SDK in %s', (encoding) => {
  const bench = wireBench(dialects[0] as (typeof dialects)[number])
  const encode = (value: unknown) => (encoding === 'json' ? value : Buffer.from(JSON.stringify(value)))

  it('fetches tokens for its connection and its subscription, when the first has expired and before each next one does', async () => {
    const verifier = createTokenVerifier({ connection: { hmacSecret: secret }, clock: systemClock })
    const node = await bench.start({
      verifier,
      client: { expiredCloseDelayMs: 400, expiredSubCloseDelayMs: 400 },
    })
    const fetched = { connection: 0, subscription: 0 }
    const enough: (() => void)[] = []
    const refreshed = new Promise<void>((resolve) => enough.push(resolve))
    const count = (what: keyof typeof fetched): void => {
      fetched[what] += 1
      if (fetched.connection >= 3 && fetched.subscription >= 3) enough[0]?.()
    }
    const client = await connectSdk(node.url, {
      encoding,
      token: await tokenOf({ sub: 'ana', exp: inMs(-5_000) }),
      minReconnectDelay: 10,
      maxReconnectDelay: 50,
      getToken: () => {
        count('connection')
        return tokenOf({ sub: 'ana', expire_at: inMs(700) })
      },
    })
    bench.atEnd(() => client.dispose())
    const ends: unknown[] = []
    client.centrifuge.on('connecting', (context) => ends.push(context))
    const channel = '$room:sdk'
    const subscription = await client.subscribe(channel, {
      token: await tokenOf({ sub: 'ana', channel, exp: inMs(-5_000) }),
      minResubscribeDelay: 10,
      maxResubscribeDelay: 50,
      getToken: () => {
        count('subscription')
        return tokenOf({ sub: 'ana', channel, expire_at: inMs(700) })
      },
    })
    subscription.on('subscribing', (context) => ends.push(context))
    await refreshed
    await subscription.publish(encode(1))
    await client.received(channel, 1)
    expect(ends).toEqual([])
  })
})
