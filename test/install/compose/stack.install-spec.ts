/**
 * What `docker compose up` starts, started as processes here: nginx, two gateways, persistence, the messenger, NATS and Postgres, with
 * the configuration files, variables and passwords that the containers get.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { connectSdk, eventually, leakCheck, withClient, type SdkClient } from '@natter/testing'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { rm } from 'node:fs/promises'
import { WebSocket } from 'ws'
import { obtainNginx } from '../../../tools/nginx.mjs'
import { readProject } from './compose-file.js'
import { startDns } from './dns.js'
import { initialized, type Clone } from './initialized.js'
import {
  buildApps,
  replacedOnce,
  startLocalStack,
  type LocalService,
  type LocalStack,
} from './local-stack.js'

const room = 'room:general'
const pingMs = 1_000

let noLeaks: () => Promise<void>
let clone: Clone
let stack: LocalStack
let nginx: LocalService
const clients: SdkClient[] = []
const sockets: WebSocket[] = []

beforeAll(async () => {
  noLeaks = leakCheck(5_000)
  clone = await initialized()
  const said: string[] = []
  const program = await obtainNginx((line) => said.push(line))
  if (program === null) throw new Error(said.join('\n'))
  buildApps()
  const variables = { SECRETS_FOLDER: clone.secrets }
  const project = readProject(['docker-compose.yml'], variables)
  stack = await startLocalStack(project, program)
  nginx = stack.service('nginx')
  for (const name of ['gateway-1', 'gateway-2']) list('gateway', stack.service(name))
  list('messenger', stack.service('messenger'))
}, 300_000)

afterAll(async () => {
  for (const client of clients) client.dispose()
  for (const socket of sockets) socket.terminate()
  await stack.stop()
  await rm(clone.folder, { recursive: true, force: true })
  await noLeaks()
}, 60_000)

/** A container that runs has its address under the service's name. */
function list(service: string, { address }: LocalService, dns = stack.dns): void {
  dns.services.set(service, [...(dns.services.get(service) ?? []), address])
}

function unlist(service: string, { address }: LocalService): void {
  const rest = stack.dns.services.get(service) ?? []
  stack.dns.services.set(
    service,
    rest.filter((other) => other !== address),
  )
}

const healthy = (service: LocalService): Promise<true> =>
  eventually(() => service.isHealthy(), { timeoutMs: 60_000, intervalMs: 200 })

const socketOf = ({ address }: LocalService): string => `ws://${address}:8080/connection/websocket`

async function tokenOf(name: string): Promise<string> {
  const answer = await fetch(`http://${nginx.address}:8080/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  })
  return ((await answer.json()) as { token: string }).token
}

async function connectAs(name: string, through: LocalService = nginx): Promise<SdkClient> {
  const token = await tokenOf(name)
  const options = { token, minReconnectDelay: 50, maxReconnectDelay: 500 }
  const client = await connectSdk(socketOf(through), options, 15_000)
  clients.push(client)
  return client
}

async function connectionsOf({ address }: LocalService): Promise<number> {
  const text = await (await fetch(`http://${address}:9000/metrics`)).text()
  return Number(/^natter_gateway_connections(?:\{[^}]*\})? (\d+)$/m.exec(text)?.[1] ?? Number.NaN)
}

/** The status of one upgrade, tried once, and the socket if it is one. */
async function upgradeOf(through: LocalService, origin?: string): Promise<number> {
  const socket = new WebSocket(socketOf(through), origin === undefined ? {} : { origin })
  sockets.push(socket)
  return new Promise((resolve, reject) => {
    socket.on('upgrade', ({ statusCode = 0 }) => resolve(statusCode))
    socket.on('unexpected-response', (_request, { statusCode = 0 }) => {
      socket.terminate()
      resolve(statusCode)
    })
    socket.on('error', reject)
  })
}

const say = (client: SdkClient, id: string): Promise<unknown> =>
  client.centrifuge.publish(room, { id, text: id })

const idsIn = (publications: readonly { data: { id: string } }[]): string[] =>
  publications.map(({ data }) => data.id)

