/** `natter start` with stand-ins for the gateway and the messenger; NATS and everything else are the real ones. */
import { fileURLToPath } from 'node:url'
import { readCommandLine } from '../../src/command-line.js'
import { ownProgram, repositoryRoot } from '../../src/mesh/programs.js'
import { runMesh } from '../../src/run-mesh.js'

const command = readCommandLine(['start', ...process.argv.slice(2)], process.env, process.cwd())
if (command.is !== 'start') throw new Error(JSON.stringify(command))
const child = { file: fileURLToPath(new URL('child.mjs', import.meta.url)), execArgv: [] }
const programs = { nats: ownProgram('nats/nats-guard'), gateway: child, messenger: child }
process.exit(await runMesh({ ...command, root: repositoryRoot(), programs, dev: false }))
