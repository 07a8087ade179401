import { existsSync } from 'node:fs'
import { InvalidError, systemClock, UnavailableError } from '@natter/primitives'
import type { WriteReport } from '../console-report.js'
import { allowedOrigins } from '../mesh/allowed-origins.js'
import { httpApiEnv } from '../mesh/http-api-env.js'
import { places, type PostgresEnv } from '../mesh/mesh-settings.js'
import { childEnv, configFile, gatewayAddress, pageOriginsAt } from '../mesh/process-specs.js'
import { sourceProgram } from '../mesh/programs.js'
import { openSecrets } from '../files/secrets.js'
import { ManagedProcess } from '../process/managed-process.js'
import type { Program } from '../process/program.js'
import { anyFreePort, portState } from '../process/free-port.js'
import { host } from '../port-plan.js'
import { onStopRequest } from '../stop-signals.js'
import { watchSources } from './source-watch.js'

export interface DevGatewayOptions {
  port: number | undefined
  basePort: number
  dataFolder: string
  natsUrl: string
  postgresEnv: PostgresEnv | undefined
  root: string
  /** A line for people, and the same for programs. */
  write: WriteReport
}

/**
 * One more gateway for a mesh that runs, in the foreground. It keeps its port over restarts, so that its clients find it again,
 * and takes the secret of the data folder, so that the messenger's tokens hold here too, and its Postgres.
 */
export async function runDevGateway(options: DevGatewayOptions): Promise<number> {
  const { port: wanted, root } = options
  if (wanted !== undefined && (await portState(wanted, host)) !== 'free') {
    throw new InvalidError(
      'ports-taken',
      `Port ${wanted} is taken. Leave --port out, and a free one is found.`,
    )
  }
  const port = wanted ?? (await anyFreePort(host))
  const gateway = new ManagedProcess(
    {
      name: `gateway-${port}`,
      program: withInspector(sourceProgram(root, 'gateway')),
      cwd: root,
      env: childEnv(await environment(options, port)),
      readyTimeoutMs: 30_000,
      stopTimeoutMs: 5000,
    },
    systemClock,
  )
  return followToTheEnd(gateway, port, options)
}

/** On any free port: Node itself prints which. */
function withInspector(program: Program): Program {
  return { ...program, execArgv: [...program.execArgv, `--inspect=${host}:0`] }
}

async function environment(options: DevGatewayOptions, port: number): Promise<Record<string, string>> {
  const { basePort, dataFolder, natsUrl, postgresEnv = postgresOf(dataFolder), root } = options
  const secrets = openSecrets(places.secrets(dataFolder))
  return {
    NATTER_NATS_URL: natsUrl,
    ...postgresEnv,
    NATTER_GATEWAY_HOST: host,
    NATTER_GATEWAY_PORT: String(port),
    NATTER_GATEWAY_NAME: `gateway-${port}`,
    NATTER_OPS_HOST: host,
    NATTER_OPS_PORT: String(await anyFreePort(host)),
    NATTER_CLIENT_TOKEN_HMAC_SECRET_KEY: secrets.tokenHmacSecretKey,
    ...httpApiEnv(root, await anyFreePort(host), secrets.httpApiKey),
    ...allowedOrigins(root, pageOriginsAt(basePort)),
    ...configFile(root),
  }
}

/** The embedded one of the mesh that runs there. */
function postgresOf(dataFolder: string): PostgresEnv {
  const file = places.postgresUrl(dataFolder)
  return existsSync(file) ? { NATTER_POSTGRES_URL_FILE: file } : {}
}

function followToTheEnd(
  gateway: ManagedProcess,
  port: number,
  { root, write }: DevGatewayOptions,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let wasEverReady = false
    gateway.events.on('process:line', ({ line }) => write(line, { event: 'log', text: line }))
    gateway.events.on('process:ready', ({ pid }) => {
      wasEverReady = true
      const url = gatewayAddress(port)
      write(`gateway-${port} is ready on ${url}, pid ${pid}. Ctrl-C ends it.`, { event: 'ready', url, pid })
    })
    gateway.events.on('process:exit', ({ how, wasWanted }) => {
      if (!wasWanted) write(`gateway-${port} ended: ${how}`, { event: 'exit', how })
      const failed = new UnavailableError('process-not-up', `gateway-${port} did not come up: ${how}.`)
      if (!wasWanted && !wasEverReady) void gateway.stop().then(() => reject(failed))
    })
    const unwatch = watchSources(root, ['apps/gateway/src', 'libs'], () => gateway.restart())
    onStopRequest(
      () => {
        unwatch()
        void gateway.stop().then(() => resolve(0))
      },
      () => gateway.kill(),
    )
    gateway.start()
  })
}
