import { describe, expect, it } from '@jest/globals'
import { freePort, startKeyServer } from '@natter/testing'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { natsBench } from './bench.js'
import { dialects, jsonDialect, type Dialect } from './dialect.js'
import { runningGateway, type GatewayProcess } from './gateway-process.js'
import { RawClient } from './harness.js'

const [firstKey, secondKey] = ['the first key of this mesh', 'the second key of this mesh']

const tokenOf = (key: string, user = 'ana'): Promise<string> =>
  new SignJWT({ sub: user }).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(key))

const open = { allow_subscribe_for_client: true, allow_publish_for_client: true }
const chat = { name: 'chat', keep: 'stream', ...open, allow_history_for_client: true }
const shut = { ...chat, allow_publish_for_client: false }
const gone = { name: 'gone', ...open }
const fresh = { name: 'fresh', ...open }

const configOf = (namespaces: readonly object[], more: object = {}) => ({ channel: { namespaces }, ...more })

type Line = Record<string, unknown> & { event: string }

/** A gateway with a file of its own, and a secret in another one. */
function files(bench: ReturnType<typeof natsBench>) {
  const folder = mkdtempSync(join(tmpdir(), 'natter-reload-'))
  bench.atEnd(() => rmSync(folder, { recursive: true }))
  const [config, key] = [join(folder, 'natter.yaml'), join(folder, 'key')]
  let versions = 0
  /** As Kubernetes changes a ConfigMap: a link is swapped for another one. */
  const write = (content: object | string): void => {
    versions += 1
    const [version, link] = [join(folder, `v${versions}`), join(folder, 'next')]
    writeFileSync(version, typeof content === 'string' ? content : JSON.stringify(content))
    symlinkSync(version, link)
    renameSync(link, config)
  }
  const writeKey = (text: string): void => writeFileSync(key, `${text}\n`)
  const env = { NATTER_CONFIG: config, NATTER_CLIENT_TOKEN_HMAC_SECRET_KEY_FILE: key }
  writeKey(firstKey)
  return { write, writeKey, env }
}

/** Asks for a reload and answers what became of it. */
async function reload(gateway: GatewayProcess): Promise<Line> {
  const isEnd = (line: string): boolean => /"config:reload:(done|refused|failed)"/.test(line)
  const before = gateway.process.lines.filter(isEnd).length
  process.kill(gateway.process.pid, 'SIGHUP')
  let seen = 0
  const line = await gateway.process.waitForLine((one) => {
    if (isEnd(one)) seen += 1
    return isEnd(one) && seen > before
  })
  return JSON.parse(line) as Line
}

/** What is seen has to be the same in each encoding. */
const inEach = async (see: (dialect: Dialect) => Promise<void>): Promise<void> => {
  for (const dialect of dialects) await see(dialect)
}

