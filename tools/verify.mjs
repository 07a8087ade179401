/**
 * Everything that must hold before a change is merged, one step after the other; the last line is the total of all tests.
 *
 *   node tools/verify.mjs [--with-faults]
 *
 * V1. A step that fails doesn't hide the ones after it: all are run, and any failure makes the exit code.
 * V2. A step that isn't a test and fails counts as one failure in the total, so the total never looks better than the run.
 * V3. Steps that share nothing run side by side: format, lint and types. Tests that measure time run alone; those that mostly wait, as the
 *     official SDKs do, beside those that only compute.
 * V4. What takes minutes to obtain, once on a machine, is begun at once behind everything else; who needs it says when it isn't there.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { obtainNatsServer } from './nats-server.mjs'
import { pinnedNode, root } from './paths.mjs'
import { run } from './run.mjs'
import { resultsFolder, testTotal, totalLine } from './test-total.mjs'

const withFaults = process.argv.includes('--with-faults')
const node = pinnedNode() ?? process.execPath
const bin = (path) => [node, [`node_modules/${path}`]]

const tool = (name, path, ...args) => ({ name, command: [bin(path)[0], [...bin(path)[1], ...args]] })
const tests = (kind, ...args) => ({ name: kind, kind, command: [node, ['tools/jest.mjs', kind, ...args]] })

const quick = [
  tool('format', 'prettier/bin/prettier.cjs', '--check', '.'),
  tool('lint', 'oxlint/bin/oxlint', '--type-aware', '--max-warnings', '0'),
  tool('types', 'typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.json'),
  tool('page types', 'typescript/bin/tsc', '--noEmit', '-p', 'apps/messenger/web/tsconfig.json'),
]
const build = { name: 'build', command: [node, ['tools/build.mjs']] }
const hasFaults = withFaults && existsSync(join(root, 'test', 'fault'))
/** V3. */
const kindsInOrder = [
  ['unit', 'conformance'],
  ['integration'],
  ['browser', 'docs'],
  ['install'],
  hasFaults ? ['fault'] : [],
]

const minutesMs = 60_000
const failedSteps = []

async function step({ name, kind, command: [file, args] }) {
  const startedAt = Date.now()
  const env = { ...process.env, FORCE_COLOR: process.stdout.isTTY ? '1' : '0' }
  const result = await run(file, args, {
    cwd: root,
    env,
    timeoutMs: 12 * minutesMs,
    echo: kind !== undefined,
  })
  const took = `${((Date.now() - startedAt) / 1000).toFixed(1)} s`
  if (!result.ok) {
    if (kind === undefined) process.stdout.write(`${result.stdout}${result.stderr}`)
    failedSteps.push({ name, kind })
  }
  console.log(`${result.ok ? 'ok    ' : 'FAILED'} ${name.padEnd(12)} ${took}`)
}

/** V4. */
async function obtainAhead(name, file) {
  const startedAt = Date.now()
  const lowest = 19
  const { ok, stderr } = await run(node, [file], { cwd: root, timeoutMs: 12 * minutesMs, priority: lowest })
  const took = `${((Date.now() - startedAt) / 1000).toFixed(1)} s`
  if (!ok) process.stdout.write(stderr)
  console.log(`${ok ? 'ok    ' : 'absent'} ${name.padEnd(12)} ${took}`)
}

async function sideBySide(steps) {
  const line = [...steps]
  const worker = async () => {
    for (let next = line.shift(); next !== undefined; next = line.shift()) await step(next)
  }
  await Promise.all([worker(), worker()])
}

rmSync(resultsFolder, { recursive: true, force: true })
mkdirSync(resultsFolder, { recursive: true })
if (!process.env.NATTER_NATS_SERVER) {
  const file = await obtainNatsServer((line) => console.log(line))
  if (file !== null) process.env.NATTER_NATS_SERVER = file
}
const ahead = (...names) => Promise.all(names.map((name) => obtainAhead(name, `tools/${name}.mjs`)))
const needed = {
  conformance: ahead('go-sdk', 'python-sdk', 'java-sdk'),
  install: ahead('helm', 'nginx', 'image-base'),
}
await sideBySide([...quick, build]) // V3
for (const together of kindsInOrder) {
  const suites = together.map(async (kind) => {
    await needed[kind]
    await step(tests(kind))
  })
  await Promise.all(suites)
}

const kinds = kindsInOrder.flat()
const total = testTotal(kinds)
const silent = failedSteps.filter(({ kind }) => kind === undefined || testTotal([kind]).failed === 0)
total.failed += silent.length // V2
for (const name of total.skipped) console.log(`skipped: ${name}`)
if (failedSteps.length > 0) console.log(`failed: ${failedSteps.map(({ name }) => name).join(', ')}`)
console.log(totalLine(total))
process.exitCode = failedSteps.length > 0 || total.failed > 0 ? 1 : 0
