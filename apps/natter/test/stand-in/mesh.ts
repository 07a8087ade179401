/**
 * `natter start` with stand-ins for gateways, persistence and the messenger, unless STAND_IN_PROGRAMS is `real`; NATS, Postgres and all else
 * are the real ones. It is
 * `natter dev` when STAND_IN_SOURCES names a folder to watch.
 */
import { fileURLToPath } from 'node:url'
import { parseLine } from '../../src/cli/parse.js'
import { Terminal } from '../../src/cli/terminal.js'
import { meshOptions } from '../../src/commands/start.js'
import { commands } from '../../src/commands/table.js'
import { runDev } from '../../src/dev/run-dev.js'
import { guards, repositoryRoot, sourcePrograms } from '../../src/mesh/programs.js'
import { runMesh } from '../../src/run-mesh.js'

const parsed = parseLine(commands, ['start', ...process.argv.slice(2)])
if (parsed.is !== 'run') throw new Error(JSON.stringify(parsed))
const terminal = new Terminal({
  isJson: parsed.isJson,
  env: process.env,
  cwd: process.cwd(),
  workingFolder: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  readStdin: () => Promise.resolve(''),
})
const child = { file: fileURLToPath(new URL('child.mjs', import.meta.url)), execArgv: [] }
const root = repositoryRoot()
const programs =
  process.env.STAND_IN_PROGRAMS === 'real'
    ? sourcePrograms(root)
    : { ...guards(), gateway: child, messenger: child, persistence: child }
const options = { ...meshOptions(parsed.given, terminal), root, programs }
const sourceRoot = process.env.STAND_IN_SOURCES
const running =
  sourceRoot === undefined
    ? runMesh({ ...options, dev: false })
    : runDev({ ...options, sourceRoot, page: false })
process.exit(await running.catch((error: unknown) => terminal.fail(error)))
