/**
 * What all laws of a file run against: one NATS and gateways as processes, each law with a way to them of its own, so that one law's
 * cut connections are nobody else's.
 */
import { createNatsBroker, type Broker } from '@natter/broker'
import { ApiClient } from '@natter/hooks'
import { freePort, startNatsServer, startProcess, TcpProxy, type StartedProcess } from '@natter/testing'
import { createHmac } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startApp } from './app.js'
import { meshConfig, tokenSecret } from './mesh-config.js'
import type { Server } from './world.js'

const repo = join(import.meta.dirname, '../../..')

export interface StageOptions {
  gateways: number
  /** Origins of pages that may connect. */
  allowedOrigins?: string
}

/** The way of one law: the address that its clients connect to, and the server's side of it. */
export interface Way {
  readonly address: string
  readonly server: Server
  close(): Promise<void>
}

export interface Stage {
  readonly gateways: number
  readonly broker: Broker
  openWay(): Promise<Way>
  /** Resolves when the gateways ask it. It ends with the stage. */
  startApp(): Promise<void>
  /** Ends a gateway, for good. */
  endGateway(index: number, signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
  stop(): Promise<void>
}

export async function startStage({ gateways, allowedOrigins = '' }: StageOptions): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'natter-conformance-'))
  const config = join(folder, 'natter.yaml')
  await writeFile(config, JSON.stringify(meshConfig)) // JSON is YAML
  const nats = await startNatsServer()
  const env = {
    NATTER_CONFIG: config,
    NATTER_NATS_URL: nats.url,
    NATTER_NATS_PREFIX: 'conformance',
    NATTER_CLIENT_ALLOWED_ORIGINS: allowedOrigins,
  }
  const nodes = await Promise.all(Array.from({ length: gateways }, (_, index) => startGateway(index, env)))
  let present = nodes
  const broker = await createNatsBroker({ urls: [nats.url], prefix: 'conformance', name: 'backend' })
  const api = new ApiClient({ broker })
  api.start()
  let turn = 0
  let stopApp = (): Promise<void> => Promise.resolve()
  return {
    gateways,
    broker,
    openWay: async () => {
      const reached = new Set<number>()
      const proxy = await TcpProxy.start(() => {
        const port = present[turn % present.length]?.port ?? 0 // every new connection goes to the next gateway
        turn += 1
        reached.add(port)
        return { port }
      })
      return wayThrough(proxy, api, reached)
    },
    startApp: async () => {
      stopApp = await startApp(nats.url, 'conformance')
      const known = nodes.map(({ process }) => process.waitForLine((line) => line.includes('"apps:change"')))
      await Promise.all(known)
    },
    endGateway: async (index, signal) => {
      const node = nodes[index]
      await node?.process.kill(signal)
      // as a balancer does: else the posts of a client that is alone would each time go where nobody is, in step with its streams
      present = present.filter((one) => one !== node)
    },
    stop: async () => {
      await stopApp()
      api.stop()
      await broker.close()
      await Promise.all(nodes.map(({ process }) => process.kill()))
      await nats.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function startGateway(
  index: number,
  env: Readonly<Record<string, string>>,
): Promise<{ process: StartedProcess; port: number }> {
  const port = await freePort()
  const process = await startProcess({
    args: [join(repo, 'apps/gateway/src/main.ts')],
    cwd: repo,
    env: { ...env, NATTER_GATEWAY_PORT: String(port), NATTER_GATEWAY_NAME: `gateway-${index + 1}` },
  })
  await process.waitForLine((line) => line.includes('"process:start:done"'), 30_000)
  return { process, port }
}

function wayThrough(proxy: TcpProxy, api: ApiClient, reached: ReadonlySet<number>): Way {
  return {
    address: `127.0.0.1:${proxy.port}`,
    close: () => proxy.stop(),
    server: {
      token: (claims) => Promise.resolve(signed(claims)),
      publish: async (channel, data, tags) => {
        await api.publish(channel, Buffer.from(JSON.stringify(data)), tags === undefined ? {} : { tags })
      },
      disconnect: (user, code, reason) => api.disconnect(user, { code, reason }),
      subscribe: (user, channel) => api.subscribe(user, channel, {}),
      unsubscribe: (user, channel, code, reason) => api.unsubscribe(user, channel, { code, reason }),
      cut: async () => proxy.cut(),
      pause: async () => proxy.pause(),
      resume: async () => proxy.resume(),
      refuse: async (isRefusing) => proxy.refuse(isRefusing),
      reached: async () => reached.size,
    },
  }
}

/** HS256, by hand: what a backend in any language would write. */
function signed(claims: Record<string, unknown>): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const body = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`
  return `${body}.${createHmac('sha256', tokenSecret).update(body).digest('base64url')}`
}
