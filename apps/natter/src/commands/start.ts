import { runDev } from '../dev/run-dev.js'
import type { Given } from '../cli/given.js'
import type { Terminal } from '../cli/terminal.js'
import type { PostgresEnv } from '../mesh/mesh-settings.js'
import { builtPrograms, repositoryRoot, sourcePrograms } from '../mesh/programs.js'
import { runMesh, type RunOptions } from '../run-mesh.js'
import type { Action } from './action.js'
import { basePortOf, dataFolderOf } from './local-mesh.js'

export const start: Action = (given, terminal) => {
  const root = repositoryRoot()
  return runMesh({ ...meshOptions(given, terminal), root, programs: builtPrograms(root), dev: false })
}

export const dev: Action = (given, terminal) => {
  const root = repositoryRoot()
  const options = { ...meshOptions(given, terminal), root, programs: sourcePrograms(root) }
  return runDev({ ...options, sourceRoot: root, page: true })
}

type MeshOptions = Pick<RunOptions, 'basePort' | 'dataFolder' | 'natsUrl' | 'postgresEnv'> &
  Required<Pick<RunOptions, 'write'>>

/** What the line and the environment say of a mesh. Empty variables are unset, as shells write it. */
export function meshOptions(given: Given, terminal: Terminal): MeshOptions {
  return {
    basePort: basePortOf(terminal, given),
    dataFolder: dataFolderOf(given, terminal),
    natsUrl: terminal.env['NATTER_NATS_URL'] || undefined,
    postgresEnv: postgresEnvOf(terminal.env),
    write: (line, more) => terminal.item(more, line),
  }
}

/** How Postgres is named, and not what is in the file: that is a secret. */
export function postgresEnvOf(env: Terminal['env']): PostgresEnv | undefined {
  for (const name of ['NATTER_POSTGRES_URL', 'NATTER_POSTGRES_URL_FILE']) {
    const value = env[name]
    if (value) return { [name]: value }
  }
  return undefined
}
