import { describe, expect, it } from '@jest/globals'
import { freePort, startKeyServer } from '@natter/testing'
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from 'jose'
import { createServer, type Server } from 'node:net'
import { natsBench } from './bench.js'
import { runningGateway, startGateway, valueIn } from './gateway-process.js'
import { RawClient } from './harness.js'

describe('the gateway as a process', () => {
  const bench = natsBench()
  const { connect } = bench

  it('counts what it does, under the names that dashboards read', async () => {
    const gateway = await runningGateway(bench)
    const client = await connect(gateway)
    await client.call('subscribe', { channel: 'hello:a' })
    await client.call('publish', { channel: 'hello:a', data: 1 })
    await client.call('publish', { channel: 'room:a', data: 1 })
    await client.until(() => client.publications('hello:a').length === 1, 'the publication')
    const text = await (await fetch(`${gateway.ops}/metrics`)).text()
    const value = (series: string): number | undefined => valueIn(text, series)
    expect(value('natter_gateway_connections{')).toBe(1)
    expect(value('natter_gateway_subscriptions{')).toBe(1)
    expect(value('natter_gateway_channels{')).toBe(1)
    expect(value('natter_gateway_publications_delivered_total{')).toBe(1)
    expect(value('natter_gateway_publishes_total{namespace="hello",outcome="stored"')).toBe(1)
    expect(value('natter_gateway_command_errors_total{method="publish",code="103"')).toBe(1)
    expect(value('natter_gateway_recoveries_total{recovered="fresh"')).toBe(1)
    expect(value('natter_gateway_nats_connected{')).toBe(1)
    expect(text).toContain('node="gateway-x"')
  })

  it('is unhealthy while NATS is away and healthy again afterwards, and its clients stay', async () => {
    const gateway = await runningGateway(bench)
    const { process, ops } = gateway
    const client = await connect(gateway)
    expect((await fetch(`${ops}/health`)).status).toBe(200)
    await bench.nats.kill('SIGKILL')
    await process.waitForLine((line) => line.includes('"broker:disconnect"'))
    const away = await fetch(`${ops}/health`)
    expect([away.status, await away.json()]).toMatchObject([
      503,
      { checks: { nats: expect.stringContaining('NATS is away') } },
    ])
    expect((await fetch(`${ops}/health/live`)).status).toBe(200)
    await bench.nats.restart()
    await process.waitForLine((line) => line.includes('"broker:reconnect"'))
    expect((await fetch(`${ops}/health`)).status).toBe(200)
    expect(client.closed).toBeUndefined()
  })

  it('sends its clients elsewhere with 3001 when it is stopped, and exits 0', async () => {
    const gateway = await runningGateway(bench)
    const { process } = gateway
    const client = await connect(gateway)
    const exit = process.kill('SIGTERM')
    expect(await client.close()).toEqual({ code: 3001, reason: 'shutdown' })
    expect(await exit).toEqual({ code: 0, signal: null })
  })

  it('writes one line of JSON per fact, and never a token or what was published', async () => {
    const gateway = await runningGateway(bench)
    const { process } = gateway
    const client = await connect(gateway)
    await client.call('publish', { channel: 'hello:a', data: 'a private word' })
    client.socket.send('{"id":99,"connect":{"token":"a private token"}}')
    await client.close()
    await process.kill('SIGTERM')
    for (const line of process.lines)
      expect(JSON.parse(line)).toMatchObject({ time: expect.any(String), event: expect.any(String) })
    expect(process.lines.join('\n')).not.toContain('private')
  })

  it('[12.3] [12.4] [13.1] believes tokens by the keys, and reads names by the signs, that its settings name; and counts what it doesn’t', async () => {
    const [pair, other] = await Promise.all(
      ['ES256', 'EdDSA'].map((alg) => generateKeyPair(alg, { extractable: true })),
    )
    if (pair === undefined || other === undefined) throw new Error('two were asked for')
    const keys = await startKeyServer({ ...(await exportJWK(pair.publicKey)), kid: 'one' })
    bench.atEnd(() => keys.stop())
    const gateway = await runningGateway(bench, {
      env: {
        NATTER_CLIENT_TOKEN_JWKS_PUBLIC_ENDPOINT: keys.url,
        NATTER_CLIENT_TOKEN_AUDIENCE: 'mesh',
        NATTER_CHANNEL_PRIVATE_PREFIX: '!',
        NATTER_CLIENT_SUBSCRIPTION_TOKEN_EDDSA_PUBLIC_KEY: await exportSPKI(other.publicKey),
      },
    })
    const sign = (alg: string, key: CryptoKey, claims: JWTPayload): Promise<string> =>
      new SignJWT(claims).setProtectedHeader({ alg, kid: 'one' }).sign(key)
    const client = await bench.keep(RawClient.open(gateway.url))
    const token = await sign('ES256', pair.privateKey, { sub: 'ana', aud: 'mesh' })
    expect(await client.call('connect', { token })).toHaveProperty('connect')
    const channel = '!hello:a'
    const mine = await sign('EdDSA', other.privateKey, { sub: 'ana', channel })
    const theirs = await sign('ES256', pair.privateKey, { sub: 'ana', channel, aud: 'mesh' })
    expect((await client.call('subscribe', { channel, token: theirs }))['error'].code).toBe(103)
    expect(await client.call('subscribe', { channel, token: mine })).toHaveProperty('subscribe')
    expect((await client.call('subscribe', { channel: '$hello:a' }))['error'].code).toBe(102)
    const refused = 'natter_gateway_tokens_invalid_total{kind="subscription",reason="algorithm"'
    expect(await gateway.metric(refused)).toBe(1)
  })

  it('says what it tried when NATS can not be reached', async () => {
    const unused = await freePort()
    const { process } = await startGateway(bench, {
      env: {
        NATTER_NATS_URL: `nats://127.0.0.1:${unused}`,
        NATTER_NATS_CONNECT_TIMEOUT: '300ms',
      },
    })
    expect((await process.exited).code).toBe(1)
    expect(process.lines.join('\n')).toContain(`Tried nats://127.0.0.1:${unused}`)
  })

  it('names the port that is taken, instead of sharing it silently with whoever has it', async () => {
    const squatter = await new Promise<Server>((resolve) => {
      const server = createServer().listen(0, '127.0.0.1', () => resolve(server))
    })
    const { port } = squatter.address() as { port: number }
    const { process } = await startGateway(bench, { env: { NATTER_GATEWAY_PORT: String(port) } })
    expect((await process.exited).code).toBe(1)
    expect(process.lines.join('\n')).toContain(`Port ${port} on 127.0.0.1 is already in use`)
    await new Promise((done) => squatter.close(done))
  })

  it('tells all problems of its settings at once, each with its environment name and an example, and exits 78', async () => {
    const { process } = await startGateway(bench, {
      env: {
        NATTER_GATEWAY_PORT: 'eighty',
        NATTER_CLIENT_PING_INTERVAL: 'often',
        NATTER_CLIENT_PONG_TIMEOUT: '8s',
      },
      args: ['--gateway.prot', '1'],
    })
    expect((await process.exited).code).toBe(78)
    const text = process.lines.join('\n')
    expect(text).toContain('NATTER_GATEWAY_PORT')
    expect(text).toContain('NATTER_CLIENT_PING_INTERVAL')
    expect(text).toContain('--gateway.prot')
    expect(text).toContain('25s')
  })

  it('refuses to run where nobody could connect', async () => {
    const { process } = await startGateway(bench, { env: { NATTER_CONFIG: '' } })
    expect((await process.exited).code).toBe(78)
    expect(process.lines.join('\n')).toContain('client.token_hmac_secret_key')
  })
})