describe('[24.1] a reload, in JSON and Protobuf', () => {
  const bench = natsBench()
  const opened = (gateway: GatewayProcess, dialect: Dialect, headers = {}): Promise<RawClient> =>
    bench.keep(RawClient.open(gateway.url, { dialect, headers }))
  const connect = async (
    gateway: GatewayProcess,
    dialect: Dialect,
    { key = firstKey, user = 'ana' } = {},
  ): Promise<RawClient> => {
    const client = await opened(gateway, dialect)
    await client.call('connect', { token: await tokenOf(key, user) })
    return client
  }
  /** One of each encoding. */
  const connectAll = async (gateway: GatewayProcess): Promise<Map<Dialect, RawClient>> => {
    const clients = new Map<Dialect, RawClient>()
    await inEach(async (dialect) => void clients.set(dialect, await connect(gateway, dialect)))
    return clients
  }

  it('changes namespaces, keys and limits for what comes next, and closes nobody', async () => {
    const { write, writeKey, env } = files(bench)
    write(configOf([chat, gone]))
    const gateway = await runningGateway(bench, { env })
    const clients = await connectAll(gateway)
    for (const ana of clients.values())
      for (const channel of ['chat:a', 'gone:a'])
        expect(await ana.call('subscribe', { channel })).toHaveProperty('subscribe')
    write(configOf([shut, fresh], { client: { max_channels: 3, allowed_origins: ['https://new.example'] } }))
    writeKey(secondKey)
    expect(await reload(gateway)).toMatchObject({
      event: 'config:reload:done',
      changed: expect.arrayContaining([
        'channel.namespaces',
        'client.token_hmac_secret_key',
        'client.max_channels',
        'client.allowed_origins',
      ]),
    })
    for (const [dialect, ana] of clients) {
      expect((await ana.call('publish', { channel: 'chat:a', data: 1 }))['error'].code).toBe(103)
      expect((await ana.call('publish', { channel: 'gone:a', data: 1 }))['error'].code).toBe(102)
      const channel = `fresh:${dialect.name}`
      expect(await ana.call('subscribe', { channel })).toHaveProperty('subscribe')
      expect((await ana.call('subscribe', { channel: 'fresh:b' }))['error'].code).toBe(106)
      const ben = await connect(gateway, dialect, { key: secondKey, user: 'ben' })
      await ben.call('subscribe', { channel })
      expect(await ben.call('publish', { channel, data: 1 })).toHaveProperty('publish')
      await ana.until(() => ana.publications(channel).length === 1, 'the publication')
      const late = await opened(gateway, dialect)
      late.start('connect', { token: await tokenOf(firstKey) })
      expect((await late.close()).code).toBe(3500)
      await expect(opened(gateway, dialect, { origin: 'https://old.example' })).rejects.toThrow('403')
      await opened(gateway, dialect, { origin: 'https://new.example' })
      expect(ana.closed).toBeUndefined()
    }
  })

  it('leaves subscriptions as they were opened, also of a namespace that is gone', async () => {
    const { write, env } = files(bench)
    write(configOf([chat]))
    const gateway = await runningGateway(bench, { env })
    const other = await runningGateway(bench, { env: { ...env, NATTER_GATEWAY_NAME: 'gateway-y' } })
    const clients = await connectAll(gateway)
    for (const ana of clients.values()) await ana.call('subscribe', { channel: 'chat:a' })
    write(configOf([gone]))
    expect(await reload(gateway)).toMatchObject({ changed: ['channel.namespaces'] })
    const ben = await connect(other, jsonDialect, { user: 'ben' })
    await ben.call('publish', { channel: 'chat:a', data: 'still' })
    for (const ana of clients.values()) {
      await ana.until(() => ana.publications('chat:a').length === 1, 'the publication')
      expect((await ana.call('history', { channel: 'chat:a' }))['error'].code).toBe(102)
      expect(await ana.call('unsubscribe', { channel: 'chat:a' })).toHaveProperty('unsubscribe')
      expect((await ana.call('subscribe', { channel: 'chat:a' }))['error'].code).toBe(102)
    }
  })

  it('of a file with problems changes nothing, and tells all of them with key, variable and example', async () => {
    const { write, writeKey, env } = files(bench)
    write(configOf([chat]))
    const gateway = await runningGateway(bench, { env })
    const clients = await connectAll(gateway)
    writeKey(secondKey)
    write(configOf([{ ...shut, keep: 'for-ever' }], { client: { max_chanels: 1 }, log: { level: 'loud' } }))
    const refused = await reload(gateway)
    expect(refused).toMatchObject({
      event: 'config:reload:refused',
      level: 'error',
      code: 'config-refused',
      problems: expect.arrayContaining([
        expect.objectContaining({
          key: 'client.max_chanels',
          message: expect.stringContaining('max_channels'),
        }),
        expect.objectContaining({ key: 'channel.namespaces[0].keep', env: 'NATTER_CHANNEL_NAMESPACES' }),
        expect.objectContaining({ key: 'log.level', env: 'NATTER_LOG_LEVEL', example: 'debug' }),
      ]),
    })
    expect(await gateway.metric('natter_config_refused{')).toBe(1)
    for (const [dialect, ana] of clients) {
      expect(await ana.call('publish', { channel: 'chat:a', data: 1 })).toHaveProperty('publish')
      await connect(gateway, dialect) // by the first key, not the second
    }
    write('channel: [broken')
    expect(await reload(gateway)).toMatchObject({ event: 'config:reload:refused' })
    const before = await gateway.metric('natter_config_loaded_seconds{')
    write(configOf([chat], { log: { level: 'debug' } }))
    expect(await reload(gateway)).toMatchObject({ event: 'config:reload:done' })
    expect(await gateway.metric('natter_config_refused{')).toBe(0)
    expect(await gateway.metric('natter_config_loaded_seconds{')).toBeGreaterThan(before ?? Infinity)
    await opened(gateway, jsonDialect)
    await gateway.process.waitForLine((line) => line.includes('"connection:open"')) // the log is written at another level
  })
})

