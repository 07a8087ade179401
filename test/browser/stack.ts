/** What a browser test runs against: real NATS, two gateways and the messenger, each a process of its own, on free ports. */
import { freePort, startNatsServer, startProcess, type StartedProcess } from '@natter/testing'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { spawnSync } from 'node:child_process'

const repo = join(import.meta.dirname, '../..')

const secret = 'a secret of the browser tests'

export interface RunningGateway {
  readonly number: number
  readonly port: number
  /** Ends it as a crash does and starts it again on the same port, as a supervisor would. */
  crash(): Promise<void>
}

export interface RunningMessenger {
  /** Ends it as a crash does; it is away until it is started again. */
  crash(): Promise<void>
  /** On the same port; resolves when it is in the mesh and listens. */
  start(): Promise<void>
}

export interface Stack {
  /** The messenger's address. */
  readonly page: string
  readonly gateways: readonly RunningGateway[]
  readonly messenger: RunningMessenger
  stop(): Promise<void>
}

/** @param source the folder whose gateways run: this repository, or a copy of it with a planted bug. */
export async function startStack(source = repo): Promise<Stack> {
  buildPage()
  const nats = await startNatsServer()
  const [pagePort, ...ports] = await Promise.all([freePort(), freePort(), freePort()])
  const env = {
    NATTER_NATS_URL: nats.url,
    NATTER_CLIENT_TOKEN_HMAC_SECRET_KEY: secret,
    NATTER_LOG_LEVEL: 'info',
  }
  const origins = `http://127.0.0.1:${pagePort}`
  const gateways = await Promise.all(
    ports.map((port, index) =>
      startGateway(source, index + 1, port, { ...env, NATTER_CLIENT_ALLOWED_ORIGINS: origins }),
    ),
  )
  const messenger = await startMessenger({
    NATTER_NATS_URL: nats.url,
    NATTER_MESSENGER_PORT: String(pagePort),
    NATTER_MESSENGER_TOKEN_SECRET: secret,
    NATTER_MESSENGER_GATEWAYS: ports.map((port) => `ws://127.0.0.1:${port}/connection/websocket`).join(','),
  })
  return {
    page: `http://127.0.0.1:${pagePort}`,
    gateways,
    messenger,
    async stop() {
      await Promise.all([messenger.stop(), ...gateways.map((gateway) => gateway.stop())])
      await nats.stop()
    },
  }
}

async function startMessenger(
  env: Readonly<Record<string, string>>,
): Promise<RunningMessenger & { stop(): Promise<unknown> }> {
  const begin = async (): Promise<StartedProcess> => {
    const child = await startProcess({ args: [join(repo, 'apps/messenger/src/main.ts')], cwd: repo, env })
    await child.waitForLine((line) => line.includes('"messenger:listen"'), 30_000)
    return child
  }
  let child = await begin()
  return {
    async crash() {
      await child.kill('SIGKILL')
    },
    async start() {
      child = await begin()
    },
    stop: () => child.kill(),
  }
}

async function startGateway(
  source: string,
  number: number,
  port: number,
  env: Readonly<Record<string, string>>,
): Promise<RunningGateway & { stop(): Promise<unknown> }> {
  const start = async (): Promise<StartedProcess> => {
    const child = await startProcess({
      args: [join(source, 'apps/gateway/src/main.ts')],
      cwd: source,
      env: {
        ...env,
        NATTER_CONFIG: join(repo, 'natter.yaml'),
        NATTER_GATEWAY_PORT: String(port),
        NATTER_GATEWAY_NAME: `gateway-${number}`,
      },
    })
    await child.waitForLine((line) => line.includes('"gateway:listen"'), 30_000)
    return child
  }
  let child = await start()
  return {
    number,
    port,
    async crash() {
      await child.kill('SIGKILL')
      child = await start()
    },
    stop: () => child.kill(),
  }
}

/** The page as `npm run build` makes it; built here when nobody has. */
function buildPage(): void {
  if (existsSync(join(repo, 'dist/apps/messenger/web/index.html'))) return
  const vite = join(repo, 'node_modules/vite/bin/vite.js')
  const built = spawnSync(
    process.execPath,
    [
      vite,
      'build',
      join(repo, 'apps/messenger/web'),
      '--outDir',
      join(repo, 'dist/apps/messenger/web'),
      '--emptyOutDir',
    ],
    { cwd: repo, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } },
  )
  if (built.status !== 0) throw new Error(`the page can't be built: ${built.stderr}`)
}
