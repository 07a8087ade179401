/**
 * Two real gateways on a real NATS, apps by the real driver, clients by the official SDK, every
 * second of them in Protobuf: the same contract as the test kit's mesh.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { namespaceSchema, NoTokens, resolveNamespace } from '@natter/auth'
import { createNatsBroker } from '@natter/broker'
import { HookCaller } from '@natter/hooks'
import { ConnectionController, NatterModule, OnConnect, OnMessage, Rpc } from '@natter/nest'
import { systemClock } from '@natter/primitives'
import { connectSdk, eventually, leakCheck, startNatsServer, type NatsServer } from '@natter/testing'
import { createUwsServer } from '@natter/transport'
import { Module, type INestApplicationContext, type Type } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { z } from 'zod'
import { contractNamespaces, describeMesh, type MeshWorld } from '../../../libs/nest/test/mesh.contract.js'
import { Gateway } from '../src/gateway.js'
import { Settings } from '../src/settings/settings.js'
import { clientOptions } from './harness.js'
import { connectSdkMeshClient, type SdkMeshClient, type SdkRequest } from './sdk-mesh-client.js'

const namespaceOptions = namespaceSchema({ duration: z.number() })
const all = Object.fromEntries(
  ['subscribe', 'publish', 'presence', 'history'].map((verb) => [`allow_${verb}_for_client`, true]),
)
const namespaces = new Map(
  ['', ...contractNamespaces].map((name) => {
    const options = { presence: true, keep: name === 'live' || name === '' ? 'none' : 'stream' }
    const parsed = namespaceOptions.parse(name === 'open' ? { ...options, ...all } : options)
    return [name, resolveNamespace(name, parsed)]
  }),
)

let nats: NatsServer
let meshes = 0
let expectNoLeaks: ReturnType<typeof leakCheck>

beforeAll(async () => {
  expectNoLeaks = leakCheck() // in a hook like its end: Jest's own timer counts on both sides
  nats = await startNatsServer()
})
afterAll(async () => {
  await nats.stop()
  await expectNoLeaks()
})

async function startGateway(prefix: string, name: string) {
  // NATS sets all of it aside, and each test has a mesh of its own
  const broker = await createNatsBroker({ urls: [nats.url], prefix, name, maxBytes: 33_554_432 })
  const hooks = new HookCaller({ broker })
  const gateway = new Gateway({
    settings: new Settings({
      options: {
        name,
        version: 'test',
        host: '127.0.0.1',
        port: 0,
        sharePort: false,
        maxConnections: 100,
        trustedProxies: [],
        presenceTimeoutMs: 1_000,
        drain: { delayMs: 0, ratePerSecond: 5_000, deadlineMs: 4_500 },
        client: {
          ...clientOptions,
          allowAnonymous: false,
          personalChannel: { namespace: '' },
          hookHeaders: ['authorization'],
        },
      },
      namespaces,
      verifier: new NoTokens(),
    }),
    prefix,
    broker,
    hooks,
    clock: systemClock,
    createServer: (handlers) =>
      createUwsServer(
        { host: '127.0.0.1', port: 0, maxMessageBytes: 65_536, maxQueueBytes: 1_048_576 },
        handlers,
      ),
  })
  await hooks.start()
  const port = await gateway.start()
  const stop = async (): Promise<void> => {
    await gateway.stop()
    hooks.stop()
    await broker.close()
  }
  return { hooks, gateway, url: `ws://127.0.0.1:${port}/connection/websocket`, stop }
}

async function openMesh(): Promise<MeshWorld & { url: string }> {
  meshes += 1
  const prefix = `contract${meshes}`
  const gateways = [await startGateway(prefix, 'one'), await startGateway(prefix, 'two')]
  await eventually(() => gateways.every(({ gateway }) => gateway.peerCount > 0))
  const apps: INestApplicationContext[] = []
  const clients: SdkMeshClient[] = []

  /** The gateways know the instance: it was heard from, and has said what it answers. */
  const known = (instance: string): Promise<unknown> =>
    eventually(() =>
      gateways.every(({ hooks }) =>
        hooks.instances.some(({ name, isReady }) => name === instance && isReady),
      ),
    )

  return {
    url: gateways[0]!.url,
    async start(app: string, controllers: Type[]) {
      const instance = `${app}-${apps.length}`
      @Module({
        imports: [NatterModule.forRoot({ app, instance, nats: { url: nats.url, prefix } })],
        controllers,
      })
      class AppModule {}
      const started = await NestFactory.createApplicationContext(AppModule, {
        logger: false,
        abortOnError: false,
      })
      apps.push(started)
      await known(instance)
      return started
    },
    async connect(request: SdkRequest = {}) {
      const { url } = gateways[clients.length % gateways.length]!
      const encoding = clients.length % 2 === 0 ? 'json' : 'protobuf'
      const client = await connectSdkMeshClient(url, request, encoding)
      clients.push(client)
      return client
    },
    pass: () => Promise.resolve(), // it does so by itself
    async close() {
      for (const client of clients) client.end()
      await Promise.all(apps.map((app) => app.close()))
      await Promise.all(gateways.map((gateway) => gateway.stop()))
    },
  }
}

describeMesh('gateways on NATS', openMesh)

describe('handlers and bytes that are no JSON', () => {
  const odd = Buffer.from([0xff, 0x00, 0x7b])

  it('[9.17] go to who says that it reads bytes, and back; who reads JSON refuses them with 107, and lives on', async () => {
    const told: unknown[] = []
    @ConnectionController()
    class Mine {
      @OnConnect({ encoding: 'bytes' }) connect(data: Uint8Array) {
        return { user: Buffer.from(data).toString('hex') }
      }
      @Rpc('turned', { encoding: 'bytes' }) turned(data: Uint8Array) {
        return data.toReversed()
      }
      @Rpc('read') read(data: unknown) {
        return data
      }
      @OnMessage({ encoding: 'bytes' }) message(data: Uint8Array) {
        told.push(Buffer.from(data).toString('hex'))
      }
    }
    const mesh = await openMesh()
    try {
      await mesh.start('app', [Mine])
      const { centrifuge } = await connectSdk(mesh.url, { encoding: 'protobuf', data: odd })
      const rpc = async (method: string, data: Uint8Array): Promise<Buffer> =>
        Buffer.from((await centrifuge.rpc(method, data)).data as Uint8Array)
      expect(await rpc('turned', odd)).toEqual(odd.toReversed())
      await expect(rpc('read', odd)).rejects.toMatchObject({ code: 107, message: 'the data is not JSON' })
      expect(await rpc('read', Buffer.from('{"a":1}'))).toEqual(Buffer.from('{"a":1}'))
      await centrifuge.send(odd)
      await eventually(() => told.length === 1)
      expect(told).toEqual([odd.toString('hex')])
      centrifuge.disconnect()
    } finally {
      await mesh.close()
    }
  })
})
