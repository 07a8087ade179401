/**
 * Runs the tests of one kind: Node as Jest's ES module mode wants it, results as JSON for the total of `npm test`.
 *
 *   node tools/jest.mjs unit|integration|browser|conformance|install|docs|fault [args of jest]
 *   node tools/jest.mjs fault [--publications N] [--minutes N] [--seed N]
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { pinnedNode, root } from './paths.mjs'

const kinds = ['unit', 'integration', 'browser', 'conformance', 'install', 'docs', 'fault']
const [kind, ...given] = process.argv.slice(2)
if (!kinds.includes(kind)) {
  console.error(`Which tests? One of ${kinds.join(', ')}`)
  process.exit(2)
}

/** Jest refuses flags that it doesn't know: the size of a fault run goes by the environment. */
function withoutRunSize(args) {
  const sizes = ['--publications', '--minutes', '--seed']
  return args.filter((arg, at) => {
    const flag = sizes.find((size) => arg === size || args[at - 1] === size)
    if (flag !== undefined && arg !== flag) process.env[`NATTER_FAULT_${flag.slice(2).toUpperCase()}`] = arg
    return flag === undefined
  })
}

const args = kind === 'fault' ? withoutRunSize(given) : given
/** All own their ports and folders, and some mostly wait for servers: Jest would give them one worker of two cores. */
const workers = [`--maxWorkers=${kind === 'integration' || kind === 'install' ? 3 : 2}`]
/** Tests start hundreds of processes of the same code. */
const compileCache = join(root, 'node_modules', '.cache', 'natter-code')
const results = join(root, '.natter', 'test-results')
mkdirSync(results, { recursive: true })
const outputFile = join(results, `${kind}.json`)
rmSync(outputFile, { force: true })

const child = spawn(
  pinnedNode() ?? process.execPath,
  [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
    `--selectProjects=${kind}`,
    '--passWithNoTests',
    '--json',
    `--outputFile=${outputFile}`,
    ...workers,
    ...args,
  ],
  // Jest prints its JSON on stdout only without --outputFile; what people read is on stderr.
  { cwd: root, stdio: 'inherit', env: { ...process.env, NODE_COMPILE_CACHE: compileCache } },
)

/** Jest ends by itself when nothing is left running. What is left is a leak, and no reason to wait for ever. */
const exitTimeoutMs = 15_000

const watch = setInterval(() => {
  if (!existsSync(outputFile)) return
  clearInterval(watch)
  const giveUp = () => {
    console.error(`The ${kind} tests are done, but something they started still runs: a leak.`)
    child.kill('SIGKILL')
  }
  setTimeout(giveUp, exitTimeoutMs).unref()
}, 500)
watch.unref()

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)))
