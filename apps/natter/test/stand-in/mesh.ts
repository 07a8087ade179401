/**
 * `natter start` with stand-ins for gateways, persistence and the messenger, unless STAND_IN_PROGRAMS is `real`; NATS, Postgres and all else
 * are the real ones. It is
 * `natter dev` when STAND_IN_SOURCES names a folder to watch.
 */
import { fileURLToPath } from 'node:url'
import { readCommandLine } from '../../src/command-line.js'
import { runDev } from '../../src/dev/run-dev.js'
import { guards, repositoryRoot, sourcePrograms } from '../../src/mesh/programs.js'
import { runMesh } from '../../src/run-mesh.js'

const command = readCommandLine(['start', ...process.argv.slice(2)], process.env, process.cwd())
if (command.is !== 'start') throw new Error(JSON.stringify(command))
const child = { file: fileURLToPath(new URL('child.mjs', import.meta.url)), execArgv: [] }
const root = repositoryRoot()
const programs =
  process.env.STAND_IN_PROGRAMS === 'real'
    ? sourcePrograms(root)
    : { ...guards(), gateway: child, messenger: child, persistence: child }
const options = { ...command, root, programs }
const sourceRoot = process.env.STAND_IN_SOURCES
process.exit(
  sourceRoot === undefined
    ? await runMesh({ ...options, dev: false })
    : await runDev({ ...options, sourceRoot, page: false }),
)
