/**
 * Builds what changed since the last build: each target has a stamp, the hash of everything it is made from.
 *
 *   node tools/build.mjs [target…] [--force]
 *
 * B1. A stamp is removed before its build and written after it succeeded, so a build that was cut short is done again.
 * B2. The page goes into the folder of the messenger's server, which Nest empties: one after the other.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { pinnedNode, root } from './paths.mjs'
import { run } from './run.mjs'

const shared = ['package-lock.json', 'tsconfig.json', 'nest-cli.json']
const nest = ['node_modules/@nestjs/cli/bin/nest.js', 'build']

const app = (name) => ({
  name,
  sources: [...shared, `apps/${name}/src`, `apps/${name}/tsconfig.app.json`, 'libs'],
  output: `dist/apps/${name}/apps/${name}/src/main.js`,
  command: [...nest, name],
})

const messenger = app('messenger')
const gateway = app('gateway')
const natter = app('natter')
const persistence = app('persistence')
const page = {
  name: 'page',
  sources: ['package-lock.json', 'apps/messenger/web'],
  output: 'dist/apps/messenger/web/index.html',
  command: [
    'node_modules/vite/bin/vite.js',
    'build',
    'apps/messenger/web',
    '--outDir=../../../dist/apps/messenger/web',
    '--emptyOutDir',
    '--logLevel=warn',
  ],
}
const targets = [messenger, gateway, natter, persistence, page]

const isSource = (name) => !/^(node_modules|test|dist)$|\.spec\.ts$|\.md$/.test(name)

function* filesOf(path) {
  const full = join(root, path)
  if (!existsSync(full)) return
  const entries = readdirSync(full, { withFileTypes: true })
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (!isSource(entry.name)) continue
    if (entry.isDirectory()) yield* filesOf(join(path, entry.name))
    else yield join(path, entry.name)
  }
}

function hashOf({ sources, command }) {
  const hash = createHash('sha256').update(command.join(' '))
  for (const source of sources) {
    const isFile = source.endsWith('.json')
    for (const file of isFile ? [source] : filesOf(source)) {
      hash.update(`\0${file}\0`).update(readFileSync(join(root, file)))
    }
  }
  return hash.digest('hex')
}

const stampOf = ({ name }) => join(root, 'dist', '.stamps', name)

function isFresh(target, hash) {
  const stamp = stampOf(target)
  return (
    existsSync(join(root, target.output)) && existsSync(stamp) && readFileSync(stamp, 'utf8').trim() === hash
  )
}

async function buildTarget(target, hash) {
  const stamp = stampOf(target)
  await rm(stamp, { force: true }) // B1
  const { ok, stdout, stderr } = await run(pinnedNode() ?? process.execPath, target.command, { cwd: root })
  if (!ok) throw new Error(`${target.name} does not build:\n${stdout}${stderr}`)
  await mkdir(join(stamp, '..'), { recursive: true })
  await writeFile(stamp, `${hash}\n`)
}

/**
 * @param {{ only?: string[], force?: boolean, say: (line: string) => void }} options
 * @returns {Promise<string[]>} the names of what was built
 */
export async function build({ only = [], force = false, say }) {
  const chosen = targets.filter(({ name }) => only.length === 0 || only.includes(name))
  const hashes = new Map(chosen.map((target) => [target, hashOf(target)]))
  const stale = new Set(chosen.filter((target) => force || !isFresh(target, hashes.get(target))))
  if (stale.has(messenger)) stale.add(page) // B2
  const one = async (target) => {
    if (!stale.has(target)) return
    const startedAt = Date.now()
    await buildTarget(target, hashes.get(target) ?? hashOf(target))
    say(`built ${target.name} in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`)
  }
  const inTurn = async (...line) => {
    for (const target of line) await one(target)
  }
  await Promise.all([inTurn(messenger, page, natter), inTurn(gateway, persistence)]) // B2
  return [...stale].map(({ name }) => name)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const args = process.argv.slice(2)
  const only = args.filter((arg) => !arg.startsWith('--'))
  const unknown = only.filter((name) => !targets.some((target) => target.name === name))
  if (unknown.length > 0) {
    console.error(`No target ${unknown.join(', ')}; there are ${targets.map(({ name }) => name).join(', ')}`)
    process.exit(2)
  }
  try {
    const built = await build({ only, force: args.includes('--force'), say: (line) => console.log(line) })
    if (built.length === 0) console.log('nothing to build')
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
