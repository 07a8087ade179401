/**
 * What `npm start`, `npm run dev`, `npm test` and `npm run natter` begin with: needs nothing but Node 20 and npm, gets the
 * rest, and hands over to the Node that the lockfile pins.
 *
 *   node tools/bootstrap.mjs start|dev|test [args]
 *   node tools/bootstrap.mjs run <args of natter>
 *
 * H1. Signals go on to the program that was handed over to, and its end is ours: same exit code, same signal.
 * H2. It never outlives us: it holds the other end of an IPC channel, which closes however we end.
 * H3. Under npm we don't outlive npm: when those above us change, we end.
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { build } from './build.mjs'
import { obtainChromium } from './chromium.mjs'
import { obtainNatsServer } from './nats-server.mjs'
import { oneAtATime } from './one-at-a-time.mjs'
import { installPackages, packagesMatch } from './packages.mjs'
import { pinnedNode, root } from './paths.mjs'

const built = 'dist/apps/natter/apps/natter/src/main.js'
const fromSource = ['--import', './tools/typescript.mjs', '--enable-source-maps', 'apps/natter/src/main.ts']
const say = (line) => process.stderr.write(`${line}\n`)

const needsNats = () => !process.env.NATTER_NATS_URL

/** Ends with a code where a step failed; the step has said why. */
async function steps(...all) {
  const outcomes = await Promise.all(all)
  if (outcomes.includes(false)) process.exit(1)
}

const setUpLock = join(root, '.natter', 'set-up.lock')

async function ensurePackages() {
  return packagesMatch() || oneAtATime(setUpLock, async () => packagesMatch() || installPackages(say))
}

async function ensureNats() {
  const file = await obtainNatsServer(say)
  if (file !== null) process.env.NATTER_NATS_SERVER = file
  return file !== null
}

async function ensureChromium() {
  const file = await obtainChromium(say)
  if (file !== null) process.env.NATTER_CHROMIUM = file
  return file !== null
}

async function ensureBuilt() {
  try {
    await oneAtATime(setUpLock, () => build({ say }))
    return true
  } catch (error) {
    say(error.message)
    return false
  }
}

const commands = {
  async start(args) {
    await steps(ensurePackages(), needsNats() ? ensureNats() : true)
    await steps(ensureBuilt())
    return handOver([built, 'start', ...args])
  },
  async dev(args) {
    const needs = args[0] !== 'gateway' && needsNats()
    await steps(ensurePackages(), needs ? ensureNats() : true)
    return handOver([...fromSource, 'dev', ...args])
  },
  async run(args) {
    const [command, ...rest] = args
    if (command === 'start' || command === 'dev') return commands[command](rest)
    await steps(ensurePackages())
    return handOver([...fromSource, ...args])
  },
  async test(args) {
    const packages = ensurePackages()
    process.on('exit', (code) => {
      if (code !== 0 && !isHandedOver) console.log('0 passed, 1 failed, 0 skipped') // the total, whatever happened
    })
    await steps(packages, ensureNats(), ensureChromium())
    return handOver(['tools/verify.mjs', '--with-faults', ...args])
  },
}

let isHandedOver = false

function handOver(args) {
  isHandedOver = true
  const child = spawn(pinnedNode() ?? process.execPath, args, {
    cwd: root,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'], // H2
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal)) // H1
  endWithNpm(child)
  child.on('error', (error) => {
    say(`Node from node_modules does not start: ${error.message}`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)))
}

function endWithNpm(child) {
  if (process.env.npm_lifecycle_event === undefined) return
  const before = ancestors()
  const watch = setInterval(() => {
    if (ancestors() === before) return
    clearInterval(watch)
    child.kill('SIGTERM') // H3
  }, 1000)
  watch.unref()
}

/** Our parent and its parent: between npm and us there may stand a shell, which outlives npm. */
function ancestors() {
  try {
    const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8')
    const [, grandparent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return `${process.ppid} ${grandparent}`
  } catch {
    return String(process.ppid)
  }
}

const [command = 'start', ...args] = process.argv.slice(2)
if (Number.parseInt(process.versions.node, 10) < 20) {
  say(`Natter needs Node 20 or newer to set itself up; this is ${process.versions.node}.`)
  process.exit(1)
}
if (commands[command] === undefined) {
  say(`bootstrap: no command ${command}; there are ${Object.keys(commands).join(', ')}`)
  process.exit(2)
}
await commands[command](args)