describe('[24.2] a reload', () => {
  const bench = natsBench()

  it('names what waits for a restart: the prefix in NATS, and whether a namespace keeps; both stay as they are', async () => {
    const { write, env } = files(bench)
    write(configOf([chat]))
    const gateway = await runningGateway(bench, { env })
    const token = await tokenOf(firstKey)
    const ana = await bench.keep(RawClient.connect(gateway.url, { token }))
    await ana.call('subscribe', { channel: 'chat:a' })
    write(
      configOf([{ ...shut, keep: 'none', allow_history_for_client: false }], { nats: { prefix: 'other' } }),
    )
    await reload(gateway)
    const line = await gateway.process.waitForLine((one) => one.includes('config:reload:restart-needed'))
    expect(JSON.parse(line)).toMatchObject({ keys: ['nats.prefix', 'channel.namespaces.chat (keep)'] })
    expect(await gateway.metric('natter_config_restart_settings{')).toBe(2)
    expect(await ana.call('publish', { channel: 'chat:a', data: 1 })).toHaveProperty('publish')
    const history = await ana.call('history', { channel: 'chat:a', limit: 10 })
    expect(history['history'].publications).toHaveLength(1)
  })

  it('that comes while another one is at work comes after it: what the file says at last is in effect', async () => {
    const { write, env } = files(bench)
    write(configOf([chat]))
    const gateway = await runningGateway(bench, { env })
    write(configOf([shut]))
    process.kill(gateway.process.pid, 'SIGHUP')
    write(configOf([chat, fresh]))
    process.kill(gateway.process.pid, 'SIGHUP')
    await reload(gateway)
    const ana = await bench.keep(RawClient.connect(gateway.url, { token: await tokenOf(firstKey) }))
    expect(await ana.call('publish', { channel: 'chat:a', data: 1 })).toHaveProperty('publish')
    expect(await ana.call('publish', { channel: 'fresh:a', data: 1 })).toHaveProperty('publish')
  })

  it('to a server of keys that does not answer is refused, and the keys before hold; once it answers it is taken', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
    const keys = await startKeyServer({ ...(await exportJWK(publicKey)), kid: 'one' })
    bench.atEnd(() => keys.stop())
    const { write, env } = files(bench)
    write(configOf([chat]))
    const gateway = await runningGateway(bench, { env })
    const unused = await freePort()
    write(configOf([chat], { client: { token_jwks_public_endpoint: `http://127.0.0.1:${unused}/keys` } }))
    expect(await reload(gateway)).toMatchObject({
      event: 'config:reload:refused',
      problems: [
        { key: 'client.token_jwks_public_endpoint', env: 'NATTER_CLIENT_TOKEN_JWKS_PUBLIC_ENDPOINT' },
      ],
    })
    await bench.keep(RawClient.connect(gateway.url, { token: await tokenOf(firstKey) }))
    write(configOf([chat], { client: { token_jwks_public_endpoint: keys.url } }))
    expect(await reload(gateway)).toMatchObject({ event: 'config:reload:done' })
    const header = { alg: 'ES256', kid: 'one' }
    const token = await new SignJWT({ sub: 'ana' }).setProtectedHeader(header).sign(privateKey)
    const ana = await bench.keep(RawClient.open(gateway.url))
    expect(await ana.call('connect', { token })).toHaveProperty('connect')
  })
})
