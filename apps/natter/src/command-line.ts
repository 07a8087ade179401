import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { PostgresEnv } from './mesh/mesh-settings.js'
import { defaultBasePort, highestBasePort } from './port-plan.js'

interface Everywhere {
  basePort: number
  dataFolder: string
  /** What names a Postgres to use instead of the embedded one. */
  postgresEnv: PostgresEnv | undefined
}

export type Command =
  | { is: 'help' }
  | ({ is: 'start' | 'dev'; natsUrl: string | undefined } & Everywhere)
  | ({ is: 'dev-gateway'; port: number | undefined; natsUrl: string } & Everywhere)
  | { is: 'new'; folder: string }
  | { is: 'forget-app'; app: string; basePort: number }
  | { is: 'mistake'; sentence: string }

export const help = `natter start         a mesh on this machine: NATS, Postgres, two gateways, the messenger
natter dev           the same from source, restarted when you save
natter dev gateway   one more gateway, for the mesh at NATTER_NATS_URL
natter new <folder>  a project for an app of your own, with all it needs
natter apps forget <name>
                     take an app that is gone for good out of the mesh at NATTER_NATS_URL

  --port <number>    start, dev: the base of the ports (NATTER_PORT, ${defaultBasePort})
                     dev gateway: its own port (any free one)
  --data <folder>    where data, logs and the lock are (NATTER_DATA, .natter)
  --help

NATTER_NATS_URL      a running NATS to use instead of the embedded one
NATTER_POSTGRES_URL  a running Postgres to use instead of the embedded one (or NATTER_POSTGRES_URL_FILE)
`

type Env = Record<string, string | undefined>

export function readCommandLine(args: readonly string[], env: Env, cwd: string): Command {
  try {
    return understand(args, env, cwd)
  } catch (error) {
    return { is: 'mistake', sentence: error instanceof Error ? error.message : String(error) }
  }
}

function understand(args: readonly string[], env: Env, cwd: string): Command {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { port: { type: 'string' }, data: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  })
  if (values.help === true || positionals.length === 0) return { is: 'help' }
  const command = positionals.join(' ')
  if (positionals[0] === 'new') return { is: 'new', folder: folderOf(positionals.slice(1), env, cwd) }
  if (positionals[0] === 'apps')
    return { is: 'forget-app', app: appOf(positionals.slice(1)), basePort: basePortOf(values.port, env) }
  const dataFolder = resolve(cwd, values.data ?? (env.NATTER_DATA || '.natter'))
  const natsUrl = env.NATTER_NATS_URL || undefined
  const postgresEnv = postgresEnvOf(env)
  if (command === 'start' || command === 'dev') {
    return { is: command, basePort: basePortOf(values.port, env), dataFolder, natsUrl, postgresEnv }
  }
  if (command === 'dev gateway') {
    if (natsUrl === undefined) throw new Error(wantsNats)
    const port = values.port === undefined ? undefined : portOf(values.port, '--port', 65_535)
    return { is: 'dev-gateway', port, basePort: basePortOf(undefined, env), dataFolder, natsUrl, postgresEnv }
  }
  throw new Error(`There is no command "${command}". See natter --help.`)
}

/** Where npm was called counts, not where it runs its scripts. */
function folderOf(names: readonly string[], env: Env, cwd: string): string {
  const [name] = names
  if (name === undefined || names.length > 1)
    throw new Error('natter new takes one folder, e.g. natter new ../my-app.')
  return resolve(env.INIT_CWD ?? cwd, name)
}

function appOf([verb, name, ...rest]: readonly string[]): string {
  if (verb !== 'forget' || name === undefined || rest.length > 0)
    throw new Error('natter apps takes one thing to do, and an app: natter apps forget my-app.')
  return name
}

const wantsNats =
  'natter dev gateway joins a mesh that runs: set NATTER_NATS_URL to its NATS, e.g. nats://127.0.0.1:8020.'

function postgresEnvOf(env: Env): PostgresEnv | undefined {
  for (const name of ['NATTER_POSTGRES_URL', 'NATTER_POSTGRES_URL_FILE']) {
    const value = env[name]
    if (value) return { [name]: value }
  }
  return undefined
}

function basePortOf(flag: string | undefined, env: Env): number {
  if (flag !== undefined) return portOf(flag, '--port', highestBasePort)
  return env.NATTER_PORT ? portOf(env.NATTER_PORT, 'NATTER_PORT', highestBasePort) : defaultBasePort
}

function portOf(text: string, from: string, highest: number): number {
  const port = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (port >= 1 && port <= highest) return port
  throw new Error(`${from} is ${JSON.stringify(text)}; it must be a port from 1 to ${highest}.`)
}
