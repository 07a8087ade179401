import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { host } from '../port-plan.js'
import { writeNatsConfig } from '../nats/nats-config.js'
import { embeddedPostgresUrl, writePostgresUrl } from '../postgres/postgres-url.js'
import { endOrphan } from '../process/orphans.js'
import type { ProcessSpec } from '../process/managed-process.js'
import type { Program } from '../process/program.js'
import { allowedOrigins } from './allowed-origins.js'
import { httpApiEnv } from './http-api-env.js'
import { places, type MeshSettings, type PostgresEnv } from './mesh-settings.js'

export const gatewayNames = ['gateway-1', 'gateway-2'] as const
export type GatewayName = (typeof gatewayNames)[number]

/** A cold start from source on a busy machine takes seconds; what takes longer than this hangs. */
const readyTimeoutMs = 30_000
/** After a crash they read what they have stored, or their logs, before they listen: killed in the midst, they begin again. */
const serverReadyTimeoutMs = 120_000
/** Together below the 10 s that Ctrl-C may take: applications first, then NATS and Postgres. */
const appStopTimeoutMs = 5000
const serverStopTimeoutMs = 3500

/** Settings of the supervisor itself, which its children would take for a mistake in theirs. */
const own = new Set([
  'NATTER_PORT',
  'NATTER_DATA',
  'NATTER_NATS_SERVER',
  'NATTER_CHROMIUM',
  'NATTER_NATS_URL',
  'NATTER_POSTGRES_URL',
  'NATTER_POSTGRES_URL_FILE',
])

export function childEnv(settings: Record<string, string>): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !own.has(name))
  return { ...Object.fromEntries(inherited), ...settings, NATTER_SUPERVISED: '1' }
}

export function natsUrl({ nats, ports }: MeshSettings): string {
  return nats.is === 'external' ? nats.url : `nats://${host}:${ports.nats}`
}

export function postgresEnv({ postgres, ports, secrets }: MeshSettings): PostgresEnv {
  if (postgres.is === 'external') return postgres.env
  return { NATTER_POSTGRES_URL: embeddedPostgresUrl(host, ports.postgres, secrets.postgresPassword) }
}

export function pageOriginsAt(port: number): string[] {
  return [`http://localhost:${port}`, `http://${host}:${port}`]
}

/** What the applications have in common: ops page and inspector on the ports planned for `name`, and how long they may take. */
function appSpec(
  settings: MeshSettings,
  name: GatewayName | 'persistence' | 'messenger',
  program: Program,
  env: Record<string, string>,
): Omit<ProcessSpec, 'needs'> {
  const { ports, root } = settings
  return {
    name,
    program: withInspector(settings, program, ports[`${name}-inspect`]),
    cwd: root,
    env: childEnv({ ...env, NATTER_OPS_HOST: host, NATTER_OPS_PORT: String(ports[`${name}-ops`]) }),
    readyTimeoutMs,
    stopTimeoutMs: appStopTimeoutMs,
  }
}

function withInspector(settings: MeshSettings, program: Program, port: number): Program {
  if (!settings.inspect) return program
  return { ...program, execArgv: [...program.execArgv, `--inspect=${host}:${port}`] }
}

export function natsSpec(settings: MeshSettings, serverFile: string): ProcessSpec {
  const { dataFolder, ports, programs, root } = settings
  const config = places.natsConfig(dataFolder)
  const identity = places.identity(dataFolder, 'nats-server')
  return {
    name: 'nats',
    program: { ...programs.nats, args: [serverFile, config, identity, host, String(ports.nats)] },
    cwd: root,
    env: childEnv({}),
    readyTimeoutMs: serverReadyTimeoutMs,
    stopTimeoutMs: serverStopTimeoutMs,
    beforeStart: async () => {
      await endOrphan(identity)
      writeNatsConfig(config, { host, port: ports.nats, storeFolder: places.natsStore(dataFolder) })
    },
  }
}

export function postgresSpec(settings: MeshSettings): ProcessSpec {
  const { dataFolder, ports, programs, root, secrets } = settings
  const identity = places.identity(dataFolder, 'postgres-server')
  const cluster = places.postgres(dataFolder)
  const args = [cluster, places.secrets(dataFolder), identity, host, String(ports.postgres)]
  return {
    name: 'postgres',
    program: { ...programs.postgres, args },
    cwd: root,
    env: childEnv({}),
    readyTimeoutMs: serverReadyTimeoutMs,
    stopTimeoutMs: serverStopTimeoutMs,
    beforeStart: async () => {
      await endOrphan(identity)
      const url = embeddedPostgresUrl(host, ports.postgres, secrets.postgresPassword)
      writePostgresUrl(places.postgresUrl(dataFolder), url)
    },
  }
}

export function gatewaySpec(settings: MeshSettings, name: GatewayName): Omit<ProcessSpec, 'needs'> {
  const { ports, programs, root, secrets } = settings
  const env = {
    NATTER_NATS_URL: natsUrl(settings),
    ...postgresEnv(settings), // with an archive, a full stream refuses instead of forgetting
    NATTER_GATEWAY_HOST: host,
    NATTER_GATEWAY_PORT: String(ports[name]),
    NATTER_GATEWAY_NAME: name,
    NATTER_CLIENT_TOKEN_HMAC_SECRET_KEY: secrets.tokenHmacSecretKey,
    ...httpApiEnv(root, ports[`${name}-api`], secrets.httpApiKey),
    ...allowedOrigins(root, pageOriginsAt(ports.page)),
    ...configFile(root),
  }
  return appSpec(settings, name, programs.gateway, env)
}

export function persistenceSpec(settings: MeshSettings): Omit<ProcessSpec, 'needs'> {
  const { programs, root } = settings
  const env = {
    NATTER_NATS_URL: natsUrl(settings),
    ...postgresEnv(settings),
    NATTER_PERSISTENCE_NAME: 'persistence',
    ...configFile(root),
  }
  return appSpec(settings, 'persistence', programs.persistence, env)
}

export function messengerSpec(settings: MeshSettings): Omit<ProcessSpec, 'needs'> {
  const { ports, programs, secrets } = settings
  const gateways = gatewayNames.map((name) => gatewayAddress(ports[name], 'localhost'))
  const env = {
    NATTER_NATS_URL: natsUrl(settings),
    NATTER_MESSENGER_HOST: host,
    NATTER_MESSENGER_PORT: String(ports.page),
    NATTER_MESSENGER_GATEWAYS: gateways.join(','),
    NATTER_MESSENGER_TOKEN_SECRET: secrets.tokenHmacSecretKey,
  }
  return appSpec(settings, 'messenger', programs.messenger, env)
}

export function gatewayAddress(port: number, at: string = host): string {
  return `ws://${at}:${port}/connection/websocket`
}

export function configFile(root: string): Record<string, string> {
  const file = join(root, 'natter.yaml')
  const isNamed = (process.env.NATTER_CONFIG ?? '') !== '' // empty means unset, as in every app
  return !isNamed && existsSync(file) ? { NATTER_CONFIG: file } : {}
}