describe('what docker compose starts', () => {
  it('is well in all its parts, in whatever order they came up', async () => {
    const names = ['nginx', 'gateway-1', 'gateway-2', 'persistence', 'messenger', 'nats', 'postgres']
    for (const name of names) await healthy(stack.service(name))
    for (const name of ['provision', 'migrate'])
      await eventually(() => stack.service(name).exits.at(-1)?.code === 0, { timeoutMs: 30_000 })
  }, 90_000)

  it('serves the messenger’s page through nginx, with the address of the sockets', async () => {
    const page = await fetch(`http://${nginx.address}:8080/`)
    expect(page.status).toBe(200)
    expect(await page.text()).toContain('<div id="root">')
    const config = await fetch(`http://${nginx.address}:8080/config.json`)
    expect(await config.json()).toEqual({ gateways: ['ws://localhost:8080/connection/websocket'] })
  })

  it('lets the page in, and neither a page of somebody else nor a client without a token', async () => {
    expect(await upgradeOf(nginx, 'http://localhost:8080')).toBe(101)
    expect(await upgradeOf(nginx, 'https://evil.example')).toBe(403)
    await expect(connectSdk(socketOf(nginx))).rejects.toThrow(/3501|101|bad request|unauthorized|permission/i)
  })

  it('spreads sockets over the gateways, and moves them without a hole when one is killed', async () => {
    const gateways = [stack.service('gateway-1'), stack.service('gateway-2')] as const
    const guests: SdkClient[] = []
    const isSpread = async (): Promise<boolean> =>
      (await Promise.all(gateways.map((gateway) => connectionsOf(gateway)))).every((count) => count > 0)
    // nginx begins with any of the addresses that DNS told
    while (guests.length < 4 || !(await isSpread())) {
      expect(guests.length).toBeLessThan(40)
      guests.push(await connectAs(`Guest ${guests.length}`))
    }
    await Promise.all(guests.map((guest) => guest.subscribe(room)))
    const [first, last] = [guests[0], guests.at(-1)] as [SdkClient, SdkClient]
    for (let number = 1; number <= 10; number += 1) await say(first, `before ${number}`)
    const [killed] = gateways
    const count = await connectionsOf(killed)
    await killed.kill()
    // its address is still told by DNS: who meets it there goes on to the other one, in the same request
    for (let attempt = 0; attempt < 12; attempt += 1) expect(await upgradeOf(nginx)).toBe(101)
    await Promise.all(guests.map((guest) => guest.centrifuge.ready(15_000)))
    for (let number = 1; number <= 10; number += 1) await say(last, `after ${number}`)
    const expected = Array.from({ length: 20 }, (_, at) => `${at < 10 ? 'before' : 'after'} ${(at % 10) + 1}`)
    for (const guest of guests) expect(idsIn(await guest.received(room, 20))).toEqual(expected)
    expect(count).toBeGreaterThan(0)
    await healthy(killed)
  }, 60_000)

  it.each(['http_stream', 'sse'])(
    'passes on at once what an open response brings, and its posts to whichever gateway comes next: %s',
    async (transport) => {
      const base = `http://${nginx.address}:8080`
      const body = JSON.stringify({ id: 1, connect: { token: await tokenOf('Listener') } })
      const response = await fetch(`${base}/connection/${transport}`, { method: 'POST', body })
      const reader = (response.body as ReadableStream<Uint8Array>).getReader()
      let text = ''
      const until = async (part: string): Promise<void> => {
        while (!text.includes(part)) {
          const { value, done } = await reader.read()
          if (done) throw new Error(`ended after ${text}`)
          text += Buffer.from(value).toString()
        }
      }
      await until('"session"')
      const said = (name: string): string => new RegExp(`"${name}":"([^"]+)"`).exec(text)?.[1] ?? ''
      const [session, node] = [said('session'), said('node')]
      for (let id = 2; id < 14; id += 1) {
        const data = JSON.stringify({ id, presence_stats: { channel: room } })
        const post = { method: 'POST', body: JSON.stringify({ session, node, data }) }
        expect((await fetch(`${base}/emulation`, post)).status).toBe(204)
        await until(`{"id":${id},`)
      }
      await reader.cancel()
    },
    30_000,
  )

  it('keeps what was said in Postgres', async () => {
    const password = await clone.secret('postgres_password')
    const url = `postgres://natter:${password}@${stack.service('postgres').address}:5432/natter`
    const rows = await eventually(async () => {
      const answer = await withClient(url, (client) =>
        client.query('select count(*)::int as rows from natter.history where channel = $1', [room]),
      )
      const [{ rows: count } = { rows: 0 }] = answer.rows as { rows: number }[]
      return count >= 20 ? count : undefined
    })
    expect(rows).toBe(20)
    await expect(
      withClient(url.replace(password, 'natter'), (client) => client.query('select 1')),
    ).rejects.toThrow(/password/)
  })

  it('is updated as its page says, new gateways beside old ones that drain, and nobody misses or sees twice what is said', async () => {
    const guests = await Promise.all(
      ['Hal', 'Ida', 'Jan', 'Kim', 'Lea', 'Max'].map((name) => connectAs(name)),
    )
    await Promise.all(guests.map((guest) => guest.subscribe(room)))
    const fresh = [await stack.add('gateway', 'gateway-3'), await stack.add('gateway', 'gateway-4')]
    await Promise.all(fresh.map((gateway) => healthy(gateway)))
    for (const gateway of fresh) list('gateway', gateway)
    const talk = talkWhile(guests[0] as SdkClient)
    for (const name of ['gateway-1', 'gateway-2']) {
      const old = stack.service(name)
      await talk.hasSaid(20)
      expect(await old.stop()).toEqual({ code: 0, signal: null })
      unlist('gateway', old)
    }
    await talk.hasSaid(20)
    const said = await talk.end()
    for (const guest of guests) expect(idsIn(await guest.received(room, said.length))).toEqual(said)
    const counts = await Promise.all(fresh.map((gateway) => connectionsOf(gateway)))
    expect(counts.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(clients.length)
  }, 90_000)
})

/** Says one thing after the other until it is told to end; what got no answer is said again by the same id. */
function talkWhile(client: SdkClient): { hasSaid(more: number): Promise<true>; end(): Promise<string[]> } {
  const said: string[] = []
  const over = new AbortController()
  const talking = (async () => {
    while (!over.signal.aborted) {
      const id = `while ${said.length + 1}`
      await eventually(() => say(client, id).then(() => true), { timeoutMs: 20_000 })
      said.push(id)
    }
  })()
  return {
    hasSaid(more) {
      const wanted = said.length + more
      return eventually(() => said.length >= wanted, { timeoutMs: 20_000 })
    },
    async end() {
      over.abort()
      await talking
      return said
    },
  }
}

describe('nginx before the gateways', () => {
  /** One with gateways of its own, by other times and settings. */
  const front = async (
    name: string,
    change: (text: string) => string,
    ...gateways: readonly Readonly<Record<string, string>>[]
  ): Promise<LocalService> => {
    const dns = await startDns(stack.address())
    const own = await Promise.all(
      gateways.map((env, index) => stack.add('gateway', `${name}-gateway-${index}`, { env })),
    )
    for (const gateway of own) list('gateway', gateway, dns)
    await Promise.all(own.map((gateway) => healthy(gateway)))
    fronts.push(dns.close)
    const through = await stack.add('nginx', name, { dns, text: change })
    await healthy(through)
    return through
  }
  const fronts: (() => Promise<void>)[] = []
  afterAll(() => Promise.all(fronts.map((close) => close())))

  const often = { NATTER_CLIENT_PING_INTERVAL: `${pingMs}ms`, NATTER_CLIENT_PONG_TIMEOUT: '500ms' }
  const readTimeout = 'proxy_read_timeout 120s;'

  /** How many pings a client that says nothing else answers, `count` at most, before it is closed. @throws Error it wasn't let in */
  const pingsOf = async (through: LocalService, count: number): Promise<number> => {
    const token = await tokenOf('Ida')
    const socket = new WebSocket(socketOf(through))
    let [isIn, pings] = [false, 0]
    return new Promise((resolve, reject) => {
      socket.on('error', reject)
      socket.on('open', () => socket.send(JSON.stringify({ id: 1, connect: { token } })))
      socket.on('message', (data: Buffer) => {
        isIn ||= data.toString().includes('"connect"')
        if (data.toString() !== '{}') return
        pings += 1
        socket.send('{}')
        if (pings === count) socket.close()
      })
      socket.on('close', () => (isIn ? resolve(pings) : reject(new Error('closed before it was in'))))
    })
  }

  it('keeps a silent socket for as long as pings come within its timeout', async () => {
    const patient = await front(
      'patient',
      (text) => replacedOnce(text, readTimeout, 'proxy_read_timeout 2s;'),
      often,
    )
    expect(await pingsOf(patient, 3)).toBe(3)
  }, 30_000)

  it('would close it if its timeout were below the interval, so the law above can fail', async () => {
    const hasty = await front(
      'hasty',
      (text) => replacedOnce(text, readTimeout, 'proxy_read_timeout 300ms;'),
      often,
    )
    expect(await pingsOf(hasty, 3)).toBeLessThan(3)
  }, 30_000)

  it('takes a client to the next gateway when one is full', async () => {
    const through = await front('full', (text) => text, { NATTER_GATEWAY_MAX_CONNECTIONS: '1' }, {})
    for (let attempt = 0; attempt < 12; attempt += 1) expect(await upgradeOf(through)).toBe(101)
    expect(await connectionsOf(stack.service('full-gateway-0'))).toBe(1)
  }, 30_000)
})

describe('the NATS of the compose files', () => {
  const open = async (user: string): Promise<NatsConnection> => {
    const pass = await clone.secret(`nats_${user}`)
    const servers = `nats://${stack.service('nats').address}:4222`
    return connect({ servers, user, pass, inboxPrefix: '_INBOX_natter.test', reconnect: false })
  }

  /** Whether it may, as the server says. */
  const mayPublish = async (user: string, subject: string): Promise<boolean> => {
    const nc = await open(user)
    const denied = new Promise<false>((resolve) => {
      void (async () => {
        for await (const status of nc.status()) if (status.type === 'error') resolve(false)
      })()
    })
    nc.publish(subject, '{}')
    const answer = await Promise.race([
      nc
        .flush()
        .then(() => nc.flush())
        .then(() => true),
      denied,
    ])
    const settled = answer ? await Promise.race([denied, nc.flush().then(() => true)]) : false
    await nc.close()
    return settled
  }

  it('lets nobody in without a password', async () => {
    const servers = `nats://${stack.service('nats').address}:4222`
    await expect(connect({ servers, reconnect: false })).rejects.toThrow(/authorization/i)
    await expect(connect({ servers, user: 'gateway', pass: 'gateway', reconnect: false })).rejects.toThrow(
      /authorization/i,
    )
  })

  it('lets gateways alone write what clients are sent and what is stored', async () => {
    for (const subject of [
      'natter.l.7.room.room=3Ax',
      'natter.c.7.room.room=3Ax',
      '$KV.NATTER_topology.shards',
    ]) {
      for (const user of ['app', 'persistence'])
        if (!(user === 'persistence' && subject.startsWith('$KV')))
          expect([user, subject, await mayPublish(user, subject)]).toEqual([user, subject, false])
    }
    expect(await mayPublish('gateway', 'natter.l.7.room.room=3Ax')).toBe(true)
    for (const user of ['app', 'persistence', 'gateway'])
      expect(await mayPublish(user, '$JS.API.STREAM.DELETE.NATTER_CH_0')).toBe(false)
  })

  it('was asked by its users for nothing that it refuses them', () => {
    const refusals = (stack.service('nats').running?.lines ?? []).filter((line) => /violation/i.test(line))
    const isOurs = (line: string): boolean =>
      /natter\.[lc]\.7\.room|NATTER_topology\.shards|STREAM\.DELETE/.test(line)
    expect(refusals.filter((line) => isOurs(line)).length).toBeGreaterThan(4) // those of the law before
    expect(refusals.filter((line) => !isOurs(line))).toEqual([])
  })

  it('takes no gateway out of service by being away, though none is ready then', async () => {
    const gateway = stack.service('gateway-3')
    const nats = stack.service('nats')
    const before = clients.filter(({ centrifuge }) => centrifuge.state === 'connected').length
    expect(before).toBeGreaterThan(0)
    await nats.kill()
    await eventually(async () => !(await fetch(`http://${gateway.address}:9000/health/ready`)).ok)
    expect(await gateway.isHealthy()).toBe(true)
    await healthy(nats)
    await eventually(async () => (await fetch(`http://${gateway.address}:9000/health/ready`)).ok, {
      timeoutMs: 15_000,
    })
    expect(clients.filter(({ centrifuge }) => centrifuge.state === 'connected')).toHaveLength(before)
  }, 40_000)
})
