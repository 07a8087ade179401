/** The configuration of NATS that the chart renders, given to real servers. */
import { createNatsBroker, Subjects, type Broker, type NatsBrokerOptions } from '@natter/broker'
import { leakCheck, natsServerBinary, startProcess, type StartedProcess } from '@natter/testing'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { connect, PermissionViolationError, type NatsConnection } from '@nats-io/transport-node'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { textsOf, type Manifest } from '../cluster/manifests.js'
import { LoopbackAddresses } from '../shared/loopback.js'
import { describeWithHelm, find, rendering } from './renderings.js'
import { workload } from './workloads.js'

const addresses = new LoopbackAddresses()
leakCheck()

interface Servers {
  readonly urls: string[]
  readonly passwords: Readonly<Record<string, string>>
  stop(): Promise<void>
}

/** As many as the StatefulSet has pods, each with an address of its own. */
async function startServers(manifests: readonly Manifest[]): Promise<Servers> {
  const { manifest, containers } = workload(manifests, 'StatefulSet natter-nats')
  const { replicas } = manifest.spec as { replicas: number }
  const hosts = Array.from({ length: replicas }, () => addresses.next())
  const passwords = textsOf(find(manifests, 'Secret', 'natter-nats'))
  const local = (text: string): string =>
    hosts.reduce(
      (all, host, index) => all.replaceAll(`natter-nats-${index}.natter-nats-headless`, host),
      text,
    )
  const folder = await mkdtemp(join(tmpdir(), 'natter-chart-nats-'))
  const servers: StartedProcess[] = []
  for (const [index, host] of hosts.entries()) {
    const store = join(folder, String(index))
    const conf = (textsOf(find(manifests, 'ConfigMap', 'natter-nats'))['nats.conf'] ?? '')
      .replaceAll('0.0.0.0', host)
      .replace('/data', `${store}/data`)
      .replace('/tmp/nats.pid', `${store}.pid`)
    await writeFile(`${store}.conf`, conf)
    const env: Record<string, string> = { POD_NAME: `natter-nats-${index}` }
    for (const { name, value, valueFrom } of containers[0]?.env ?? []) {
      if (valueFrom?.secretKeyRef !== undefined) env[name] = passwords[valueFrom.secretKeyRef.key] ?? ''
      else if (value !== undefined)
        env[name] = local(value.replace(/\$\((\w+)\)/g, (_, other: string) => env[other] ?? ''))
    }
    const args = ['--config', `${store}.conf`]
    servers.push(await startProcess({ command: natsServerBinary(), args, env }))
  }
  await Promise.all(
    servers.map((server) => server.waitForLine((line) => line.includes('Server is ready'), 10_000)),
  )
  return {
    urls: hosts.map((host) => `nats://${host}:4222`),
    passwords,
    stop: async () => {
      await Promise.all(servers.map((server) => server.kill('SIGKILL')))
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** By user, as the text of the configuration without its layout. */
function permissionsIn(conf: string): Map<string, string> {
  const users = conf
    .replaceAll(/#.*/g, '')
    .matchAll(/user: (\w+)\s+password: \S+\s+permissions \{([\s\S]*?\n\s+subscribe.*)/g)
  return new Map(
    [...users].map(([, user = '', permissions = '']) => [user, permissions.replaceAll(/\s+/g, ' ')]),
  )
}

describeWithHelm('the NATS of the chart', () => {
  let servers: Servers
  const open: (Broker | NatsConnection)[] = []

  const joinMesh = async (user: string, more: Partial<NatsBrokerOptions> = {}): Promise<Broker> => {
    const { urls, passwords } = servers
    const pass = passwords[`${user}-password`] ?? ''
    const limits = { streams: 1, replicas: 1, maxBytes: 2 ** 20, connectTimeoutMs: 20_000 }
    const broker = await createNatsBroker({
      urls,
      prefix: 'natter',
      user,
      pass,
      name: user,
      ...limits,
      ...more,
    })
    open.push(broker)
    return broker
  }

  /** The keys of all revocations, once it has caught up. */
  const revokedAt = (gateway: Broker): Promise<string[]> =>
    new Promise((resolve, reject) => {
      const keys: string[] = []
      gateway.revocations.follow({
        begin() {},
        record: ({ key }) => keys.push(key),
        caughtUp: () => resolve(keys),
        away() {},
        trouble: reject,
      })
    })

  const connectAs = async (user: string): Promise<NatsConnection> => {
    const pass = servers.passwords[`${user}-password`] ?? ''
    const connection = await connect({ servers: servers.urls, user, pass, reconnect: false })
    open.push(connection)
    return connection
  }

  /** Whether NATS lets the user: it says no on the connection, before what is asked after. */
  const mayPublish = async (user: string, subject: string): Promise<boolean> => {
    const connection = await connectAs(user)
    const refused: string[] = []
    const watch = (async () => {
      for await (const status of connection.status())
        if (status.type === 'error' && status.error instanceof PermissionViolationError)
          refused.push(status.error.subject)
    })()
    connection.publish(subject, '')
    await connection.flush()
    await connection.close()
    await watch
    return !refused.includes(subject)
  }

  const maySubscribe = async (user: string, subject: string): Promise<boolean> => {
    const connection = await connectAs(user)
    const said = new Promise<boolean>((resolve) => {
      connection.subscribe(subject, { callback: (error) => resolve(error === null) })
    })
    await connection.flush()
    const isDenied = await Promise.race([
      said.then((isMessage) => !isMessage),
      connection.flush().then(() => false),
    ])
    await connection.close()
    return !isDenied
  }

  afterEach(async () => {
    for (const one of open.splice(0)) await one.close()
    await servers.stop()
  })

  describe('of one server', () => {
    beforeEach(async () => {
      servers = await startServers(rendering('test'))
    })

    it('lets gateways, persistence and apps do what they do', async () => {
      const gateway = await joinMesh('gateway')
      const { subject, stream } = gateway.route('chat', 'chat:room')
      expect(stream).toBe('NATTER_CH_0')
      expect(subject).toContain('natter.c.')
      await gateway.registry.create('apps', Buffer.from('{}'))
      const persistence = await joinMesh('persistence')
      expect((await persistence.log.state('NATTER_CH_0')).maxBytes).toBe(2 ** 20)
      const app = await joinMesh('app', { isGuest: true })
      const entry = await app.registry.get('apps')
      expect(await app.registry.update('apps', Buffer.from('{"a":1}'), entry?.revision ?? 0)).toBeGreaterThan(
        0,
      )
    })

    it('lets gateways alone publish what clients see and what is stored', async () => {
      const subjects = new Subjects('natter')
      const live = subjects.live('chat', 'chat:room')
      const stored = subjects.stored('chat', 'chat:room')
      const allowed: string[] = []
      for (const user of ['gateway', 'persistence', 'app'])
        for (const subject of [live, stored])
          if (await mayPublish(user, subject)) allowed.push(`${user} ${subject}`)
      expect(allowed).toEqual([`gateway ${live}`, `gateway ${stored}`])
    })

    it('lets nobody but gateways and persistence make or change streams, and nobody delete one', async () => {
      const calls = ['CREATE', 'UPDATE', 'PURGE', 'DELETE'].map(
        (call) => `$JS.API.STREAM.${call}.NATTER_CH_0`,
      )
      const allowed: string[] = []
      for (const user of ['gateway', 'persistence', 'app'])
        for (const call of calls)
          if (await mayPublish(user, call)) allowed.push(`${user} ${call.split('.')[3]}`)
      expect(allowed).toEqual(
        ['gateway', 'persistence'].flatMap((user) =>
          ['CREATE', 'UPDATE', 'PURGE'].map((call) => `${user} ${call}`),
        ),
      )
    })

    it('lets gateways alone revoke, and follow what is revoked', async () => {
      const key = '$KV.NATTER_revocations.block.somebody'
      const allowed: string[] = []
      for (const user of ['gateway', 'persistence', 'app'])
        if (await mayPublish(user, key)) allowed.push(user)
      expect(allowed).toEqual(['gateway'])
      const gateway = await joinMesh('gateway')
      await gateway.revocations.put('block.somebody', Buffer.from('{}'))
      expect(await revokedAt(gateway)).toEqual(['block.somebody'])
    })

    it('shows publications to gateways alone', async () => {
      const seen: string[] = []
      for (const user of ['gateway', 'persistence', 'app'])
        for (const subject of ['natter.l.>', 'natter.c.>'])
          if (await maySubscribe(user, subject)) seen.push(`${user} ${subject}`)
      expect(seen).toEqual(['gateway natter.l.>', 'gateway natter.c.>'])
    })

    it('knows nobody without a password', async () => {
      await expect(connect({ servers: servers.urls, reconnect: false })).rejects.toThrow(/[Aa]uthorization/)
      await expect(
        connect({ servers: servers.urls, user: 'gateway', pass: 'natter', reconnect: false }),
      ).rejects.toThrow(/[Aa]uthorization/)
    })
  })

  it('of three servers is one cluster that keeps three copies and flushes before it acknowledges', async () => {
    const manifests = rendering('defaults')
    expect(textsOf(find(manifests, 'ConfigMap', 'natter-nats'))['nats.conf']).toContain(
      'sync_interval: always',
    )
    servers = await startServers(manifests)
    const gateway = await joinMesh('gateway', { replicas: 3 })
    for (let n = 0; n < 50; n += 1) await gateway.revocations.put(`block.${n % 5}`, Buffer.from(`${n}`))
    const late = await joinMesh('gateway', { replicas: 3, name: 'late' })
    expect((await revokedAt(late)).toSorted()).toEqual([0, 1, 2, 3, 4].map((n) => `block.${n}`))
    const connection = await connectAs('gateway')
    const inbox = '_INBOX_natter.test'
    const answer = new Promise<{ config: { num_replicas: number }; cluster: { replicas: object[] } }>(
      (resolve) => {
        connection.subscribe(inbox, { callback: (_, message) => resolve(message.json()) })
      },
    )
    connection.publish('$JS.API.STREAM.INFO.NATTER_CH_0', '', { reply: inbox })
    const { config, cluster } = await answer
    expect(config.num_replicas).toBe(3)
    expect(cluster.replicas).toHaveLength(2)
  }, 60_000)
})

describeWithHelm('the configuration of NATS', () => {
  it('gives the permissions that compose gives: one list was tried with all apps, and two would drift apart', () => {
    const ofChart = textsOf(find(rendering('defaults'), 'ConfigMap', 'natter-nats'))['nats.conf'] ?? ''
    const ofCompose = readFileSync(join(import.meta.dirname, '../../../deploy/nats/accounts.conf'), 'utf8')
    expect(permissionsIn(ofChart)).toEqual(permissionsIn(ofCompose))
    expect([...permissionsIn(ofChart).keys()]).toEqual(['gateway', 'persistence', 'app'])
  })
})
