import { join } from 'node:path'
import type { PortPlan } from '../port-plan.js'
import type { Secrets } from '../files/secrets.js'
import type { Programs } from './programs.js'

/** How a process is told where Postgres is: NATTER_POSTGRES_URL or NATTER_POSTGRES_URL_FILE. */
export type PostgresEnv = Record<string, string>

/** Everything a mesh on one machine is made from, resolved. */
export interface MeshSettings {
  root: string
  dataFolder: string
  ports: PortPlan
  programs: Programs
  secrets: Secrets
  nats: { is: 'external'; url: string } | { is: 'embedded'; serverFile: string }
  postgres: { is: 'external'; env: PostgresEnv } | { is: 'embedded' }
  /** With inspectors, on the ports of the plan. */
  inspect: boolean
}

/** Where things are under the data folder. */
export const places = {
  lock: (dataFolder: string) => join(dataFolder, 'natter.lock'),
  secrets: (dataFolder: string) => join(dataFolder, 'secrets.json'),
  run: (dataFolder: string) => join(dataFolder, 'run'),
  identity: (dataFolder: string, name: string) => join(dataFolder, 'run', `${name}.pid`),
  log: (dataFolder: string, name: string) => join(dataFolder, 'logs', `${name}.log`),
  natsConfig: (dataFolder: string) => join(dataFolder, 'nats.conf'),
  natsStore: (dataFolder: string) => join(dataFolder, 'nats'),
  postgres: (dataFolder: string) => join(dataFolder, 'postgres'),
  postgresUrl: (dataFolder: string) => join(dataFolder, 'postgres.url'),
}
