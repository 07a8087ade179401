import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import {
  freePort,
  leakCheck,
  startNatsServer,
  startProcess,
  type NatsServer,
  type StartedProcess,
} from '@natter/testing'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { RawClient } from './harness.js'

const main = join(import.meta.dirname, '../src/main.ts')
const config = join(import.meta.dirname, '../../../natter.yaml')

describe('the gateway as a process', () => {
  let expectNoLeaks: ReturnType<typeof leakCheck>
  let nats: NatsServer
  let started: StartedProcess[] = []
  let clients: RawClient[] = []

  const start = async (env: Readonly<Record<string, string>> = {}, args: readonly string[] = []) => {
    const [port, opsPort] = [await freePort(), await freePort()]
    const process = await startProcess({
      args: [main, ...args],
      env: {
        NATTER_NATS_URL: nats.url,
        NATTER_CONFIG: config,
        NATTER_GATEWAY_NAME: 'gateway-x',
        NATTER_GATEWAY_PORT: String(port),
        NATTER_OPS_PORT: String(opsPort),
        ...env,
      },
    })
    started.push(process)
    return {
      process,
      url: `ws://127.0.0.1:${port}/connection/websocket`,
      ops: `http://127.0.0.1:${opsPort}`,
      port,
    }
  }

  const running = async () => {
    const gateway = await start()
    await gateway.process.waitForLine((line) => line.includes('"ops:listen"'))
    return gateway
  }

  const connect = async (url: string): Promise<RawClient> => {
    const client = await RawClient.connect(url)
    clients.push(client)
    return client
  }

  beforeEach(async () => {
    expectNoLeaks = leakCheck()
    nats = await startNatsServer()
  })

  afterEach(async () => {
    for (const client of clients) client.end()
    await Promise.all(started.map((one) => one.kill('SIGKILL')))
    await nats.stop()
    clients = []
    started = []
    await expectNoLeaks()
  })

  it('counts what it does, under the names that dashboards read', async () => {
    const { url, ops } = await running()
    const client = await connect(url)
    await client.call('subscribe', { channel: 'hello:a' })
    await client.call('publish', { channel: 'hello:a', data: 1 })
    await client.call('publish', { channel: 'room:a', data: 1 })
    await client.until(() => client.publications('hello:a').length === 1, 'the publication')
    const text = await (await fetch(`${ops}/metrics`)).text()
    const value = (series: string): number | undefined => {
      const line = text.split('\n').find((one) => one.startsWith(series))
      return line === undefined ? undefined : Number(line.split(' ').at(-1))
    }
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
    const { process, url, ops } = await running()
    const client = await connect(url)
    expect((await fetch(`${ops}/health`)).status).toBe(200)
    await nats.kill('SIGKILL')
    await process.waitForLine((line) => line.includes('"broker:disconnect"'))
    const away = await fetch(`${ops}/health`)
    expect([away.status, await away.json()]).toMatchObject([
      503,
      { checks: { nats: expect.stringContaining('NATS is away') } },
    ])
    expect((await fetch(`${ops}/health/live`)).status).toBe(200)
    await nats.restart()
    await process.waitForLine((line) => line.includes('"broker:reconnect"'))
    expect((await fetch(`${ops}/health`)).status).toBe(200)
    expect(client.closed).toBeUndefined()
  })

  it('sends its clients elsewhere with 3001 when it is stopped, and exits 0', async () => {
    const { process, url } = await running()
    const client = await connect(url)
    const exit = process.kill('SIGTERM')
    expect(await client.close()).toEqual({ code: 3001, reason: 'shutdown' })
    expect(await exit).toEqual({ code: 0, signal: null })
  })

  it('writes one line of JSON per fact, and never a token or what was published', async () => {
    const { process, url } = await running()
    const client = await connect(url)
    await client.call('publish', { channel: 'hello:a', data: 'a private word' })
    client.socket.send('{"id":99,"connect":{"token":"a private token"}}')
    await client.close()
    await process.kill('SIGTERM')
    for (const line of process.lines)
      expect(JSON.parse(line)).toMatchObject({ time: expect.any(String), event: expect.any(String) })
    expect(process.lines.join('\n')).not.toContain('private')
  })

  it('says what it tried when NATS can not be reached', async () => {
    const unused = await freePort()
    const { process } = await start({
      NATTER_NATS_URL: `nats://127.0.0.1:${unused}`,
      NATTER_NATS_CONNECT_TIMEOUT: '300ms',
    })
    expect((await process.exited).code).toBe(1)
    expect(process.lines.join('\n')).toContain(`Tried nats://127.0.0.1:${unused}`)
  })

  it('names the port that is taken, instead of sharing it silently with whoever has it', async () => {
    const squatter = await new Promise<Server>((resolve) => {
      const server = createServer().listen(0, '127.0.0.1', () => resolve(server))
    })
    const { port } = squatter.address() as { port: number }
    const { process } = await start({ NATTER_GATEWAY_PORT: String(port) })
    expect((await process.exited).code).toBe(1)
    expect(process.lines.join('\n')).toContain(`Port ${port} on 127.0.0.1 is already in use`)
    await new Promise((done) => squatter.close(done))
  })

  it('tells all problems of its settings at once, each with its environment name and an example, and exits 78', async () => {
    const { process } = await start(
      {
        NATTER_GATEWAY_PORT: 'eighty',
        NATTER_CLIENT_PING_INTERVAL: 'often',
        NATTER_CLIENT_PONG_TIMEOUT: '8s',
      },
      ['--gateway.prot', '1'],
    )
    expect((await process.exited).code).toBe(78)
    const text = process.lines.join('\n')
    expect(text).toContain('NATTER_GATEWAY_PORT')
    expect(text).toContain('NATTER_CLIENT_PING_INTERVAL')
    expect(text).toContain('--gateway.prot')
    expect(text).toContain('25s')
  })

  it('refuses to run where nobody could connect', async () => {
    const { process } = await start({ NATTER_CONFIG: '' })
    expect((await process.exited).code).toBe(78)
    expect(process.lines.join('\n')).toContain('client.token_hmac_secret_key')
  })
})
