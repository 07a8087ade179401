/** docker-compose.nats3.yml: three NATS servers of which one may die. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { connectSdk, eventually, leakCheck } from '@natter/testing'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { rm } from 'node:fs/promises'
import { connect as dial } from 'node:net'
import { readProject } from './compose-file.js'
import { initialized, type Clone } from './initialized.js'
import { buildApps, startLocalStack, type LocalStack } from './local-stack.js'

let noLeaks: () => Promise<void>
let clone: Clone
let stack: LocalStack

beforeAll(async () => {
  noLeaks = leakCheck(5_000)
  clone = await initialized('--nats', '3')
  buildApps()
  const project = readProject(['docker-compose.yml', 'docker-compose.nats3.yml'], {
    SECRETS_FOLDER: clone.secrets,
    GATEWAYS: '1',
  })
  const wanted = new Set(['nats', 'nats-2', 'nats-3', 'provision', 'gateway'])
  const services = Object.entries(project.services).filter(([name]) => wanted.has(name))
  const anybody = { NATTER_CLIENT_ALLOW_ANONYMOUS: 'true' }
  stack = await startLocalStack({ ...project, services: Object.fromEntries(services) }, '', {
    gateway: { env: anybody },
  })
}, 120_000)

afterAll(async () => {
  await stack.stop()
  await rm(clone.folder, { recursive: true, force: true })
  await noLeaks()
}, 60_000)

/** As the gateways: what the server says of the stream. */
async function replicasOf(nc: NatsConnection, stream: string): Promise<{ leader: string; others: number }> {
  const answer = await nc.request(`$JS.API.STREAM.INFO.${stream}`, '', { timeout: 2_000 })
  const { cluster } = answer.json<{ cluster: { leader: string; replicas: { current: boolean }[] } }>()
  return { leader: cluster.leader, others: cluster.replicas.filter(({ current }) => current).length }
}

describe('three NATS servers', () => {
  it('hold three copies of a stream, and store on when the one that leads it is killed', async () => {
    const gateway = stack.service('gateway-1')
    await eventually(() => gateway.isHealthy(), { timeoutMs: 60_000, intervalMs: 200 })
    await eventually(() => stack.service('provision').exits.at(-1)?.code === 0, { timeoutMs: 30_000 })
    const servers = ['nats', 'nats-2', 'nats-3'].map((name) => `nats://${stack.service(name).address}:4222`)
    const pass = await clone.secret('nats_gateway')
    const nc = await connect({ servers, user: 'gateway', pass, inboxPrefix: '_INBOX_natter.test' })
    const client = await connectSdk(`ws://${gateway.address}:8000/connection/websocket`)
    try {
      const { leader } = await eventually(async () => {
        const found = await replicasOf(nc, 'NATTER_CH_0')
        return found.others === 2 ? found : undefined
      })
      await client.subscribe('hello:three')
      await client.centrifuge.publish('hello:three', 1)
      await stack.service(leader).kill()
      await eventually(() => client.centrifuge.publish('hello:three', 2).then(() => true), {
        timeoutMs: 30_000,
      })
      expect(
        (await client.received('hello:three', 2)).map(({ data }) => data as unknown).slice(0, 2),
      ).toEqual([1, 2])
    } finally {
      client.dispose()
      await nc.close()
    }
  }, 120_000)

  it('let no server join that has not their password', async () => {
    const socket = dial(6222, stack.service('nats-2').address)
    let said = ''
    socket.on('data', (bytes: Buffer) => (said += bytes.toString('latin1')))
    const who = { user: 'cluster', pass: 'cluster', name: 'x', cluster: 'natter', lang: 'go', verbose: false }
    socket.write(`CONNECT ${JSON.stringify(who)}\r\nPING\r\n`)
    await new Promise((resolve) => socket.on('close', resolve))
    expect(said).toContain('Authorization Violation')
  })
})
