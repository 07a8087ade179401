import { runDevGateway } from '../dev/run-dev-gateway.js'
import { UsageError } from '../cli/command.js'
import { repositoryRoot } from '../mesh/programs.js'
import type { Action } from './action.js'
import { basePortOf, dataFolderOf } from './local-mesh.js'
import { gatewayPort } from './mesh-table.js'
import { postgresEnvOf } from './start.js'

export const devGateway: Action = (given, terminal) => {
  const natsUrl = terminal.env['NATTER_NATS_URL'] || undefined
  if (natsUrl === undefined)
    throw new UsageError(
      [
        'natter dev gateway joins a mesh that runs: set NATTER_NATS_URL to its NATS, e.g. nats://127.0.0.1:8020.',
      ],
      given.name,
    )
  return runDevGateway({
    port: given.of(gatewayPort),
    basePort: basePortOf(terminal),
    dataFolder: dataFolderOf(given, terminal),
    natsUrl,
    postgresEnv: postgresEnvOf(terminal.env),
    root: repositoryRoot(),
    write: (line, more) => terminal.item(more, line),
  })
}
