/**
 * `natter start` with stand-ins for the gateway and the messenger; NATS and everything else are the real ones. It is
 * `natter dev` when STAND_IN_SOURCES names a folder to watch.
 */
import { fileURLToPath } from 'node:url'
import { readCommandLine } from '../../src/command-line.js'
import { runDev } from '../../src/dev/run-dev.js'
import { guards, repositoryRoot } from '../../src/mesh/programs.js'
import { runMesh } from '../../src/run-mesh.js'

const command = readCommandLine(['start', ...process.argv.slice(2)], process.env, process.cwd())
if (command.is !== 'start') throw new Error(JSON.stringify(command))
const child = { file: fileURLToPath(new URL('child.mjs', import.meta.url)), execArgv: [] }
const programs = { ...guards(), gateway: child, messenger: child }
const options = { ...command, root: repositoryRoot(), programs }
const sourceRoot = process.env.STAND_IN_SOURCES
process.exit(
  sourceRoot === undefined
    ? await runMesh({ ...options, dev: false })
    : await runDev({ ...options, sourceRoot, page: false }),
)
