import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jwtVerify } from 'jose'
import { createNatsBroker } from '@natter/broker'
import { freePort, startNatsServer, startProcess, type StartedProcess } from '@natter/testing'

const ROOT = join(import.meta.dirname, '../../..')
const SECRET = 'a secret that only this test knows'
const GATEWAYS = ['ws://127.0.0.1:8101/connection/websocket', 'wss://two.example/connection/websocket']

let address: string
let opsAddress: string
let pageFolder: string
let messenger: StartedProcess
let nats: Awaited<ReturnType<typeof startNatsServer>>

beforeAll(async () => {
  pageFolder = await mkdtemp(join(tmpdir(), 'natter-page-'))
  await mkdir(join(pageFolder, 'assets'))
  await writeFile(join(pageFolder, 'index.html'), '<!doctype html><title>page</title>')
  await writeFile(join(pageFolder, 'assets', 'index-abc123.js'), 'export {}')
  nats = await startNatsServer()
  const gateway = await createNatsBroker({ urls: [nats.url], prefix: 'natter', name: 'gateway' })
  await gateway.registry.get('apps') // as gateways do: the mesh is whole
  await gateway.close()
  const [port, opsPort] = [await freePort(), await freePort()]
  address = `http://127.0.0.1:${port}`
  opsAddress = `http://127.0.0.1:${opsPort}`
  messenger = await startProcess({
    args: [join(ROOT, 'apps/messenger/src/main.ts')],
    cwd: ROOT,
    env: {
      NATTER_NATS_URL: nats.url,
      NATTER_MESSENGER_PORT: String(port),
      NATTER_MESSENGER_GATEWAYS: GATEWAYS.join(','),
      NATTER_MESSENGER_TOKEN_SECRET: SECRET,
      NATTER_MESSENGER_PAGE_FOLDER: pageFolder,
      NATTER_OPS_PORT: String(opsPort),
      NATTER_CONFIG: join(ROOT, 'natter.yaml'),
    },
  })
  await messenger.waitForLine((line) => line.includes('messenger:listen'))
})

afterAll(async () => {
  expect(await messenger.kill()).toEqual({ code: 0, signal: null })
  await nats.stop()
  await rm(pageFolder, { recursive: true })
})

const post = (body: string): Promise<Response> =>
  fetch(`${address}/session`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })

describe('POST /session', () => {
  it('signs a token that a gateway with the same secret believes', async () => {
    const response = await post(JSON.stringify({ name: ' Ana María ' }))
    const session = (await response.json()) as { token: string; user: string; name: string }
    expect(response.status).toBe(200)
    expect(session).toMatchObject({ user: 'ana-maría', name: 'Ana María' })
    const { payload } = await jwtVerify(session.token, new TextEncoder().encode(SECRET), {
      algorithms: ['HS256'],
    })
    expect(payload).toMatchObject({ sub: 'ana-maría', info: { name: 'Ana María' } })
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(12 * 3600)
  })

  it('is never kept by a cache, because it is a credential', async () => {
    expect((await post('{"name":"Ana"}')).headers.get('cache-control')).toBe('no-store')
  })

  it('refuses a name with a sentence for people and a code for programs', async () => {
    const response = await post(JSON.stringify({ name: 'x'.repeat(33) }))
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({
      code: 'name-too-long',
      message: 'A name has at most 32 characters.',
    })
  })

  it('answers nonsense with a client error, never with its own failure', async () => {
    const bodies = ['', 'null', '[]', '7', '{"name":{}}', '{', `{"name":"${'x'.repeat(5_000)}"}`]
    const statuses = await Promise.all(bodies.map(async (body) => (await post(body)).status))
    expect(statuses.every((status) => status >= 400 && status < 500)).toBe(true)
  })
})

describe('the page', () => {
  it('is told the gateways in the order it numbers them', async () => {
    const response = await fetch(`${address}/config.json`)
    expect(await response.json()).toEqual({ gateways: GATEWAYS })
  })

  it('may open sockets to the gateways and to nothing else', async () => {
    const policy = (await fetch(`${address}/`)).headers.get('content-security-policy')
    expect(policy).toContain("connect-src 'self' ws://127.0.0.1:8101 wss://two.example;")
    expect(policy).not.toContain('unsafe')
  })

  it('is asked for again each time, and its hashed files never', async () => {
    const page = await fetch(`${address}/`)
    const asset = await fetch(`${address}/assets/index-abc123.js`)
    expect([page.status, page.headers.get('cache-control')]).toEqual([200, 'no-cache'])
    expect([asset.status, asset.headers.get('cache-control')]).toEqual([
      200,
      'public, max-age=31536000, immutable',
    ])
  })

  it('is all that is served: no path leads out of its folder', async () => {
    const response = await fetch(`${address}/assets/..%2f..%2f..%2fetc%2fpasswd`)
    expect(response.status).toBeGreaterThanOrEqual(400)
  })
})

describe('the private port', () => {
  it('is there before the mesh is: alive and not ready while NATS is waited for, and an end is not kept waiting', async () => {
    const [port, opsPort, nowhere] = [await freePort(), await freePort(), await freePort()]
    const early = await startProcess({
      args: [join(ROOT, 'apps/messenger/src/main.ts')],
      cwd: ROOT,
      env: {
        NATTER_NATS_URL: `nats://127.0.0.1:${nowhere}`,
        NATTER_NATS_CONNECT_TIMEOUT: '5m',
        NATTER_MESSENGER_PORT: String(port),
        NATTER_MESSENGER_GATEWAYS: GATEWAYS.join(','),
        NATTER_MESSENGER_TOKEN_SECRET: SECRET,
        NATTER_MESSENGER_PAGE_FOLDER: pageFolder,
        NATTER_OPS_PORT: String(opsPort),
        NATTER_CONFIG: join(ROOT, 'natter.yaml'),
      },
    })
    await early.waitForLine((line) => line.includes('ops:listen'))
    const ask = (page: string) => fetch(`http://127.0.0.1:${opsPort}/health/${page}`)
    expect(await (await ask('ready')).json()).toMatchObject({ checks: { starting: expect.any(String) } })
    expect((await ask('live')).status).toBe(200)
    expect(await early.kill()).toEqual({ code: 0, signal: null })
  })

  it('counts sessions by outcome and never by name', async () => {
    await post('{"name":"Counted"}')
    const metrics = await (await fetch(`${opsAddress}/metrics`)).text()
    expect(metrics).toMatch(/natter_messenger_sessions_total\{outcome="opened".*\} [1-9]/)
    expect(metrics).not.toContain('ounted')
    expect((await fetch(`${opsAddress}/health`)).status).toBe(200)
  })

  it('says that the messenger is in the mesh, without which nobody can write', async () => {
    const health: unknown = await (await fetch(`${opsAddress}/health`)).json()
    expect(health).toMatchObject({ checks: { mesh: 'ok' } })
  })

  it('is the only one that shows metrics', async () => {
    expect((await fetch(`${address}/metrics`)).status).toBe(404)
  })
})
