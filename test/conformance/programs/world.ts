/**
 * What a program with an official SDK is judged on: a real NATS and two gateways, each a process of its own, and a door through which the
 * program asks for what no client can do.
 *
 * W1. Each run has a proxy of its own in front of the gateways, so that runs share a mesh and don't cut each other's connections.
 * W2. Whoever left by the proxy comes back on the other gateway.
 */
import { createNatsBroker, type Broker } from '@natter/broker'
import { ApiClient } from '@natter/hooks'
import {
  freePort,
  startNatsServer,
  startProcess,
  TcpProxy,
  type NatsServer,
  type StartedProcess,
} from '@natter/testing'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDoor, type Door } from './door.js'
import { settings } from './settings.js'

const repo = join(import.meta.dirname, '../../..')

export interface Run {
  /** Where a program asks for what no client can do. */
  readonly control: string
  /** Leads to one gateway until the program leaves it, then to the other. */
  readonly moving: string
  readonly gateways: readonly [string, string]
}

export interface World {
  /** @param name Of its users and channels, so that no two runs meet. */
  startRun(name: string): Promise<Run>
  stop(): Promise<void>
}

const addressOf = (port: number): string => `ws://127.0.0.1:${port}/connection/websocket`

/** @param source the folder whose gateways run. */
export async function startWorld(source = repo): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'natter-conformance-'))
  const nats = await startNatsServer()
  const config = join(folder, 'natter.yaml')
  await writeFile(config, settings)
  const ports = [await freePort(), await freePort()] as const
  const gateways = await Promise.all(ports.map((port) => startGateway(source, config, nats, port)))
  const broker = await createNatsBroker({ urls: [nats.url], prefix: 'natter', name: 'conformance' })
  const api = new ApiClient({ broker })
  api.start()
  const proxies = new Map<string, MovingProxy>()
  const door = await openDoor(api, addressOf(ports[0]), (run) => proxies.get(run))
  return {
    async startRun(name) {
      const proxy = await startMovingProxy(ports) // W1
      proxies.set(name, proxy)
      return {
        control: door.url,
        moving: addressOf(proxy.port),
        gateways: [addressOf(ports[0]), addressOf(ports[1])],
      }
    },
    async stop() {
      await stopAll(door, api, broker, [...proxies.values()], gateways)
      await nats.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function stopAll(
  door: Door,
  api: ApiClient,
  broker: Broker,
  proxies: readonly MovingProxy[],
  gateways: readonly StartedProcess[],
): Promise<void> {
  await door.close()
  api.stop()
  await Promise.all([
    broker.close(),
    ...proxies.map((one) => one.stop()),
    ...gateways.map((one) => one.kill()),
  ])
}

async function startGateway(
  source: string,
  config: string,
  nats: NatsServer,
  port: number,
): Promise<StartedProcess> {
  const child = await startProcess({
    args: [join(source, 'apps/gateway/src/main.ts')],
    cwd: source,
    env: { NATTER_NATS_URL: nats.url, NATTER_CONFIG: config, NATTER_GATEWAY_PORT: String(port) },
  })
  await child.waitForLine((line) => line.includes('"process:start:done"'), 30_000)
  return child
}

export interface MovingProxy {
  readonly port: number
  /** Cuts every connection and takes none. */
  leave(): void
  /** Takes connections again, for the other gateway. */
  arrive(): void
  stop(): Promise<void>
}

async function startMovingProxy([one, two]: readonly [number, number]): Promise<MovingProxy> {
  const target = { port: one }
  const proxy = await TcpProxy.start(target)
  return {
    port: proxy.port,
    leave() {
      proxy.refuse()
      proxy.cut()
    },
    arrive() {
      target.port = target.port === one ? two : one // W2
      proxy.refuse(false)
    },
    stop: () => proxy.stop(),
  }
}
